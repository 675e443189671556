/** Typed news of one object. Listeners are called at once, in order of arrival; the owner alone emits. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

  /** Calls `listener` for each `type` from now on, until the returned handle is disposed. */
  on<K extends keyof Events>(type: K, listener: (event: Events[K]) => void): Disposable {
    let set = this.#listeners.get(type);
    if (!set) {
      set = new Set();
      this.#listeners.set(type, set);
    }
    const entry = (event: Events[K]) => listener(event);
    set.add(entry);
    return { [Symbol.dispose]: () => void set.delete(entry) };
  }

  /** Resolves with the next `type`. */
  once<K extends keyof Events>(type: K): Promise<Events[K]> {
    return new Promise((resolve) => {
      const handle = this.on(type, (event) => {
        handle[Symbol.dispose]();
        resolve(event);
      });
    });
  }

  emit<K extends keyof Events>(type: K, event: Events[K]): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never);
  }

  /** How many listeners there are, for leak tests. */
  get size(): number {
    let n = 0;
    for (const set of this.#listeners.values()) n += set.size;
    return n;
  }
}
