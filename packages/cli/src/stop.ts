/** A wrapper (npm, our own launcher) hands on the signal that the terminal has sent already. */
const SAME_SIGNAL_MS = 500;

/**
 * The wish to end, as signals express it. The first asks politely; a later one, when the polite way takes too long,
 * ends the process at once. Disposing gives the signals back.
 */
export class Stop implements Disposable {
  /** Resolves with the signal's name. */
  readonly asked: Promise<string>;
  readonly #handlers: (readonly [NodeJS.Signals, () => void])[];

  constructor(options: { readonly force?: () => void; readonly now?: () => number } = {}) {
    const { force = () => process.exit(1), now = () => performance.now() } = options;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.asked = promise;
    let first: number | undefined;
    this.#handlers = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => [
      signal,
      () => {
        if (first === undefined) {
          first = now();
          resolve(signal);
        } else if (now() - first > SAME_SIGNAL_MS) force();
      },
    ]);
    for (const [signal, handler] of this.#handlers) process.on(signal, handler);
  }

  [Symbol.dispose](): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
  }
}
