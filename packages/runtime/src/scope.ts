import type { AbortSignalLike } from './clock.ts';

/** Something that can be closed: idempotent, resolves when all is gone. */
export interface Closeable {
  close(reason?: string): void | Promise<void>;
}

declare const AbortController: new () => { readonly signal: AbortSignalLike; abort(reason?: unknown): void };

/**
 * Owns what long-lived code opens. Register in the line that opens; `close` closes all in reverse order, one after
 * the other, and goes on past a failure (the failures come back as one `AggregateError`).
 */
export class Scope implements AsyncDisposable {
  readonly #stack: (() => unknown)[] = [];
  readonly #abort = new AbortController();
  #closing: Promise<void> | undefined;

  /** Aborted when closing begins. */
  get signal(): AbortSignalLike {
    return this.#abort.signal;
  }

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** Takes over a closeable or disposable and hands it back. On a scope already closing it is closed at once. */
  own<T extends Closeable | Disposable | AsyncDisposable>(thing: T): T {
    this.onClose(() => {
      if ('close' in thing) return thing.close();
      if (Symbol.asyncDispose in thing) return thing[Symbol.asyncDispose]();
      return thing[Symbol.dispose]();
    });
    return thing;
  }

  /** Calls `close` when the scope closes, after everything registered later. */
  onClose(close: () => unknown): void {
    if (this.#closing) {
      // Opened too late: the scope is on its way out, so it may not stay open.
      this.#closing = this.#closing.then(async () => void (await close()));
      return;
    }
    this.#stack.push(close);
  }

  close(reason?: string): Promise<void> {
    this.#closing ??= this.#closeAll(reason);
    return this.#closing;
  }

  async #closeAll(reason?: string): Promise<void> {
    const errors: unknown[] = [];
    this.#abort.abort(new Error(reason ?? 'closed'));
    for (let close = this.#stack.pop(); close; close = this.#stack.pop()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'closing failed');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
