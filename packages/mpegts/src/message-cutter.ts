import type { StreamClass } from './codec/codec.ts';
import { limits } from './limits.ts';
import { isRandomAccess, isUnitStart, PACKET_BYTES, pidOf } from './packet/packet.ts';
import { findFirstPacket, isInStep } from './packet/recognise.ts';
import { PacketSync } from './packet/sync.ts';
import { PidClasses, pidClass } from './pid-classes.ts';

/** What a message is to those who forward it. */
export interface MessageMark {
  /** A viewer can begin here: a video random access point, any audio unit of a program without video, or no MPEG-TS. */
  readonly randomAccess: boolean;
  readonly class: StreamClass;
}

/** Where the messages of a {@link MessageCutter} go. */
export interface MessageCutterOptions {
  /**
   * One message. `bytes` is a part of what was pushed (or a new array, where a packet was split over two pushes), so it
   * is valid as long as that is left alone.
   */
  onMessage(bytes: Uint8Array, mark: MessageMark): void;
}

/** What a {@link MessageCutter} has seen so far. */
export interface MessageCutterStats {
  /** Bytes pushed. */
  readonly bytes: number;
  readonly messages: number;
  /** Whole packets sent on; 0 for what is not MPEG-TS. */
  readonly packets: number;
  /** Bytes between packets that were dropped because they belonged to none. */
  readonly skippedBytes: number;
  /** How often the position of packets was lost. */
  readonly syncLosses: number;
  /** Random access points. */
  readonly randomAccessPoints: number;
  readonly format: 'unknown' | 'mpegts' | 'other';
}

type Counters = { -readonly [K in keyof MessageCutterStats]: MessageCutterStats[K] };

// One object for each combination, so that a mark costs nothing.
const mark = (randomAccess: boolean, kind: StreamClass): MessageMark =>
  Object.freeze({ randomAccess, class: kind });
const marks = {
  video: [mark(false, 'video'), mark(true, 'video')],
  audio: [mark(false, 'audio'), mark(true, 'audio')],
  data: [mark(false, 'data'), mark(true, 'data')],
} as const;

/** The mark of a class, always the same object for the same arguments. */
export const markOf = (kind: StreamClass, randomAccess: boolean): MessageMark =>
  marks[kind][randomAccess ? 1 : 0];

/** What is not MPEG-TS: a viewer can begin with any message. */
export const FOREIGN: MessageMark = markOf('data', true);

/** So many packets in a row are believed to be MPEG-TS for good. */
const BELIEVED_PACKETS = 5;

/**
 * Cuts a publisher's bytes into messages of whole packets. All whole packets of a push leave before it returns; nothing
 * waits for an access unit to be complete. A message begins with each payload unit start of a video stream (of an audio
 * stream, in programs without video) and with each change of class; tables directly before such a unit start come with
 * it. So a message holds at most one video unit start, and that is at its begin.
 *
 * Bytes between packets are dropped and counted. What is not MPEG-TS passes untouched, a message for each push; a begin
 * that may still become either is held until the next push or {@link end}.
 */
export class MessageCutter {
  readonly #onMessage: MessageCutterOptions['onMessage'];
  readonly #stats: Counters = {
    bytes: 0,
    messages: 0,
    packets: 0,
    skippedBytes: 0,
    syncLosses: 0,
    randomAccessPoints: 0,
    format: 'unknown',
  };
  #classes: PidClasses | undefined;
  readonly #sync: PacketSync;
  /** Pushes that together are shorter than a packet and may become one. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(options: MessageCutterOptions) {
    this.#onMessage = options.onMessage;
    this.#sync = new PacketSync({
      onPackets: (bytes, start, end) => this.#cut(bytes, start, end),
      onSkipped: (bytes) => {
        this.#stats.skippedBytes += bytes;
        this.#stats.syncLosses++;
      },
    });
  }

  /** Counters, live: a view, not a copy. */
  get stats(): MessageCutterStats {
    return this.#stats;
  }

  /** What one read brought. */
  push(read: Uint8Array): void {
    if (read.length === 0) return;
    this.#stats.bytes += read.length;
    if (this.#stats.format === 'mpegts' && !this.#wasMistaken(read)) this.#sync.push(read);
    else if (this.#stats.format === 'other') this.#emit(read, FOREIGN);
    else this.#recognise(read);
  }

  /** No more bytes come: what was held because it might have become a packet leaves, an incomplete packet is dropped. */
  end(): void {
    if (this.#stats.format === 'mpegts') this.#sync.flush();
    else this.#releaseHeld();
  }

  /** One packet alone can be chance: while there were few, bytes that are out of step say that this is no MPEG-TS. */
  #wasMistaken(read: Uint8Array): boolean {
    if (this.#stats.packets >= BELIEVED_PACKETS || !this.#sync.locked) return false;
    const begun = this.#sync.pending;
    if (isInStep(read, begun.length > 0 ? PACKET_BYTES - begun.length : 0)) return false;
    if (begun.length > 0) this.#emit(begun, FOREIGN);
    this.#sync.reset();
    this.#stats.format = 'unknown';
    return true;
  }

  #recognise(read: Uint8Array): void {
    if (this.#heldBytes + read.length < PACKET_BYTES) {
      this.#held.push(read.slice());
      this.#heldBytes += read.length;
      if (findFirstPacket(this.#joinHeld()) !== 0) this.#releaseHeld();
      return;
    }
    const bytes = this.#heldBytes > 0 ? this.#joinHeld(read) : read;
    const first = findFirstPacket(bytes);
    if (first >= 0) {
      this.#held = [];
      this.#heldBytes = 0;
      this.#stats.format = 'mpegts';
      if (first > 0) {
        this.#stats.skippedBytes += first;
        this.#stats.syncLosses++;
      }
      this.#sync.lock();
      this.#sync.push(first > 0 ? bytes.subarray(first) : bytes);
      return;
    }
    this.#releaseHeld();
    this.#emit(read, FOREIGN);
    if (this.#stats.bytes >= limits.recogniseBytes) this.#stats.format = 'other';
  }

  #joinHeld(read?: Uint8Array): Uint8Array {
    const whole = new Uint8Array(this.#heldBytes + (read?.length ?? 0));
    let at = 0;
    for (const part of this.#held) {
      whole.set(part, at);
      at += part.length;
    }
    if (read) whole.set(read, at);
    return whole;
  }

  #releaseHeld(): void {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const read of held) this.#emit(read, FOREIGN);
  }

  #cut(bytes: Uint8Array, start: number, end: number): void {
    this.#classes ??= new PidClasses();
    const classes = this.#classes;
    const table = classes.table;
    this.#stats.packets += (end - start) / PACKET_BYTES;
    let first = start;
    let current: number = pidClass.other;
    let randomAccess = false;
    /** Where the tables directly before this packet begin, or -1. */
    let lead = -1;
    for (let packet = start; packet < end; packet += PACKET_BYTES) {
      const pid = pidOf(bytes, packet);
      const kind = table[pid] as number;
      if (kind <= pidClass.table) {
        // Tables, null packets and what no PMT lists have no class: they go with what is around them.
        if (lead < 0) lead = packet;
        if (kind === pidClass.table) classes.push(pid, bytes, packet);
        continue;
      }
      const leads =
        (kind === pidClass.video || (kind === pidClass.audio && !classes.hasVideo)) &&
        isUnitStart(bytes, packet);
      if (leads || (kind !== current && current !== pidClass.other)) {
        const at = leads && lead >= 0 ? lead : packet;
        if (at > first) this.#emitPart(bytes, first, at, current, randomAccess);
        first = at;
        randomAccess = leads && (kind === pidClass.audio || isRandomAccess(bytes, packet));
      }
      current = kind;
      lead = -1;
    }
    this.#emitPart(bytes, first, end, current, randomAccess);
  }

  #emitPart(bytes: Uint8Array, start: number, end: number, current: number, randomAccess: boolean): void {
    const kind = current === pidClass.video ? 'video' : current === pidClass.audio ? 'audio' : 'data';
    if (randomAccess) this.#stats.randomAccessPoints++;
    this.#emit(
      start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end),
      markOf(kind, randomAccess),
    );
  }

  #emit(bytes: Uint8Array, as: MessageMark): void {
    this.#stats.messages++;
    this.#onMessage(bytes, as);
  }
}
