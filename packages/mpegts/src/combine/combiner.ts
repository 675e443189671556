import { codecName } from '../codec/codec.ts';
import type { MessageMark } from '../message-cutter.ts';
import { NULL_PID, PACKET_BYTES } from '../packet/packet.ts';
import { OutputTables } from '../psi/output-tables.ts';
import { type Ticks90k, ticks90k } from '../time.ts';
import type { CombinerState } from './combiner-state.ts';
import type { FeedTaker, FeedTrack, TimedUnit } from './feed-track.ts';
import { Lane, type LaneTrack, type Piece } from './lane.ts';
import { MessageWriter } from './message-writer.ts';
import { Multiplex } from './multiplex.ts';
import { Oddities } from './oddities.ts';
import { PidSlots } from './pid-slots.ts';
import type { TimedFeed } from './timed-feed.ts';
import { earliest, isTurn } from './turn.ts';

const SECOND = 90_000;
/** A feed from which nothing came for so long is not in the PMT: players wait for what is announced. */
const STALE = 10 * SECOND;
/** A video track that has shown no key frame for so long begins without one. */
const PATIENCE = 10 * SECOND;
/** What waits in all; beyond that the oldest go at once. In bytes. */
const MOST_HELD = 4 * 1024 * 1024;
const DEFAULT_MUX_DELAY_MS = 700;

/** Where the messages of a {@link Combiner} go, and how long before their time. */
export interface CombinerOptions {
  /**
   * One message: whole packets in a new array that is the receiver's. It begins a video unit or continues one; a random
   * access message begins with PAT, PMT and clock. To be called from here, `setFeeds` and `close` have to wait.
   */
  onMessage(bytes: Uint8Array, mark: MessageMark): void;
  /**
   * How much later than on arrival a unit is to be decoded by the stream's own clock (PCR), in milliseconds. It costs
   * nothing where players show what they have; for one that goes by PCR it covers sound that comes in pieces of 350 ms
   * (ffmpeg collects it) and the jitter of feeds. Default 700, as in what ffmpeg sends itself.
   */
  readonly muxDelayMs?: number;
}

/**
 * N feeds to one transport stream with a single program (ISO/IEC 13818-1): own PIDs, tables, counters and clock. It works
 * on packets and hands on whole packets at the end of the push that brought them; with several feeds units go out in the
 * order of their decoding times, for which one waits at most 60 ms.
 */
export class Combiner {
  readonly #writer: MessageWriter;
  readonly #tables = new OutputTables();
  readonly #multiplex: Multiplex;
  readonly #slots = new PidSlots();
  readonly #oddities = new Oddities();
  #lanes: Lane[] = [];
  #listed: readonly Listed[] = [];
  /** The track that makes a message one to begin with: it carries the clock. */
  #leader: LaneTrack | undefined;
  #now = 0 as Ticks90k;
  #held = 0;
  /** When the first unit of what enters is due: of what leaves, no unit from then on is taken. */
  #switchAt: Ticks90k | undefined;
  #closed = false;

  constructor(options: CombinerOptions) {
    this.#writer = new MessageWriter(options.onMessage);
    this.#multiplex = new Multiplex(this.#writer, this.#tables, options.muxDelayMs ?? DEFAULT_MUX_DELAY_MS);
  }

  /** What it is now: a snapshot. */
  get state(): CombinerState {
    return {
      tracks: this.#listed.map(({ lane, one }) => ({
        feed: lane.feed.name,
        pid: one.pid,
        class: one.track.class,
        codec: codecName(one.track.codec),
        units: one.units,
      })),
      pcrPid: this.#tables.pcrPid,
      version: this.#tables.version,
      held: this.#held,
      oddities: this.#oddities.list,
    };
  }

  /**
   * The feeds from now on. One that goes is gone from the wire at once; of one that comes, video enters at its next random
   * access point, the rest at its next unit. `keepUntilReady`: those that go stay until the video of those that come has
   * begun, so that a switch shows no gap.
   */
  setFeeds(feeds: readonly TimedFeed[], nowMs: number, options: { keepUntilReady?: boolean } = {}): void {
    if (this.#closed) return;
    this.#advance(nowMs);
    const wanted = new Set(feeds);
    const going = this.#lanes.filter(({ feed }) => !wanted.has(feed));
    const open = new Map(this.#lanes.map((lane) => [lane.feed, lane]));
    const coming = [...wanted].filter((feed) => !open.has(feed) || open.get(feed)?.entering);
    const keep = options.keepUntilReady === true && coming.length > 0 && going.some((lane) => !lane.entering);
    for (const lane of going) {
      if (keep && !lane.entering) lane.leaving = true;
      else this.#remove(lane);
    }
    const staying = this.#lanes.filter(({ leaving, feed }) => leaving && !wanted.has(feed));
    const lanes: Lane[] = [];
    for (const feed of wanted) {
      const lane = open.get(feed) ?? this.#open(feed);
      if (!lane) continue;
      lane.leaving = false;
      lane.entering = keep && coming.includes(feed);
      lanes.push(lane);
    }
    this.#lanes = [...lanes, ...staying];
    if (!lanes.some(({ entering, queue }) => entering && queue.length > 0)) this.#switchAt = undefined;
    this.#relist();
    this.#send();
  }

  /** To be called every 20 ms or so while somebody takes the stream: clock and tables in time, what waited out. */
  tick(nowMs: number): void {
    if (this.#closed) return;
    this.#advance(nowMs);
    let changed = false;
    for (const lane of this.#lanes) changed = this.#refresh(lane) || changed;
    if (changed) this.#relist();
    this.#send();
  }

  /** Lets go of the feeds. What waits is dropped; nothing comes any more. */
  close(): void {
    this.#closed = true;
    for (const lane of this.#lanes) lane.close();
    this.#lanes = [];
    this.#listed = [];
    this.#held = 0;
  }

  #advance(nowMs: number): void {
    const now = nowMs * 90;
    if (now > this.#now) this.#now = ticks90k(now);
    this.#multiplex.advance(this.#now);
  }

  #open(feed: TimedFeed): Lane | undefined {
    const firstPid = this.#slots.take(feed.name);
    if (firstPid === undefined) {
      this.#oddities.say(`too many feeds: ${feed.name} is left out`);
      return undefined;
    }
    const lane = new Lane(feed, firstPid, (own) => this.#taker(own));
    lane.follow(this.#now);
    this.#refresh(lane);
    return lane;
  }

  #remove(lane: Lane): void {
    lane.close();
    this.#slots.release(lane.firstPid);
    this.#lanes = this.#lanes.filter((one) => one !== lane);
    this.#count();
  }

  #taker(lane: Lane): FeedTaker {
    return {
      onTracks: () => {
        if (lane.closed) return;
        this.#hear(lane);
        lane.follow(this.#now);
        this.#relist();
      },
      onUnit: (unit, bytes, at, packets, gap) => this.#takeUnit(lane, unit, bytes, at, packets, gap),
      onPacket: (track, bytes, at, gap) => this.#takePacket(lane, track, bytes, at, gap),
      onInterrupt: () => {
        for (const one of lane.tracks) {
          one.passing = false;
          if (one.track.class === 'video') one.begun = false;
        }
      },
      onPushed: () => {
        if (lane.closed) return;
        this.#hear(lane);
        this.#send();
      },
    };
  }

  /** Time is what the feed that speaks says. */
  #hear(lane: Lane): void {
    const now = lane.feed.heardAt;
    if (now === undefined || now <= this.#now) return;
    this.#now = now;
    this.#multiplex.advance(now);
  }

  #takeUnit(lane: Lane, unit: TimedUnit, bytes: Uint8Array, at: number, packets: number, gap: number): void {
    const one = lane.at(unit.track);
    if (!one || lane.closed) return;
    this.#hear(lane);
    one.note(unit, bytes, at, packets);
    const begins = !one.begun;
    one.passing = this.#mayBegin(lane, one, unit);
    if (!one.passing) return;
    if (lane.stale) {
      lane.stale = false;
      this.#relist();
    }
    // What was lost before it began was not lost here.
    const lost = begins ? 0 : gap;
    if (lane.queue.length === 0 && isTurn(this.#lanes, lane, unit, this.#now)) {
      if (lane.entering) this.#finishSwitch();
      this.#writeUnit(lane, one, unit, lost, bytes, at, packets);
    } else this.#held += lane.hold(one, unit, bytes, at, packets, lost);
  }

  #takePacket(lane: Lane, track: FeedTrack, bytes: Uint8Array, at: number, gap: number): void {
    const one = lane.at(track);
    if (!one?.passing || lane.closed) return;
    one.noteMore(bytes, at);
    if (lane.queue.length > 0) {
      this.#held += lane.hold(one, undefined, bytes, at, 1, gap);
      return;
    }
    if (!one.listed) return;
    this.#hear(lane);
    this.#writer.enter(track.class);
    this.#multiplex.packets(one.pid, gap, bytes, at, at + PACKET_BYTES);
  }

  /** Whether a unit can be taken: a track begins where a decoder can, and what enters waits for its video. */
  #mayBegin(lane: Lane, one: LaneTrack, unit: TimedUnit): boolean {
    if (lane.leaving && this.#switchAt !== undefined && unit.dts >= this.#switchAt) return false;
    if (lane.entering && one.track.class !== 'video') {
      // What nothing is known of yet may have video.
      const awaited = this.#lanes.some(
        ({ entering, tracks }) =>
          entering && (tracks.length === 0 || tracks.some(({ track }) => track.class === 'video')),
      );
      if (awaited) return false;
    }
    if (!one.begun) {
      if (one.track.class === 'video' && !unit.randomAccess) {
        if (this.#now - one.since < PATIENCE) return false;
        this.#oddities.say(`${lane.feed.name}: its video shows no key frames, so it began without one`);
      }
      one.begun = true;
    }
    if (lane.entering) this.#switchAt ??= unit.dts;
    return true;
  }

  /** What enters takes the place of what leaves. */
  #finishSwitch(): void {
    this.#switchAt = undefined;
    for (const lane of this.#lanes.filter(({ leaving }) => leaving)) this.#remove(lane);
    for (const lane of this.#lanes) lane.entering = false;
    this.#relist();
  }

  /** Everything that may go has gone when this returns. */
  #send(): void {
    this.#drain();
    this.#multiplex.settle();
    this.#writer.flush();
  }

  /** Lets go what need not wait any more, in the order of decoding times. */
  #drain(): void {
    for (;;) {
      const lane = earliest(this.#lanes);
      const piece = lane?.queue[0];
      if (!lane || !piece) return;
      if (piece.unit && this.#held <= MOST_HELD && !isTurn(this.#lanes, lane, piece.unit, this.#now)) return;
      lane.queue.shift();
      this.#held -= piece.length;
      if (lane.entering) this.#finishSwitch();
      this.#writePiece(lane, piece);
    }
  }

  #writePiece(lane: Lane, { track, unit, head, gap, bytes, length }: Piece): void {
    const begin = head * PACKET_BYTES;
    if (unit) this.#writeUnit(lane, track, unit, gap, bytes, 0, head);
    if (begin >= length || !track.listed) return;
    this.#writer.enter(track.track.class);
    this.#multiplex.packets(track.pid, unit ? 0 : gap, bytes, begin, length);
  }

  #writeUnit(
    lane: Lane,
    one: LaneTrack,
    unit: TimedUnit,
    gap: number,
    bytes: Uint8Array,
    at: number,
    packets: number,
  ): void {
    if (!one.listed) return;
    const kind = one.track.class;
    const leads = one === this.#leader && unit.randomAccess;
    const begins = leads && (kind === 'video' || this.#multiplex.leadDue);
    if (kind === 'video' || begins) this.#writer.cut();
    if (begins) this.#multiplex.lead();
    this.#writer.enter(kind);
    one.units++;
    const late = this.#multiplex.unit(unit, one.pid, gap, bytes, at, packets);
    if (late) this.#oddities.say(`${lane.feed.name}: units come after the stream's clock has passed them`);
  }

  /** Whether a feed has become stale, or is no longer. */
  #refresh(lane: Lane): boolean {
    const heardAt = lane.feed.heardAt;
    const stale = heardAt === undefined || this.#now - heardAt > STALE;
    if (stale === lane.stale) return false;
    lane.stale = stale;
    return true;
  }

  #count(): void {
    this.#held = 0;
    for (const lane of this.#lanes) for (const piece of lane.queue) this.#held += piece.length;
  }

  /** Puts what there is now into the PMT, and the PMT on the wire where that is something else. */
  #relist(): void {
    this.#count();
    const all = tracksOf(this.#lanes);
    const room = OutputTables.fit(all.map(({ one }) => one.announced));
    if (room < all.length) {
      this.#oddities.say(`the program table has room for ${room} tracks: the others are left out`);
    }
    for (const { one } of this.#listed) one.listed = false;
    this.#listed = all.slice(0, room);
    for (const { one } of this.#listed) one.listed = true;
    this.#leader = this.#listed[0]?.one;
    if (all.length === 0 && !this.#tables.known) return;
    // A stream that was let go and is taken again meets viewers who know its old tables: it had better not repeat itself.
    const first = Math.floor(this.#now / SECOND);
    const streams = this.#listed.map(({ one }) => one.announced);
    if (this.#tables.set(streams, this.#leader?.pid ?? NULL_PID, first)) this.#multiplex.renewTables();
  }
}

interface Listed {
  readonly lane: Lane;
  readonly one: LaneTrack;
}

/** The tracks that are or will be on the wire: pictures first, since the first one carries the clock. */
function tracksOf(lanes: readonly Lane[]): Listed[] {
  const all: Listed[] = [];
  for (const kind of ['video', 'audio', 'data'] as const) {
    for (const lane of lanes) {
      if (lane.entering || lane.stale) continue;
      for (const one of lane.tracks) if (one.track.class === kind) all.push({ lane, one });
    }
  }
  return all;
}
