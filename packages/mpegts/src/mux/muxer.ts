// ISO/IEC 13818-1 2.4: elementary streams to a transport stream.
import { concat } from '../bytes.ts';
import type { Codec, StreamClass } from '../codec/codec.ts';
import { limits } from '../limits.ts';
import { type MessageMark, markOf } from '../message-cutter.ts';
import { NULL_PID } from '../packet/packet.ts';
import { PacketWriter } from '../packet/write.ts';
import { writePes } from '../pes/write.ts';
import { OutputTables, PMT_PID } from '../psi/output-tables.ts';
import type { PmtStream } from '../psi/tables.ts';
import type { Ticks27M, Ticks90k } from '../time.ts';
import { type Announcement, announce } from './announce.ts';
import { Pace } from './pace.ts';
import { type Payload, payloadOf } from './payload.ts';

const DEFAULT_MUX_DELAY_MS = 700;
/** Table 2-3: PIDs below are taken; the first that we give. */
const LEAST_PID = 0x10;
const FIRST_PID = 0x100;
/** What PES_packet_length can say (16 bits), without flags (3) and both time stamps (10). */
const MOST_BOUNDED = 0xffff - 13;

/** How a {@link Muxer} is made. */
export interface MuxerOptions {
  /**
   * What came of a {@link Muxer.write} or {@link Muxer.advance}, before that returns: whole packets, at most one access
   * unit. `bytes` is a new array that is the receiver's to keep. `mark.randomAccess`: it begins with PAT, PMT and a clock
   * reference, then comes a random access point of the stream that leads, so a viewer can begin here.
   */
  onMessage(bytes: Uint8Array, mark: MessageMark): void;
  /**
   * How long a unit waits at the receiver between its coming (by the clock that is sent) and its decoding, in
   * milliseconds. More than streams lag behind one another. Default 700, as ffmpeg has it.
   */
  readonly muxDelayMs?: number;
}

/** An elementary stream to be written. What a {@link Demuxer} says of one will do. */
export interface MuxerStream extends Announcement {
  /** 0x10 to 0x1ffe, not 0x1000, where the PMT is. Default: the first that is free from 0x100 on. */
  readonly pid?: number;
}

/** An access unit to be written. One that a {@link Demuxer} found will do. */
export interface MuxerUnit {
  /** Of a stream that was added. */
  readonly pid: number;
  /** Unwrapped, whole ticks; written modulo 2^33. */
  readonly pts: Ticks90k;
  /** Not less than that of the unit before in the same stream. Default: the PTS. */
  readonly dts?: Ticks90k;
  /** A decoder can begin here. */
  readonly randomAccess: boolean;
  /** As a {@link Demuxer} delivers it: Annex B, ADTS or LOAS frames, Opus packets without control header. Not kept. */
  readonly data: Uint8Array;
  /** The program's clock when the unit is sent. Default: its DTS less the mux delay. A clock that would go back stays. */
  readonly pcr?: Ticks27M;
}

/** What a {@link Muxer} writes now. */
export interface MuxerState {
  readonly streams: readonly (PmtStream & { readonly codec: Codec; readonly class: StreamClass })[];
  /** Of the stream that leads and carries the clock: the first video, else the first audio, else the first. 0x1fff: none. */
  readonly pcrPid: number;
  /** version_number of the PMT that was written last; −1 before the first. */
  readonly version: number;
  /** Units that came when the clock had passed their DTS: streams lag more than the mux delay. */
  readonly late: number;
}

interface Stream {
  readonly pmt: PmtStream;
  readonly codec: Codec;
  readonly class: StreamClass;
  readonly payload: Payload;
  dts: number;
}

const hex = (pid: number): string => `0x${pid.toString(16)}`;

/**
 * Writes access units as a transport stream of one program, each as one PES packet, at once and in the order in which they
 * come: they are to come about in the order of their decoding times. PAT and PMT go out at least every 100 ms of media
 * time and before each random access point of the stream that leads (with sound alone, which can be begun with anywhere,
 * every 50 ms or so); clock references at least every 40 ms. Streams may be added and removed at any time. There is no
 * clock inside and nothing is held; where no unit comes for long, {@link advance} lets tables and clock go on.
 *
 * Misuse throws `TypeError` and changes nothing. There is nothing to close.
 */
export class Muxer {
  readonly #options: MuxerOptions;
  readonly #delay: number;
  readonly #writer = new PacketWriter();
  readonly #tables = new OutputTables();
  readonly #streams = new Map<number, Stream>();
  readonly #pace = new Pace();
  /** Packets of the message being made. */
  #parts: Uint8Array[] = [];
  /** Streams came or went since the PMT was made. */
  #changed = true;
  #late = 0;

  constructor(options: MuxerOptions) {
    const { muxDelayMs = DEFAULT_MUX_DELAY_MS } = options;
    if (!(muxDelayMs >= 0 && muxDelayMs <= 10_000)) {
      throw new TypeError(`muxDelayMs: ${muxDelayMs} is not a number from 0 to 10000`);
    }
    this.#options = options;
    this.#delay = muxDelayMs * 27_000;
  }

  /** A copy. */
  get state(): MuxerState {
    const streams = [...this.#streams.values()];
    return {
      streams: streams.map(({ pmt, codec, class: kind }) => ({ ...pmt, codec, class: kind })),
      pcrPid: leadOf(streams),
      version: this.#tables.version,
      late: this.#late,
    };
  }

  /** Returns the PID of the new stream. The PMT that lists it goes before the next packet. */
  addStream(stream: MuxerStream): number {
    const pid = stream.pid ?? this.#freePid();
    if (!Number.isInteger(pid) || pid < LEAST_PID || pid >= NULL_PID || pid === PMT_PID) {
      throw new TypeError(`pid: ${pid} is not a whole number from 0x10 to 0x1ffe other than ${hex(PMT_PID)}`);
    }
    if (this.#streams.has(pid))
      throw new TypeError(`pid: there is a stream with ${hex(pid)}; remove it first`);
    const { announced, class: kind, streamType, descriptors } = announce(stream);
    if (!Number.isInteger(streamType) || streamType < 0 || streamType > 0xff) {
      throw new TypeError(`streamType: ${streamType} is not a whole number from 0 to 255`);
    }
    const pmt = { pid, streamType, descriptors };
    const listed = [...this.#streams.values()].map((one) => one.pmt);
    if (OutputTables.fit([...listed, pmt]) <= listed.length) {
      throw new TypeError(`streams: a PMT has no room for one more than these ${listed.length}`);
    }
    const payload = payloadOf(announced, kind, streamType, descriptors);
    const added = { pmt, codec: stream.codec, class: kind, payload, dts: Number.NEGATIVE_INFINITY };
    this.#streams.set(pid, added);
    this.#changed = true;
    return pid;
  }

  /** The PMT without the stream goes before the next packet. */
  removeStream(pid: number): void {
    if (!this.#streams.delete(pid)) throw new TypeError(`pid: there is no stream with ${hex(pid)}`);
    this.#changed = true;
  }

  /** An access unit. It has gone out when this returns. */
  write(unit: MuxerUnit): void {
    const { pid, pts, dts = pts, randomAccess, data } = unit;
    const stream = this.#check(pid, pts, dts, data);
    const payload = stream.payload.wrap(data, randomAccess);
    if (stream.class !== 'video' && payload.length > MOST_BOUNDED) {
      throw new TypeError(`data: ${data.length} bytes; a PES packet of ${stream.class} has room for 65,000`);
    }
    stream.dts = dts;
    this.#moveTo(unit.pcr ?? dts * 300 - this.#delay);
    if (dts * 300 < this.#pace.now) this.#late++;

    const leads = pid === this.#tables.pcrPid;
    const begins = leads && randomAccess && (stream.class === 'video' || this.#pace.tablesDue);
    if (begins) {
      this.#flush('data', false);
      this.#writeTables();
    } else if (this.#pace.tablesDue) this.#writeTables();
    if (this.#pace.begins && !leads) this.#writeClock();
    const clock = leads && (begins || this.#pace.hasMoved) ? this.#pace.tell() : {};
    const { streamId } = stream.payload;
    const pes = writePes({ streamId, pts, dts }, payload);
    this.#parts.push(this.#writer.pes(pid, pes, { ...clock, randomAccess }));
    this.#flush(stream.class, begins);
  }

  /** No unit that comes will have an earlier DTS: tables and clock go on until then, as often as they have to. */
  advance(dts: Ticks90k): void {
    if (!Number.isSafeInteger(dts * 300)) throw new TypeError(`dts: ${dts} is not a whole number of ticks`);
    this.#moveTo(dts * 300 - this.#delay);
    if (this.#pace.tablesDue) this.#writeTables();
    if (this.#pace.begins) this.#writeClock();
    this.#flush('data', false);
  }

  /**
   * What follows is on another time line, as when an encoder was started again: the next unit may have any DTS, and the
   * clock reference before it says that the clock jumps (2.4.3.5 discontinuity_indicator).
   */
  interrupt(): void {
    this.#pace.interrupt();
    for (const stream of this.#streams.values()) stream.dts = Number.NEGATIVE_INFINITY;
  }

  #check(pid: number, pts: number, dts: number, data: Uint8Array): Stream {
    const stream = this.#streams.get(pid);
    if (!stream) throw new TypeError(`pid: there is no stream with ${hex(pid)}`);
    for (const [name, ticks] of Object.entries({ pts, dts })) {
      if (!Number.isSafeInteger(ticks) || !Number.isSafeInteger(ticks * 300)) {
        throw new TypeError(`${name}: ${ticks} is not a whole number of ticks`);
      }
    }
    if (dts < stream.dts) {
      throw new TypeError(
        `dts: ${dts} of ${hex(pid)} is before ${stream.dts}, that of the last unit; interrupt() begins another time line`,
      );
    }
    if (data.length === 0 && stream.class !== 'data') throw new TypeError('data: a unit without bytes');
    if (data.length > limits.pesBytes) {
      throw new TypeError(`data: ${data.length} bytes, more than ${limits.pesBytes}`);
    }
    return stream;
  }

  #freePid(): number {
    let pid = FIRST_PID;
    while (this.#streams.has(pid) || pid === PMT_PID) pid++;
    return pid;
  }

  #moveTo(to: number): void {
    if (this.#changed) {
      const streams = [...this.#streams.values()];
      const before = this.#tables.pcrPid;
      const lists = streams.map(({ pmt }) => pmt);
      if (this.#tables.set(lists, leadOf(streams))) this.#pace.renewTables();
      if (this.#tables.pcrPid !== before) this.#pace.renewClock();
      this.#changed = false;
    }
    this.#pace.moveTo(to, () => {
      if (this.#pace.tablesDue) this.#writeTables();
      this.#writeClock();
    });
  }

  #writeTables(): void {
    this.#parts.push(this.#tables.packets());
    this.#pace.tablesWritten();
  }

  #writeClock(): void {
    const { pcrPid } = this.#tables;
    const told = this.#pace.tell();
    if (pcrPid !== NULL_PID) this.#parts.push(this.#writer.clock(pcrPid, told));
  }

  #flush(kind: StreamClass, randomAccess: boolean): void {
    if (this.#parts.length === 0) return;
    const bytes = concat(...this.#parts);
    this.#parts = [];
    this.#options.onMessage(bytes, markOf(kind, randomAccess));
  }
}

/** The PID of the stream that leads; 0x1fff if there is none. */
function leadOf(streams: readonly Stream[]): number {
  const first = (kind: StreamClass) => streams.find((stream) => stream.class === kind);
  return (first('video') ?? first('audio') ?? streams[0])?.pmt.pid ?? NULL_PID;
}
