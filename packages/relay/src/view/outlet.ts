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
import { type Framing, frame, opcode, probe, tokenOf } from './frames.ts';

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
  /** Tells whether it is open (1): after a close frame nothing may follow. */
  readonly webSocket: { readonly readyState: number };
  /** The hard cap is reached: close it. */
  readonly onOverflow: () => void;
  readonly limits: OutletLimits;
  readonly clock: Clock;
}

/** What went one way over a connection. */
export interface FlowMeter {
  readonly messages: number;
  readonly bytes: number;
  /** On the relay's clock; of the first and the last message. */
  readonly firstAt: number;
  readonly lastAt: number;
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
  readonly #socket: Duplex;
  readonly #framing: Framing;
  readonly #speaksControl: boolean;
  readonly #self: unknown;
  readonly #webSocket: { readonly readyState: number };
  readonly #onOverflow: () => void;
  readonly #clock: Clock;
  readonly #confirmations: Confirmations;
  readonly #queue: TakerQueue<TopicMessage>;
  // The hot path reads and writes only what follows. So many bytes may go out until then without a closer look; what
  // went out so is told to the confirmations when one looks again.
  #granted = 0;
  #grant = 0;
  #grantUntil = Number.NEGATIVE_INFINITY;
  #messages = 0;
  #bytes = 0;
  #firstAt = 0;
  #lastAt = 0;
  /** A write was given to the socket that calls back when the kernel has it; until then the queue stands still. */
  #isDraining = false;
  #awaitsRandomAccess = false;
  readonly #onDrained = () => {
    this.#isDraining = false;
    this.#drain(this.#clock.now());
  };

  constructor(options: OutletOptions) {
    this.#socket = options.socket;
    this.#framing = options.framing;
    this.#speaksControl = options.speaksControl;
    this.#self = options.self;
    this.#webSocket = options.webSocket;
    this.#onOverflow = options.onOverflow;
    this.#clock = options.clock;
    this.#confirmations = new Confirmations({
      period: options.limits.confirmPeriod,
      periodLate: options.limits.confirmPeriodLate,
      everyBytes: options.limits.bytes / 4,
    });
    this.#queue = new TakerQueue({ limits: options.limits, onTheWay: this.#confirmations });
  }

  /** What was sent. */
  get meter(): FlowMeter {
    return { messages: this.#messages, bytes: this.#bytes, firstAt: this.#firstAt, lastAt: this.#lastAt };
  }

  get dropped(): DropCount {
    return this.#queue.dropped;
  }

  /** Bytes sent and not confirmed, and bytes that wait, in all. */
  get backlog(): number {
    return this.#queue.backlog + this.#granted - this.#grant;
  }

  /** Sends the start group, before anything else of the topic. */
  start(frames: Buffer, messages: number): void {
    if (frames.length === 0) return;
    const now = this.#clock.now();
    this.#confirmations.wroteStart(frames.length);
    this.#count(messages, frames.length, now);
    this.#socket.cork();
    this.#socket.write(frames);
    this.#socket.write(this.#probe(now));
    this.#socket.uncork();
  }

  /** Begins with the next random access point; what comes before is not for this viewer and not counted as dropped. */
  awaitRandomAccess(): void {
    this.#awaitsRandomAccess = true;
  }

  take(batch: Batch): void {
    if (batch.at >= this.#grantUntil || batch.isFrom(this.#self)) {
      this.#takeCarefully(batch);
      return;
    }
    const frames = batch.made(this.#framing);
    if (frames.length > this.#grant || this.#socket.writableLength > 0 || !this.#isOpen) {
      this.#takeCarefully(batch);
      return;
    }
    this.#grant -= frames.length;
    this.#messages += batch.messages.length;
    this.#bytes += frames.length;
    this.#lastAt = batch.at;
    this.#socket.write(frames);
  }

  /** Says something to a peer that understands it. Left out while it does not read. */
  control(control: Control): void {
    if (this.#speaksControl) this.#say(controlFrame(control));
  }

  /** Answers a ping. */
  pong(payload: Uint8Array): void {
    this.#say(frame(opcode.pong, payload));
  }

  /** Asks whether the peer is there. */
  ping(): void {
    if (!this.#isOpen) return;
    this.#settle();
    this.#say(this.#probe(this.#clock.now()));
  }

  /** The peer's pong. One that answers nothing of ours changes nothing. */
  onPong(payload: Buffer): void {
    const token = tokenOf(payload);
    if (token === undefined) return;
    const now = this.#clock.now();
    this.#settle();
    if (this.#confirmations.answer(token, now)) this.#lookAhead(now);
  }

  /** Lets go of what waits. */
  clear(): void {
    this.#queue.clear();
  }

  get #isOpen(): boolean {
    return this.#webSocket.readyState === OPEN;
  }

  #takeCarefully(batch: Batch): void {
    if (!this.#isOpen) return;
    this.#settle();
    if (!this.#isDraining && !this.#awaitsRandomAccess && !batch.isFrom(this.#self)) {
      const frames = batch.made(this.#framing);
      if (frames.length <= this.#queue.straight(batch.at) && this.#socket.writableLength === 0) {
        this.#writeWhole(batch, frames);
        return;
      }
    }
    this.#takeOneByOne(batch);
  }

  /** A turn's frames for a viewer in step, with a ping behind them if one is due. */
  #writeWhole(batch: Batch, frames: Buffer): void {
    this.#confirmations.wrote(frames.length);
    this.#count(batch.messages.length, frames.length, batch.at);
    if (this.#confirmations.isDue(batch.at)) {
      const { bytes, token } = batch.made(this.#framing.probed);
      this.#confirmations.probe(token, batch.at);
      this.#socket.write(bytes);
    } else {
      this.#socket.write(frames);
    }
    this.#lookAhead(batch.at);
  }

  /** How far this viewer may be written to without a closer look. */
  #lookAhead(now: Millis): void {
    if (this.#isDraining || this.#awaitsRandomAccess) return;
    const { bytes, until } = this.#confirmations.leeway();
    this.#granted = Math.min(bytes, this.#queue.straight(now));
    this.#grant = this.#granted;
    this.#grantUntil = until;
  }

  /** Counts what went out without a closer look, and ends that. */
  #settle(): void {
    this.#confirmations.wrote(this.#granted - this.#grant);
    this.#granted = 0;
    this.#grant = 0;
    this.#grantUntil = Number.NEGATIVE_INFINITY;
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
    if (this.#isDraining || this.#queue.length === 0 || !this.#isOpen) return;
    this.#isDraining = true;
    this.#settle();
    this.#socket.cork();
    const dropped = this.#queue.report();
    if (dropped && this.#speaksControl) this.#socket.write(controlFrame({ type: 'dropped', ...dropped }));
    let bytes = 0;
    let messages = 0;
    let last: Uint8Array = EMPTY;
    while (bytes < PORTION_BYTES) {
      const entry = this.#queue.shift(now);
      if (!entry) break;
      this.#socket.write(last);
      this.#socket.write(this.#framing.head(entry.message, false));
      last = entry.message.bytes;
      bytes += entry.size;
      messages++;
    }
    this.#confirmations.wrote(bytes);
    this.#count(messages, bytes, now);
    if (this.#confirmations.isDue(now)) {
      this.#socket.write(last);
      last = this.#probe(now);
    }
    this.#socket.write(last, this.#onDrained);
    this.#socket.uncork();
  }

  #say(bytes: Buffer): void {
    if (this.#isOpen && this.#socket.writableLength <= SMALL_TALK_BYTES) this.#socket.write(bytes);
  }

  /** A ping of this viewer's own. */
  #probe(now: Millis): Buffer {
    const { bytes, token } = probe(EMPTY);
    this.#confirmations.probe(token, now);
    return bytes;
  }

  #count(messages: number, bytes: number, at: Millis): void {
    if (this.#messages === 0) this.#firstAt = at;
    this.#messages += messages;
    this.#bytes += bytes;
    this.#lastAt = at;
  }
}

/** `WebSocket.OPEN`. */
const OPEN = 1;
const EMPTY = Buffer.alloc(0);

const controlFrame = (control: Control): Buffer => frame(opcode.text, Buffer.from(encodeControl(control)));
