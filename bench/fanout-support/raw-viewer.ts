import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface RawViewerOptions {
  readonly port: number;
  readonly path: string;
  readonly tls?: boolean;
  /** Each binary message: its payload's length, and its first bytes where they came in one piece with the header. */
  readonly onMessage?: (length: number, payload: Buffer) => void;
  /** Each read, after it was counted. */
  readonly onRead?: () => void;
}

/** One buffer for all viewers: it is looked at and forgotten within a read. */
const shared = Buffer.allocUnsafe(256 * 1024);

/**
 * A viewer as cheap as can be: a bare socket, the handshake by hand, frames counted and not kept. It walks from one
 * frame's header to the next and answers pings, as any viewer does.
 */
export class RawViewer {
  /** Messages whose last byte has come, and bytes of them. */
  messages = 0;
  bytes = 0;
  readonly socket: Socket;
  readonly #onMessage: ((length: number, payload: Buffer) => void) | undefined;
  readonly #onRead: (() => void) | undefined;
  #skip = 0;
  #isMessage = false;
  #part: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket, options: RawViewerOptions) {
    this.socket = socket;
    this.#onMessage = options.onMessage;
    this.#onRead = options.onRead;
  }

  /** Connects and waits for the handshake to be answered. */
  static async open(options: RawViewerOptions): Promise<RawViewer> {
    const { promise: open, resolve, reject } = Promise.withResolvers<void>();
    let viewer: RawViewer | undefined;
    let head = '';
    const onBytes = (bytes: Buffer) => {
      if (!viewer) return;
      if (head !== undefined && !isOpen) {
        head += bytes.toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        if (!head.startsWith('HTTP/1.1 101')) return reject(new Error(head.slice(0, 200)));
        isOpen = true;
        resolve();
        const rest = head.length - end - 4;
        if (rest > 0) viewer.read(bytes.subarray(bytes.length - rest));
        return;
      }
      viewer.read(bytes);
    };
    let isOpen = false;
    const onread = {
      buffer: shared,
      callback: (n: number, buffer: Uint8Array) => {
        onBytes(Buffer.from(buffer.buffer, buffer.byteOffset, n));
        return true;
      },
    };
    const { port } = options;
    const socket = options.tls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect({ port, host: '127.0.0.1', onread });
    if (options.tls) socket.on('data', onBytes);
    viewer = new RawViewer(socket, options);
    socket.on('error', reject);
    await once(socket, options.tls ? 'secureConnect' : 'connect');
    socket.setNoDelay(true);
    const key = randomBytes(16).toString('base64');
    socket.write(
      `GET ${options.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    await open;
    return viewer;
  }

  close(): void {
    this.socket.destroy();
  }

  read(bytes: Buffer): void {
    let at = 0;
    if (this.#part.length > 0) {
      const joined = Buffer.concat([this.#part, bytes]);
      this.#part = Buffer.alloc(0);
      this.read(joined);
      return;
    }
    while (at < bytes.length) {
      if (this.#skip > 0) {
        const n = Math.min(this.#skip, bytes.length - at);
        this.#skip -= n;
        at += n;
        if (this.#skip === 0 && this.#isMessage) this.messages++;
        continue;
      }
      at = this.#header(bytes, at);
      if (at < 0) break;
    }
    this.#onRead?.();
  }

  /** @returns where the payload begins, or -1 when the rest was put by. */
  #header(bytes: Buffer, at: number): number {
    const left = bytes.length - at;
    const short = left > 1 ? (bytes[at + 1] as number) & 0x7f : 0;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    const op = (bytes[at] as number) & 0x0f;
    const isPing = op === 9;
    if (left < 2 || left < head || (isPing && left < head + short)) {
      this.#part = Buffer.from(bytes.subarray(at));
      return -1;
    }
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUInt32BE(at + 6);
    if (isPing) {
      this.#pong(bytes.subarray(at + head, at + head + length));
      return at + head + length;
    }
    this.#isMessage = op === 2;
    this.#skip = length;
    if (this.#isMessage) {
      this.bytes += length;
      this.#onMessage?.(length, bytes.subarray(at + head, at + head + length));
    }
    return at + head;
  }

  #pong(payload: Buffer): void {
    // Masked with zeros: RFC 6455 wants a mask, not a good one.
    const frame = Buffer.alloc(6 + payload.length);
    frame[0] = 0x8a;
    frame[1] = 0x80 | payload.length;
    payload.copy(frame, 6);
    this.socket.write(frame);
  }
}
