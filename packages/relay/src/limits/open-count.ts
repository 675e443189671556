import { addressKey } from './address-key.ts';

/** How many connections each address has open. Whoever has as many as may be gets no more. */
export class OpenCount {
  readonly #most: number;
  readonly #open = new Map<string, number>();

  constructor(options: { readonly most: number }) {
    this.#most = options.most;
  }

  /** @returns what to call when it is closed, once; `undefined` where there are too many. */
  enter(address: string): (() => void) | undefined {
    const key = addressKey(address);
    const open = this.#open.get(key) ?? 0;
    if (open >= this.#most) return undefined;
    this.#open.set(key, open + 1);
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      const left = (this.#open.get(key) ?? 1) - 1;
      if (left > 0) this.#open.set(key, left);
      else this.#open.delete(key);
    };
  }

  /** How many addresses have any. */
  get size(): number {
    return this.#open.size;
  }
}
