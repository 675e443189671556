import { FilmError } from './errors.ts';

/** Lets few in at a time, in the order in which they came. */
export class Queue {
  readonly #most: { readonly atOnce: number; readonly waiting: number };
  readonly #mayBegin: () => boolean;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  /** @param options.mayBegin asked before somebody comes in; where that changes, `admit` is to be called. */
  constructor(options: {
    most: { readonly atOnce: number; readonly waiting: number };
    mayBegin?: () => boolean;
  }) {
    this.#most = options.most;
    this.#mayBegin = options.mayBegin ?? (() => true);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get isEmpty(): boolean {
    return this.#inside === 0 && this.#waiting.length === 0;
  }

  /** Resolves when it is one's turn. @throws {FilmError} `busy` where too many wait. */
  async enter(): Promise<void> {
    if (this.#waiting.length >= this.#most.waiting) {
      throw new FilmError('busy', 'too many films are being made; try again in a minute');
    }
    const turn = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.admit();
    await turn;
  }

  leave(): void {
    this.#inside--;
    this.admit();
  }

  /** Lets in who may come in now. */
  admit(): void {
    while (this.#inside < this.#most.atOnce && this.#waiting.length > 0 && this.#mayBegin()) {
      this.#inside++;
      this.#waiting.shift()?.();
    }
  }

  /** Lets everybody in. */
  release(): void {
    for (const next of this.#waiting.splice(0)) {
      this.#inside++;
      next();
    }
  }
}
