import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a port that a test can cut: at once, or in the middle of what is on its way. */
export class CuttingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #pairs = new Set<() => void>();
  /** Bytes until the next cut, over all connections. */
  #left = Number.POSITIVE_INFINITY;
  /** Takes no new connections. */
  isDown = false;
  /** Connections that it did not take. */
  refused = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(targetPort: number): Promise<CuttingProxy> {
    const server = createServer();
    const proxy = new CuttingProxy(server);
    server.on('connection', (near) => proxy.#join(near, targetPort));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts all connections now. */
  cut(): void {
    this.#left = Number.POSITIVE_INFINITY;
    for (const cut of [...this.#pairs]) cut();
  }

  /** Cuts all connections when so many more bytes have passed: what lies behind them in the same write is lost. */
  cutAfter(bytes: number): void {
    this.#left = bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket, port: number): void {
    near.on('error', () => near.destroy());
    if (this.isDown) {
      this.refused++;
      near.destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    const cut = () => {
      this.#pairs.delete(cut);
      near.destroy();
      far.destroy();
    };
    this.#pairs.add(cut);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (part: Buffer) => this.#pass(part, to));
      from.on('end', () => to.end());
      from.on('error', cut);
      from.on('close', cut);
    }
  }

  #pass(part: Buffer, to: Socket): void {
    const passing = part.subarray(0, Math.min(part.length, this.#left));
    this.#left -= passing.length;
    if (!to.destroyed) to.write(passing);
    // What passed is delivered; then nothing more.
    if (this.#left <= 0) setImmediate(() => this.cut());
  }
}
