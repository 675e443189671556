import { stuffingBytes } from '../packet/adaptation.ts';
import { PACKET_BYTES, payloadStart } from '../packet/packet.ts';
import type { PmtStream } from '../psi/tables.ts';
import type { Ticks90k } from '../time.ts';
import type { FeedTaker, FeedTrack, TimedUnit } from './feed-track.ts';
import type { TimedFeed } from './timed-feed.ts';

/** A lateness sinks by so much with each unit that came earlier. */
const FORGET = 0.02;

/** A track of a feed as it goes into the combined stream. */
export class LaneTrack {
  readonly track: FeedTrack;
  readonly pid: number;
  /** The PMT lists it. */
  listed = false;
  /** Its first unit has been taken, so that a decoder has begun. */
  begun = false;
  /** The unit that is coming in is taken. */
  passing = false;
  /** Since when its begin is awaited. */
  readonly since: Ticks90k;
  units = 0;
  /** Of the last unit that came: when it is due, and how long it lasts. */
  #dts = 0;
  #step = 0;
  #lateness = 0;
  #missing = 0;

  constructor(track: FeedTrack, pid: number, since: Ticks90k) {
    this.track = track;
    this.pid = pid;
    this.since = since;
  }

  /** What the PMT says of it. */
  get announced(): PmtStream {
    const { streamType, descriptors } = this.track;
    return { streamType, pid: this.pid, descriptors };
  }

  /** Whether more packets are due of the unit that came last; as a demultiplexer sees its end. */
  get open(): boolean {
    return this.#missing > 0;
  }

  /** A unit came, with its first packets. */
  note({ dts, step, arrivedAt, stamps }: TimedUnit, bytes: Uint8Array, at: number, packets: number): void {
    this.#missing = stamps.bytes > 0 ? stamps.bytes : Number.POSITIVE_INFINITY;
    for (let i = 0; i < packets; i++) this.noteMore(bytes, at + i * PACKET_BYTES);
    const late = arrivedAt - dts;
    this.#lateness = late > this.#lateness ? late : this.#lateness + (late - this.#lateness) * FORGET;
    this.#dts = dts;
    this.#step = step;
  }

  /** One more packet of it came. */
  noteMore(bytes: Uint8Array, at: number): void {
    // Only a unit that does not tell its length ends with stuffing.
    if (this.#missing === Number.POSITIVE_INFINITY) {
      if (stuffingBytes(bytes, at) > 0) this.#missing = 0;
    } else this.#missing -= at + PACKET_BYTES - payloadStart(bytes, at);
  }

  /** How long after its decoding time a unit of it typically comes at the latest. */
  get lateness(): number {
    return this.#lateness;
  }

  /** When a unit that is due before `dts` is expected to come at the latest; −Infinity where none is. */
  expects(dts: Ticks90k): number {
    const next = this.#dts + this.#step;
    return this.begun && this.#step > 0 && next < dts ? next + this.#lateness : Number.NEGATIVE_INFINITY;
  }
}

/** Packets that wait: those of one unit, or more of a unit that has gone already. Ours. */
export interface Piece {
  readonly track: LaneTrack;
  /** The unit that begins with the first packets. */
  readonly unit: TimedUnit | undefined;
  /** So many packets at the begin hold its header. */
  readonly head: number;
  readonly gap: number;
  bytes: Uint8Array;
  length: number;
}

/** What one feed brings into a combined stream, in its own order. */
export class Lane {
  readonly feed: TimedFeed;
  /** The first of the 16 PIDs that are its own here. */
  readonly firstPid: number;
  tracks: readonly LaneTrack[] = [];
  readonly #places: (LaneTrack | undefined)[] = [];
  /** It waits for its video to begin, to take the place of those that leave. */
  entering = false;
  /** It stays until then. */
  leaving = false;
  /** Nothing has come for long: it is not in the PMT. */
  stale = true;
  /** What waits for its turn, the oldest first. */
  queue: Piece[] = [];
  readonly #detach: () => void;
  #closed = false;

  constructor(feed: TimedFeed, firstPid: number, taker: (lane: Lane) => FeedTaker) {
    this.feed = feed;
    this.firstPid = firstPid;
    this.#detach = feed.attach(taker(this));
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.#detach();
    this.queue = [];
  }

  /** Takes over the feed's list of tracks. */
  follow(now: Ticks90k): void {
    const before = new Map(this.tracks.map((one) => [one.track, one]));
    this.tracks = this.feed.tracks.map(
      (track) => before.get(track) ?? new LaneTrack(track, this.firstPid + track.index, now),
    );
    this.#places.length = 0;
    for (const one of this.tracks) this.#places[one.track.index] = one;
    this.queue = this.queue.filter((piece) => this.#places[piece.track.track.index] === piece.track);
  }

  at(track: FeedTrack): LaneTrack | undefined {
    return this.#places[track.index];
  }

  /** Keeps packets until their turn. Returns how many bytes that took. */
  hold(
    track: LaneTrack,
    unit: TimedUnit | undefined,
    bytes: Uint8Array,
    at: number,
    packets: number,
    gap: number,
  ): number {
    const size = packets * PACKET_BYTES;
    const last = this.queue.at(-1);
    if (!unit && gap === 0 && last?.track === track) {
      append(last, bytes, at, size);
      return size;
    }
    const piece: Piece = {
      track,
      unit,
      head: unit ? packets : 0,
      gap,
      bytes: new Uint8Array(Math.max(size, 8 * PACKET_BYTES)),
      length: 0,
    };
    append(piece, bytes, at, size);
    this.queue.push(piece);
    return size;
  }
}

function append(piece: Piece, bytes: Uint8Array, at: number, size: number): void {
  const needed = piece.length + size;
  if (needed > piece.bytes.length) {
    const larger = new Uint8Array(needed * 2);
    larger.set(piece.bytes.subarray(0, piece.length));
    piece.bytes = larger;
  }
  piece.bytes.set(bytes.subarray(at, at + size), piece.length);
  piece.length = needed;
}
