import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection that sends what no decent client would, and keeps what comes back. */
export class RawHttp implements Disposable {
  readonly socket: Socket;
  /** The beginning of it. */
  heard = '';
  bytes = 0;
  /** Resolves when the relay has hung up. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined); // a reset is a way to hang up
    socket.once('end', () => socket.end());
    socket.on('data', (chunk) => {
      this.bytes += chunk.length;
      if (this.heard.length < 65_536) this.heard += String(chunk);
    });
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static async open(port: number, host = '127.0.0.1'): Promise<RawHttp> {
    const raw = new RawHttp(connect({ port, host, allowHalfOpen: true }));
    await once(raw.socket, 'connect');
    return raw;
  }

  /** Sends this, and no more. @returns the status, 0 for none, when the relay has hung up. */
  static async ask(port: number, text: string): Promise<number> {
    using raw = await RawHttp.open(port);
    raw.socket.write(text, 'latin1');
    await raw.closed;
    return raw.status;
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.heard)?.[1] ?? 0);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** An upgrade to a WebSocket on this path, as it stands here. */
export const upgradeTo = (path: string, headers: readonly string[] = []): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: relay',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ...headers,
    '',
    '',
  ].join('\r\n');
