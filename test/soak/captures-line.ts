import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** How a line ends: at once for both, for the device alone (the relay hears nothing of it), or after a silence. */
export type Break = 'reset' | 'half-open' | 'stall';

/** What happens to one connection. */
export interface Fate {
  /** It breaks after so many bytes in all, both directions counted. */
  readonly after: number;
  readonly how: Break;
}

export interface LineOptions {
  readonly toPort: number;
  /** Asked anew for each connection; `undefined`: it holds. */
  readonly fate: () => Fate | undefined;
  /** Bytes per second each way. Default: as many as come. */
  readonly rate?: number;
  /** How long a byte takes, one way, in ms. Default: no time. */
  readonly delay?: number;
}

/** A line that stalls is silent for so long before it breaks, in ms. */
const STALL_MS = 300;

/** A line between device and relay that has a length and a width, and breaks at any byte. Whoever opened it closes it. */
export class Line implements AsyncDisposable {
  connections = 0;
  readonly broken: Record<Break, number> = { reset: 0, 'half-open': 0, stall: 0 };
  readonly #server: Server;
  readonly #options: LineOptions;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, options: LineOptions) {
    this.#server = server;
    this.#options = options;
    server.on('connection', (near) => this.#serve(near));
  }

  static async open(options: LineOptions): Promise<Line> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Line(server, options);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(near: Socket): void {
    this.connections++;
    const { toPort, fate } = this.#options;
    const far = connect(toPort, '127.0.0.1');
    const end = fate();
    let left = end?.after ?? Number.POSITIVE_INFINITY;
    const cut = () => {
      near.destroy();
      far.destroy();
    };
    const breakIt = () => {
      const how = end?.how ?? 'reset';
      this.broken[how]++;
      if (how === 'reset') cut();
      else if (how === 'half-open') near.destroy();
      else setTimeout(cut, STALL_MS);
    };
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    }
    // What a half-open line has left at the relay ends with the device's next connection.
    near.on('close', () => end?.how !== 'half-open' && far.destroy());
    far.on('close', () => near.destroy());
    const take = (bytes: number): number => {
      if (left <= 0) return 0;
      const passed = Math.min(bytes, left);
      left -= bytes;
      // What came before the break still arrives.
      if (left <= 0) setImmediate(breakIt);
      return passed;
    };
    this.#carry(near, far, take);
    this.#carry(far, near, take);
  }

  #carry(from: Socket, to: Socket, take: (bytes: number) => number): void {
    const { rate, delay = 0 } = this.#options;
    let freeAt = 0;
    from.on('data', (data: Buffer) => {
      const passed = data.subarray(0, take(data.length));
      if (passed.length === 0) return;
      if (rate === undefined && delay === 0) {
        if (to.write(passed)) return;
        from.pause();
        to.once('drain', () => from.resume());
        return;
      }
      const now = performance.now();
      freeAt = Math.max(now, freeAt) + (rate === undefined ? 0 : (passed.length * 1_000) / rate);
      // The line takes no more than fits on it.
      from.pause();
      setTimeout(() => from.resume(), freeAt - now);
      setTimeout(() => to.destroyed || to.write(passed), freeAt - now + delay);
    });
  }
}
