import type { Authority } from './codes.ts';

/** What is open and rests on a right, where nobody else looks after it: streams of events, for one. */
export class Holdings {
  readonly #holds: (authority: Authority) => boolean;
  readonly #open = new Set<{ readonly authority: Authority; readonly end: () => void }>();

  constructor(holds: (authority: Authority) => boolean) {
    this.#holds = holds;
  }

  /** @returns what takes it out again, when it has ended by itself. */
  add(authority: Authority, end: () => void): Disposable {
    const holding = { authority, end };
    this.#open.add(holding);
    return { [Symbol.dispose]: () => void this.#open.delete(holding) };
  }

  /** Ends what has no right any more. */
  dismiss(): void {
    for (const holding of this.#open) {
      if (this.#holds(holding.authority)) continue;
      this.#open.delete(holding);
      holding.end();
    }
  }
}
