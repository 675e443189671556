/** No stream is odd in more ways than somebody reads. */
const MOST = 32;

/** What is strange about an input, in words, each once. */
export class Oddities {
  readonly #said = new Set<string>();
  #list: readonly string[] = [];

  /** In the order in which they were noticed. The same array until one is added. */
  get list(): readonly string[] {
    return this.#list;
  }

  say(text: string): void {
    if (this.#said.has(text) || this.#said.size >= MOST) return;
    this.#said.add(text);
    this.#list = [...this.#said];
  }

  clear(): void {
    this.#said.clear();
    this.#list = [];
  }
}
