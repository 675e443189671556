import {
  captureLimits,
  closeCodes,
  decodeFromRelay,
  encodeCaptureMessage,
  FRAME_HEADER_BYTES,
  type FromDevice,
  type FromRelay,
  limits,
  ProtocolError,
  writeFrameHeader,
} from '@perch/protocol';
import type { Clock, Logger, Millis, Timer } from '@perch/runtime';
import type { WebSocket } from 'ws';
import type { CheckedOut, Spool } from '../spool/index.ts';
import { Flight } from './flight.ts';
import type { Pace } from './pace.ts';

/** What was sent since the agent started. */
export interface UploadCounts {
  /** Bytes of segments, repeated ones included. */
  bytes: number;
  /** Of these, bytes that were sent before. */
  repeated: number;
  persisted: number;
  /** Segments whose bytes the relay wanted from the beginning again. */
  again: number;
  refused: number;
}

export interface SessionOptions {
  /** Open, with the subprotocol `perch.captures.1`, and paused, so that nothing is missed. The session closes it. */
  readonly socket: WebSocket;
  readonly spool: Spool;
  readonly pace: Pace;
  readonly counts: UploadCounts;
  /** How far segments had been sent on earlier connections, by capture and number; to know what is repeated. */
  readonly reached: Map<string, number>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A segment on its way. */
interface Upload {
  readonly stream: number;
  readonly out: CheckedOut;
  /** The relay has said from where. */
  isWanted: boolean;
  /** The next byte to send, and how far the relay has come. */
  offset: number;
  received: number;
  /** How often the relay wanted it from the beginning again. */
  agains: number;
}

/** Why a connection is over. */
export interface SessionEnd {
  readonly code: number;
  readonly reason: string;
  /** The relay took something over it: the next try need not wait long. */
  readonly wasUseful: boolean;
}

const PART_BYTES = 256 * 1024;
const LEAST_PART_BYTES = 8 * 1024;
/** So much may wait in our own memory for the system to take it; what waits beyond stays in its file. */
const MOST_UNSENT_BYTES = 1024 * 1024;
/** So often a segment is sent before its file is looked at. */
const AGAINS = 2;
/** A segment that cannot be read now is tried again after this. */
const UNREADABLE_PAUSE = 60_000;

/**
 * One connection to the relay: offers what waits, most urgent first, sends the bytes that the relay asks for, and lets
 * go of a segment when the relay has it on disk. However it ends, what was not persisted waits in the spool again.
 */
export class UploadSession {
  readonly #options: SessionOptions;
  readonly #uploads = new Map<number, Upload>();
  readonly #events = new Set<string>();
  readonly #flight = new Flight();
  readonly #timers: Timer[] = [];
  readonly #buffers: Buffer[] = [];
  readonly #closed = Promise.withResolvers<SessionEnd>();
  #hello: Extract<FromRelay, { type: 'hello' }> | undefined;
  #nextStream = 1;
  #unreceived = 0;
  #heardAt: Millis;
  #isOver = false;
  #wasUseful = false;
  #wake: (() => void) | undefined;
  #isAwake = false;
  #paceTimer: Timer | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#heardAt = options.clock.now();
  }

  /** Resolves when the connection is over and everything is back in the spool. */
  get closed(): Promise<SessionEnd> {
    return this.#closed.promise;
  }

  start(): void {
    const { socket, clock, spool } = this.#options;
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#onMessage(data, isBinary));
    socket.on('pong', (data: Buffer) => this.#onPong(data));
    socket.on('ping', () => this.#hear());
    const news = spool.news.on('waiting', () => this.#rouse());
    this.#timers.push(
      clock.every(limits.uplinkPing, () => this.#checkPeer()),
      clock.after(limits.dialTimeout, () => {
        if (!this.#hello) this.#drop('the relay did not greet in time');
      }),
    );
    socket.once('close', (code: number, reason: Buffer) => {
      news[Symbol.dispose]();
      void this.#finish({ code, reason: reason.toString(), wasUseful: this.#wasUseful });
    });
    void this.#run();
    socket.resume();
  }

  /** Ends the connection; what is on its way is not waited for. Idempotent. */
  async close(): Promise<void> {
    const { socket } = this.#options;
    if (socket.readyState === socket.OPEN) socket.close(closeCodes.goingAway);
    await this.closed;
  }

  /** Segments on their way, for people. */
  dump(): { capture: string; segment: number; size: number; sent: number }[] {
    return [...this.#uploads.values()].map(({ out, offset }) => ({
      capture: out.segment.capture.id,
      segment: out.segment.segment,
      size: out.segment.size,
      sent: offset,
    }));
  }

  async #run(): Promise<void> {
    const { logger } = this.#options;
    try {
      while (!this.#isOver) {
        this.#isAwake = false;
        const hasSent = this.#hello !== undefined && (await this.#step());
        if (hasSent || this.#isAwake) continue;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } catch (error) {
      logger.error('captures cannot be sent from the spool', { error });
      this.#drop('the spool failed');
    }
  }

  /** @returns whether there may be more to do at once. */
  async #step(): Promise<boolean> {
    await this.#sendEvents();
    await this.#offer();
    return this.#sendPart();
  }

  async #sendEvents(): Promise<void> {
    const room = captureLimits.eventsInFlight - this.#events.size;
    if (room <= 0) return;
    for (const { id, event } of await this.#options.spool.pendingEvents(room, this.#events)) {
      this.#events.add(id);
      this.#send({ type: 'event', id, event });
    }
  }

  async #offer(): Promise<void> {
    const most = this.#hello?.streams ?? 0;
    if (this.#uploads.size >= most) await this.#makeWay();
    while (this.#uploads.size < most && !this.#isOver) {
      const out = await this.#options.spool.checkOut();
      if (!out) return;
      if (this.#isOver) {
        await out.putBack();
        return;
      }
      const stream = this.#nextStream++;
      this.#uploads.set(stream, { stream, out, isWanted: false, offset: 0, received: 0, agains: 0 });
      const { capture, segment, extension, size, sha256 } = out.segment;
      this.#send({ type: 'offer', stream, capture, segment, extension, size, sha256 });
    }
  }

  /** Something more urgent waits, and all places are taken: the last one without an alarm goes back. */
  async #makeWay(): Promise<void> {
    const last = [...this.#uploads.values()].findLast(({ out }) => out.isSurpassed);
    if (!last) return;
    this.#send({ type: 'withdraw', stream: last.stream });
    this.#end(last);
    await last.out.putBack();
  }

  async #sendPart(): Promise<boolean> {
    const upload = this.#mostUrgent();
    if (!upload || this.#options.socket.bufferedAmount > MOST_UNSENT_BYTES) return false;
    const window = this.#hello?.window ?? 0;
    const { size } = upload.out.segment;
    const part = Math.min(
      Math.max(LEAST_PART_BYTES, Math.min(PART_BYTES, this.#flight.window >> 3)),
      window,
      size - upload.offset,
    );
    if (this.#unreceived + part > window || !this.#flight.hasRoom(part)) return false;
    if (!this.#mayLeave(part)) return false;
    const { offset } = upload;
    const message = this.#buffers.pop() ?? Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + PART_BYTES);
    const read = await this.#read(
      upload,
      message.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + part),
      offset,
    );
    // Meanwhile it may have ended, or been wanted from elsewhere.
    if (
      read === 0 ||
      this.#uploads.get(upload.stream) !== upload ||
      upload.offset !== offset ||
      this.#isOver
    ) {
      this.#buffers.push(message);
      return true;
    }
    writeFrameHeader(message, { stream: upload.stream, offset });
    this.#sendBytes(upload, message, read);
    return true;
  }

  #sendBytes(upload: Upload, message: Buffer, bytes: number): void {
    const { socket, clock, counts, reached } = this.#options;
    const { capture, segment } = upload.out.segment;
    const key = `${capture.id}/${segment}`;
    const before = reached.get(key) ?? 0;
    counts.bytes += bytes;
    counts.repeated += Math.max(0, Math.min(before, upload.offset + bytes) - upload.offset);
    upload.offset += bytes;
    reached.set(key, Math.max(before, upload.offset));
    this.#unreceived += bytes;
    socket.send(message.subarray(0, FRAME_HEADER_BYTES + bytes), { binary: true }, () => {
      this.#buffers.push(message);
      this.#rouse();
    });
    // The far end's pong says that it has read all before it, whatever its own messages say and when.
    const total = Buffer.allocUnsafe(8);
    total.writeDoubleBE(this.#flight.sent(bytes, clock.now()));
    socket.ping(total);
  }

  async #read(upload: Upload, into: Buffer, offset: number): Promise<number> {
    const { logger } = this.#options;
    const { file, segment } = upload.out;
    let words: string;
    try {
      const read = await file.read(into, offset);
      if (read > 0) return read;
      words = `it ends at byte ${offset} of ${segment.size}`;
    } catch (error) {
      words = (error as Error).message;
    }
    if (this.#uploads.get(upload.stream) !== upload) return 0;
    logger.error('a segment in the spool cannot be read; it is tried again', {
      file: segment.file,
      error: words,
    });
    this.#send({ type: 'withdraw', stream: upload.stream });
    this.#end(upload);
    await upload.out.putBack(UNREADABLE_PAUSE);
    return 0;
  }

  #mostUrgent(): Upload | undefined {
    let first: Upload | undefined;
    for (const upload of this.#uploads.values()) {
      if (!upload.isWanted || upload.offset >= upload.out.segment.size) continue;
      if (upload.out.hasAlarm) return upload;
      first ??= upload;
    }
    return first;
  }

  #mayLeave(bytes: number): boolean {
    if (this.#paceTimer) return false;
    const { pace, clock } = this.#options;
    const wait = pace.wait(bytes);
    if (wait <= 0) return true;
    this.#paceTimer = clock.after(wait, () => {
      this.#paceTimer = undefined;
      this.#rouse();
    });
    return false;
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    this.#hear();
    try {
      if (isBinary) throw new ProtocolError('bad-capture-message', 'a relay sends text only');
      const message = decodeFromRelay(data.toString());
      if (message) this.#take(message);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#options.logger.error('the relay does not speak as captures do', { error });
      this.#options.socket.close(closeCodes.protocolError, error.message.slice(0, 100));
    }
  }

  #take(message: FromRelay): void {
    if (message.type === 'hello') {
      this.#hello = message;
      this.#rouse();
      return;
    }
    if (message.type === 'noted') {
      this.#settle(
        this.#options.spool.noted(message.id).then(() => {
          this.#events.delete(message.id);
        }),
      );
      return;
    }
    const upload = this.#uploads.get(message.stream);
    // It was withdrawn meanwhile.
    if (!upload) return;
    const { size, sha256 } = upload.out.segment;
    switch (message.type) {
      case 'send':
        if (message.offset > size)
          throw new ProtocolError('bad-capture-message', 'it wants bytes that there are not');
        this.#wantedFrom(upload, message.offset);
        break;
      case 'again':
        this.#options.counts.again++;
        this.#options.logger.warn('a segment is sent again', {
          capture: upload.out.segment.capture.id,
          reason: message.reason,
        });
        if (++upload.agains < AGAINS) this.#wantedFrom(upload, 0);
        else this.#suspect(upload);
        break;
      case 'received':
        if (message.offset > upload.offset)
          throw new ProtocolError('bad-capture-message', 'it received bytes that were not sent');
        if (message.offset > upload.received) {
          this.#wasUseful = true;
          this.#unreceived -= message.offset - upload.received;
          upload.received = message.offset;
        }
        break;
      case 'persisted':
        if (message.sha256 !== sha256) {
          this.#end(upload);
          this.#options.logger.error('the relay has another segment under this name; ours is kept', {
            capture: upload.out.segment.capture.id,
            segment: upload.out.segment.segment,
          });
          this.#settle(upload.out.putBack(captureLimits.refusedPause));
          break;
        }
        this.#end(upload);
        this.#options.counts.persisted++;
        this.#forgetReached(upload);
        this.#settle(upload.out.persisted());
        break;
      case 'refused':
        this.#end(upload);
        this.#options.counts.refused++;
        this.#options.logger.warn('the relay does not take a segment now; it is offered later', {
          reason: message.reason,
        });
        this.#settle(upload.out.putBack(message.after ?? captureLimits.refusedPause));
        break;
    }
    this.#rouse();
  }

  /** It is not the line that damages it: perhaps our disk has. */
  #suspect(upload: Upload): void {
    this.#send({ type: 'withdraw', stream: upload.stream });
    this.#end(upload);
    this.#settle(upload.out.verify().finally(() => upload.out.putBack()));
  }

  #wantedFrom(upload: Upload, offset: number): void {
    this.#unreceived -= upload.offset - upload.received;
    upload.isWanted = true;
    upload.offset = offset;
    upload.received = offset;
  }

  #forgetReached({ out }: Upload): void {
    this.#options.reached.delete(`${out.segment.capture.id}/${out.segment.segment}`);
  }

  /** It is on its way no more. */
  #end(upload: Upload): void {
    this.#uploads.delete(upload.stream);
    this.#unreceived -= upload.offset - upload.received;
  }

  /** What the spool does meanwhile; a spool that fails ends the connection. */
  #settle(work: Promise<void>): void {
    work.then(
      () => this.#rouse(),
      (error: Error) => {
        if (this.#isOver) return;
        this.#options.logger.error('the spool cannot write down what the relay has', {
          error: error.message,
        });
        this.#drop('the spool failed');
      },
    );
  }

  #onPong(data: Buffer): void {
    this.#hear();
    if (data.length !== 8) return;
    this.#flight.confirmed(data.readDoubleBE(), this.#options.clock.now());
    this.#rouse();
  }

  #hear(): void {
    this.#heardAt = this.#options.clock.now();
  }

  #checkPeer(): void {
    const { clock, socket } = this.#options;
    if (clock.now() - this.#heardAt > limits.uplinkDeadline) this.#drop('the relay is silent');
    else if (socket.readyState === socket.OPEN) socket.ping();
  }

  #send(message: FromDevice): void {
    const { socket } = this.#options;
    if (socket.readyState === socket.OPEN) socket.send(encodeCaptureMessage(message));
  }

  #drop(why: string): void {
    this.#options.logger.debug('captures: the connection is dropped', { why });
    this.#options.socket.terminate();
  }

  #rouse(): void {
    this.#isAwake = true;
    this.#wake?.();
    this.#wake = undefined;
  }

  async #finish(end: SessionEnd): Promise<void> {
    this.#isOver = true;
    for (const timer of this.#timers) timer.cancel();
    this.#paceTimer?.cancel();
    this.#rouse();
    const uploads = [...this.#uploads.values()];
    this.#uploads.clear();
    await Promise.allSettled(uploads.map(({ out }) => out.putBack()));
    this.#closed.resolve(end);
  }
}
