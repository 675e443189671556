import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  type CaptureEvent,
  captureLimits,
  decodeFromDevice,
  encodeCaptureMessage,
  FRAME_HEADER_BYTES,
  type FromDevice,
  type FromRelay,
  PERCH_CAPTURES_1,
  readFrameHeader,
} from '@perch/protocol';
import { WebSocket, WebSocketServer } from 'ws';

type Offer = Extract<FromDevice, { type: 'offer' }>;

/** A segment as the relay has it. */
export interface Kept {
  readonly offer: Offer;
  readonly bytes: Buffer;
}

export interface TestRelayOptions {
  /** Ends a connection after so many bytes of segments have come over it; asked anew for each connection. */
  readonly cutAfter?: () => number;
  /** While it holds, every connection is ended at once. */
  readonly isAway?: () => boolean;
  /** Reads no faster than so many bytes per second. */
  readonly mostPerSecond?: number;
  /** Reads nothing more until this has resolved, once bytes of a segment have come. */
  readonly held?: Promise<void>;
  /** Answers an offer in the relay's place. */
  readonly onOffer?: (offer: Offer, send: (message: FromRelay) => void) => boolean;
  /** Keep only lengths and hashes, not bytes. */
  readonly isForgetful?: boolean;
}

/** The relay's side of `perch.captures.1`, in memory: what it persisted, in which order, and all that came. */
export class TestRelay {
  readonly url: string;
  /** By capture and number. */
  readonly kept = new Map<string, Kept>();
  readonly order: string[] = [];
  readonly events = new Map<string, CaptureEvent>();
  /** Segments that came whole a second time. */
  doubles = 0;
  /** Bytes of segments over all connections. */
  bytes = 0;
  connections = 0;
  readonly #server: WebSocketServer;
  readonly #options: TestRelayOptions;
  readonly #partial = new Map<string, Buffer[]>();
  #waiting: (() => void)[] = [];

  static async open(options: TestRelayOptions = {}, port = 0): Promise<TestRelay> {
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port,
      perMessageDeflate: false,
      handleProtocols: (offered) => offered.has(PERCH_CAPTURES_1) && PERCH_CAPTURES_1,
    });
    await once(server, 'listening');
    return new TestRelay(server, options);
  }

  private constructor(server: WebSocketServer, options: TestRelayOptions) {
    this.#server = server;
    this.#options = options;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/agent/captures`;
    server.on('connection', (socket) => this.#serve(socket));
  }

  /** A new outgoing connection to it. */
  dial = (): WebSocket => new WebSocket(this.url, [PERCH_CAPTURES_1], { perMessageDeflate: false });

  /** Ends all connections without a word. */
  cut(): void {
    for (const client of this.#server.clients) client.terminate();
  }

  /** Resolves when `holds`, looked at after each thing that happens. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: WebSocket): void {
    if (this.#options.isAway?.()) {
      socket.terminate();
      return;
    }
    this.connections++;
    const streams = new Map<number, { offer: Offer; parts: Buffer[]; at: number; said: number }>();
    let left = this.#options.cutAfter?.() ?? Number.POSITIVE_INFINITY;
    let busyUntil = 0;
    let resuming: NodeJS.Timeout | undefined;
    const send = (message: FromRelay) => socket.send(encodeCaptureMessage(message));
    send({ type: 'hello', window: captureLimits.windowBytes, streams: 4 });
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (socket.readyState !== socket.OPEN) return;
      if (isBinary) {
        const { stream, offset } = readFrameHeader(data);
        const upload = streams.get(stream);
        let payload = data.subarray(FRAME_HEADER_BYTES);
        this.bytes += payload.length;
        const { mostPerSecond, held } = this.#options;
        if (mostPerSecond !== undefined) {
          const now = performance.now();
          busyUntil = Math.max(now, busyUntil) + (payload.length * 1000) / mostPerSecond;
          socket.pause();
          clearTimeout(resuming);
          const resume = () => socket.resume();
          resuming = setTimeout(() => (held ? void held.then(resume) : resume()), busyUntil - now);
        }
        if (!upload) return;
        if (offset !== upload.at) throw new Error(`bytes from ${offset}, not from ${upload.at}`);
        // A cut within a message: what came of it before still counts.
        payload = payload.subarray(0, Math.max(0, left));
        left -= data.length - FRAME_HEADER_BYTES;
        upload.parts.push(this.#options.isForgetful ? Buffer.alloc(0) : Buffer.from(payload));
        upload.at += payload.length;
        if (left <= 0) {
          socket.terminate();
          return;
        }
        if (upload.at - upload.said >= captureLimits.receivedEveryBytes || upload.at === upload.offer.size) {
          upload.said = upload.at;
          send({ type: 'received', stream, offset: upload.at });
        }
        if (upload.at === upload.offer.size) {
          if (this.#finish(upload.offer, Buffer.concat(upload.parts), stream, send)) streams.delete(stream);
          else {
            upload.parts.length = 0;
            upload.at = 0;
            upload.said = 0;
            send({ type: 'again', stream, reason: 'the hash differs' });
          }
        }
        this.#happened();
        return;
      }
      const message = decodeFromDevice(data.toString());
      if (message?.type === 'event') {
        this.events.set(message.id, message.event);
        send({ type: 'noted', id: message.id });
      } else if (message?.type === 'withdraw') streams.delete(message.stream);
      else if (message?.type === 'offer') {
        const key = keyOf(message);
        const known = this.kept.get(key);
        if (this.#options.onOffer?.(message, send)) return;
        if (known) send({ type: 'persisted', stream: message.stream, sha256: known.offer.sha256 });
        else {
          const parts = this.#partial.get(key) ?? [];
          this.#partial.set(key, parts);
          const at = parts.reduce((sum, part) => sum + part.length, 0);
          streams.set(message.stream, { offer: message, parts, at, said: at });
          send({ type: 'send', stream: message.stream, offset: at });
        }
      }
      this.#happened();
    });
    socket.on('error', () => {
      // a cut connection
    });
  }

  #finish(offer: Offer, bytes: Buffer, stream: number, send: (message: FromRelay) => void): boolean {
    const key = keyOf(offer);
    this.#partial.delete(key);
    const isRight =
      this.#options.isForgetful || createHash('sha256').update(bytes).digest('hex') === offer.sha256;
    if (!isRight) return false;
    if (this.kept.has(key)) this.doubles++;
    this.kept.set(key, { offer, bytes });
    this.order.push(key);
    send({ type: 'persisted', stream, sha256: offer.sha256 });
    return true;
  }

  #happened(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

export const keyOf = ({ capture, segment }: Pick<Offer, 'capture' | 'segment'>): string =>
  `${capture.id}/${segment}`;
