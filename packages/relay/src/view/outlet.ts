import type { Duplex } from 'node:stream';
import {
  type Batch,
  Confirmations,
  type DropCount,
  type QueueLimits,
  type Taker,
  TakerQueue,
  type TopicMessage,
} from '@perch/hub';
import { type Control, encodeControl } from '@perch/protocol';
import type { Clock, Millis } from '@perch/runtime';
import { type Framing, frame, opcode } from './frames.ts';

export interface OutletLimits extends QueueLimits {
  readonly confirmPeriod: Millis;
  readonly confirmPeriodLate: Millis;
}

export interface OutletOptions {
  /** The upgraded connection; it must not be given anything but whole frames by anybody else. */
  readonly socket: Duplex;
  readonly framing: Framing;
  /** Control messages may be sent: the peer speaks `perch.1`. */
  readonly speaksControl: boolean;
  /** Who publishes over the same connection, and so does not hear itself. */
  readonly self: unknown;
  /** Whether the WebSocket is open: after a close frame nothing may follow. */
  readonly isOpen: () => boolean;
  /** The hard cap is reached: close it. */
  readonly onOverflow: () => void;
  readonly limits: OutletLimits;
  readonly clock: Clock;
  readonly random: () => number;
}

/** What a connection was sent. Read by statistics, written on the hot path. */
export interface OutletMeter {
  messages: number;
  bytes: number;
  /** On the relay's clock; of the first and the last message. */
  firstAt: number;
  lastAt: number;
}

/** A slow viewer's queue goes to the socket in portions of about this size, so that what waits can still be left out. */
const PORTION_BYTES = 64 * 1024;
/** Answers to a peer that asks without reading are left out beyond this. */
const SMALL_TALK_BYTES = 64 * 1024;

/**
 * The outgoing half of a connection. In step, a whole turn's frames, made once for everybody, go out in one write.
 * Behind, references to messages wait in a {@link TakerQueue} (its policy says what is left out) and go out as the
 * socket takes them. Never waits, never throws.
 */
export class Outlet implements Taker {
  readonly meter: OutletMeter = { messages: 0, bytes: 0, firstAt: 0, lastAt: 0 };
  readonly #socket: Duplex;
  readonly #framing: Framing;
  readonly #speaksControl: boolean;
  readonly #self: unknown;
  readonly #isOpen: () => boolean;
  readonly #onOverflow: () => void;
  readonly #clock: Clock;
  readonly #confirmations: Confirmations;
  readonly #queue: TakerQueue<TopicMessage>;
  /** A write was given to the socket that calls back when the kernel has it; until then the queue stands still. */
  #isDraining = false;
  #awaitsRandomAccess = false;
  #lastWriteAt: Millis;
  readonly #onDrained = () => {
    this.#isDraining = false;
    this.#drain(this.#clock.now());
  };

  constructor(options: OutletOptions) {
    this.#socket = options.socket;
    this.#framing = options.framing;
    this.#speaksControl = options.speaksControl;
    this.#self = options.self;
    this.#isOpen = options.isOpen;
    this.#onOverflow = options.onOverflow;
    this.#clock = options.clock;
    this.#confirmations = new Confirmations({
      period: options.limits.confirmPeriod,
      periodLate: options.limits.confirmPeriodLate,
      everyBytes: options.limits.bytes / 8,
      random: options.random,
    });
    this.#queue = new TakerQueue({ limits: options.limits, onTheWay: this.#confirmations });
    this.#lastWriteAt = options.clock.now();
  }

  get dropped(): DropCount {
    return this.#queue.dropped;
  }

  /** Bytes sent and not confirmed, and bytes that wait, in all. */
  get backlog(): number {
    return this.#queue.backlog;
  }

  /** When something was last written. */
  get lastWriteAt(): Millis {
    return this.#lastWriteAt;
  }

  /** Sends the start group, before anything else of the topic. */
  start(frames: Buffer, messages: number): void {
    if (frames.length === 0) return;
    const now = this.#clock.now();
    this.#confirmations.wroteStart(frames.length);
    this.#count(messages, frames.length, now);
    this.#write(frames, now);
  }

  /** Begins with the next random access point; what comes before is not for this viewer and not counted as dropped. */
  awaitRandomAccess(): void {
    this.#awaitsRandomAccess = true;
  }

  take(batch: Batch): void {
    if (!this.#isOpen()) return;
    if (!this.#isDraining && !this.#awaitsRandomAccess && !batch.isFrom(this.#self)) {
      const frames = batch.made(this.#framing);
      if (this.#queue.isInStep(frames.length, batch.at) && this.#socket.writableLength === 0) {
        this.#confirmations.wrote(frames.length);
        this.#count(batch.messages.length, frames.length, batch.at);
        this.#write(frames, batch.at);
        return;
      }
    }
    this.#takeOneByOne(batch);
  }

  /** Says something to a peer that understands it. Left out while it does not read. */
  control(control: Control): void {
    if (this.#speaksControl) this.#say(frame(opcode.text, Buffer.from(encodeControl(control))));
  }

  /** Answers a ping. */
  pong(payload: Uint8Array): void {
    this.#say(frame(opcode.pong, payload));
  }

  /** Asks whether the peer is there. */
  ping(): void {
    if (this.#isOpen()) this.#say(this.#probe(this.#clock.now()));
  }

  /** The peer's pong. One that answers nothing of ours changes nothing. */
  onPong(payload: Buffer): void {
    if (payload.length !== PROBE_BYTES) return;
    const now = this.#clock.now();
    const probe = { total: payload.readUIntBE(0, 6), nonce: payload.readUInt32BE(6) };
    if (this.#confirmations.answer(probe, now) && this.#queue.length > 0) this.#drain(now);
  }

  /** Lets go of what waits. */
  clear(): void {
    this.#queue.clear();
  }

  #takeOneByOne(batch: Batch): void {
    for (const message of batch.messages) {
      if (message.from === this.#self && this.#self !== undefined) continue;
      if (this.#awaitsRandomAccess) {
        if (!message.mark.randomAccess) continue;
        this.#awaitsRandomAccess = false;
      }
      if (this.#queue.offer(message, this.#framing.size(message), batch.at) === 'overflow') {
        this.#queue.clear();
        this.#onOverflow();
        return;
      }
    }
    this.#drain(batch.at);
  }

  /** Gives the socket a portion of what waits, unless it still has one. */
  #drain(now: Millis): void {
    if (this.#isDraining || this.#queue.length === 0 || !this.#isOpen()) return;
    this.#isDraining = true;
    this.#socket.cork();
    const dropped = this.#queue.report();
    if (dropped) this.control({ type: 'dropped', ...dropped });
    let bytes = 0;
    let messages = 0;
    let last: Uint8Array | undefined;
    while (bytes < PORTION_BYTES) {
      const entry = this.#queue.shift();
      if (!entry) break;
      if (last) this.#socket.write(last);
      this.#socket.write(this.#framing.head(entry.message, false));
      last = entry.message.bytes;
      bytes += entry.size;
      messages++;
    }
    this.#confirmations.wrote(bytes);
    this.#count(messages, bytes, now);
    if (this.#confirmations.isDue(now)) {
      if (last) this.#socket.write(last);
      last = this.#probe(now);
    }
    this.#socket.write(last ?? EMPTY, this.#onDrained);
    this.#socket.uncork();
    this.#lastWriteAt = now;
  }

  #write(frames: Buffer, now: Millis): void {
    this.#lastWriteAt = now;
    if (!this.#confirmations.isDue(now)) {
      this.#socket.write(frames);
      return;
    }
    // One system call for both.
    this.#socket.cork();
    this.#socket.write(frames);
    this.#socket.write(this.#probe(now));
    this.#socket.uncork();
  }

  #say(bytes: Buffer): void {
    if (!this.#isOpen() || this.#socket.writableLength > SMALL_TALK_BYTES) return;
    this.#socket.write(bytes);
    this.#lastWriteAt = this.#clock.now();
  }

  #probe(now: Millis): Buffer {
    const { total, nonce } = this.#confirmations.probe(now);
    const payload = Buffer.allocUnsafe(PROBE_BYTES);
    payload.writeUIntBE(total, 0, 6);
    payload.writeUInt32BE(nonce, 6);
    return frame(opcode.ping, payload);
  }

  #count(messages: number, bytes: number, at: Millis): void {
    const meter = this.meter;
    if (meter.messages === 0) meter.firstAt = at;
    meter.messages += messages;
    meter.bytes += bytes;
    meter.lastAt = at;
  }
}

/** A ping carries how many bytes were written before it (48 bits) and a number that only reading it reveals (32). */
const PROBE_BYTES = 10;
const EMPTY = Buffer.alloc(0);
