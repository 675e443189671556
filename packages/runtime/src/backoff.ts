import { type Millis, millis } from './unit.ts';

/** How the pauses between tries grow. */
export interface BackoffOptions {
  /** The first pause. Default 1000 ms. */
  readonly first?: Millis;
  /** The longest pause before jitter. Default 10,000 ms. */
  readonly most?: Millis;
  /** Each pause is this many times the one before. Default 2. */
  readonly factor?: number;
  /** Each pause is spread by ± this share. Default 0.25. */
  readonly jitter?: number;
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
}

/** How long to wait before the next try: 1, 2, 4, 8, 10, 10 … s, each spread so that clients do not march in step. */
export class Backoff {
  #next: number;
  readonly #first: number;
  readonly #most: number;
  readonly #factor: number;
  readonly #jitter: number;
  readonly #random: () => number;

  constructor(options: BackoffOptions = {}) {
    this.#first = options.first ?? 1000;
    this.#most = options.most ?? 10_000;
    this.#factor = options.factor ?? 2;
    this.#jitter = options.jitter ?? 0.25;
    this.#random = options.random ?? Math.random;
    this.#next = this.#first;
  }

  /** The pause before the coming try; the one after it will be longer. */
  next(): Millis {
    const pause = this.#next;
    this.#next = Math.min(this.#most, pause * this.#factor);
    return millis(pause * (1 + this.#jitter * (2 * this.#random() - 1)));
  }

  /** Something worked: begin again with the first pause. */
  reset(): void {
    this.#next = this.#first;
  }
}
