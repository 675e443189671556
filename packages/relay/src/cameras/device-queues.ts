/** Work for devices: of one device one after the other, of many at once. */
export class DeviceQueues {
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #running = new Set<Promise<unknown>>();

  /** Does the work when all before it of the same device is done, also where that failed. */
  next<T>(device: string, work: () => Promise<T>): Promise<T> {
    const done = (this.#last.get(device) ?? Promise.resolve()).then(work);
    const settled: Promise<unknown> = done
      .catch(() => {
        // whoever asked for it hears of it
      })
      .finally(() => {
        if (this.#last.get(device) === settled) this.#last.delete(device);
      });
    this.#last.set(device, settled);
    return done;
  }

  /** Work that goes on by itself. It never rejects. */
  track(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  /** Resolves when all is done. */
  async close(): Promise<void> {
    while (this.#last.size + this.#running.size > 0)
      await Promise.all([...this.#last.values(), ...this.#running]);
  }
}
