/** The film that was looked at last, so that a timeline can go on there. */
class LastOpened {
  #id: string | undefined;

  note(id: string): void {
    this.#id = id;
  }

  /** Its id, once. */
  take(): string | undefined {
    const id = this.#id;
    this.#id = undefined;
    return id;
  }
}

export const lastOpened = new LastOpened();
