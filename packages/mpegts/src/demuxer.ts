import { carriesSections } from './codec/announced.ts';
import { codecName } from './codec/codec.ts';
import type { Frame } from './codec/framer.ts';
import { type Damage, type DamageCounts, noDamage } from './damage.ts';
import { limits } from './limits.ts';
import { hasPcr, isAdaptationSound, readPcr, stuffingBytes } from './packet/adaptation.ts';
import { ContinuityCheck } from './packet/continuity.ts';
import {
  hasPayload,
  hasTransportError,
  isDiscontinuity,
  isRandomAccess,
  isScrambled,
  isUnitStart,
  NULL_PID,
  PACKET_BYTES,
  payloadStart,
  pidOf,
} from './packet/packet.ts';
import { type PacketStride, PacketSync } from './packet/sync.ts';
import type { BufferBudget } from './pes/assembler.ts';
import {
  type AccessUnit,
  type ClockReference,
  describeProgram,
  describeStream,
  type Program,
} from './program.ts';
import { ProgramFollower } from './psi/follower.ts';
import type { Pmt } from './psi/tables.ts';
import { StreamDemuxer } from './stream-demuxer.ts';
import { ticks27M, Unwrapper } from './time.ts';

/** What a {@link Demuxer} calls, before `push` or `flush` returns and in the order of the stream. Leave out what is not needed. */
export interface DemuxerOptions {
  /** A program is there, or it has changed: another PMT, or a stream turned out to be of another codec. */
  onProgram?(program: Program): void;
  /** A program is no longer listed. */
  onProgramGone?(programNumber: number): void;
  onAccessUnit?(unit: AccessUnit): void;
  onDamage?(damage: Damage): void;
  onPcr?(reference: ClockReference): void;
  /**
   * Every packet, before it is read: 188 bytes of `bytes` from `packet`. For the helpers `pidOf`, `counterOf` and so on.
   * Only valid during the call.
   */
  onPacket?(bytes: Uint8Array, packet: number): void;
}

/** What a {@link Demuxer} has seen so far. */
export interface DemuxerStats {
  readonly bytes: number;
  readonly packets: number;
  readonly nullPackets: number;
  readonly duplicatePackets: number;
  readonly damage: DamageCounts;
}

interface Followed {
  program: Program;
  readonly unwrapper: Unwrapper;
}

/**
 * Takes an MPEG transport stream (ISO/IEC 13818-1) apart: bytes in, programs, access units and damage out, by calls
 * made before {@link push} returns. Nothing depends on how the bytes were cut. No input makes it throw; what it holds is
 * bounded by {@link limits}. Packets of 188 bytes, also with 4 bytes in front (192) or 16 behind (204).
 */
export class Demuxer {
  readonly #options: DemuxerOptions;
  readonly #counts = noDamage();
  readonly #stats = { bytes: 0, packets: 0, nullPackets: 0, duplicatePackets: 0, damage: this.#counts };
  readonly #continuity = new ContinuityCheck();
  readonly #budget: BufferBudget = { used: 0 };
  readonly #programs = new Map<number, Followed>();
  readonly #streams = new Map<number, StreamDemuxer>();
  /** Program number by PCR PID. */
  readonly #clocks = new Map<number, number>();
  /** Bytes of packets and of gaps so far: where the packet being read is. */
  #at = 0;
  readonly #sync = new PacketSync({
    strides: [188, 192, 204],
    onPackets: (bytes, start, end, stride) => this.#readPackets(bytes, start, end, stride),
    onSkipped: (bytes) => {
      this.#damage({ kind: 'sync', at: this.#at, bytes });
      this.#at += bytes;
    },
  });
  readonly #follower = new ProgramFollower({
    onProgram: (pmt, pid) => this.#takeProgram(pmt, pid),
    onProgramGone: (program) => this.#dropProgram(program),
    onFault: (pid, fault) => this.#damage({ kind: 'section', at: this.#at, pid, fault }),
  });

  constructor(options: DemuxerOptions = {}) {
    this.#options = options;
  }

  /** Counters, live: a view, not a copy. */
  get stats(): DemuxerStats {
    return this.#stats;
  }

  /** The programs there are now. */
  get programs(): Program[] {
    return [...this.#programs.values()].map(({ program }) => program);
  }

  /** Some bytes of the stream. They are read before this returns and not kept. */
  push(bytes: Uint8Array): void {
    this.#stats.bytes += bytes.length;
    this.#sync.push(bytes);
  }

  /** The stream ends, or a gap follows: delivers what is complete and forgets the rest. Tables stay known. */
  flush(): void {
    this.#sync.flush();
    for (const stream of this.#streams.values()) stream.flush();
    this.#continuity.forget();
  }

  #readPackets(bytes: Uint8Array, start: number, end: number, stride: PacketStride): void {
    for (let packet = start; packet < end; packet += stride) {
      this.#readPacket(bytes, packet);
      this.#at += stride;
    }
  }

  #readPacket(bytes: Uint8Array, packet: number): void {
    this.#stats.packets++;
    this.#options.onPacket?.(bytes, packet);
    const pid = pidOf(bytes, packet);
    if (hasTransportError(bytes, packet)) {
      this.#damage({ kind: 'transport-error', at: this.#at, pid });
      return;
    }
    if (pid === NULL_PID) {
      this.#stats.nullPackets++;
      return;
    }
    const control = (bytes[packet + 3] as number) & 0x30;
    if (control !== 0x10 && (control === 0 || !isAdaptationSound(bytes, packet))) {
      this.#damage({ kind: 'adaptation', at: this.#at, pid });
      return;
    }
    const stream = this.#streams.get(pid);
    const expected = this.#continuity.expected(pid);
    const continuity = this.#continuity.check(pid, bytes, packet);
    if (continuity !== 'good') {
      if (continuity === 'again') {
        this.#stats.duplicatePackets++;
        return;
      }
      const found = (bytes[packet + 3] as number) & 15;
      this.#damage({ kind: 'continuity', at: this.#at, pid, expected, found });
      stream?.lost();
      this.#follower.lost(pid);
    }
    if (control !== 0x10 && hasPcr(bytes, packet)) this.#readPcr(pid, bytes, packet);
    if (!stream && !this.#follower.follows(pid)) return;
    if (!hasPayload(bytes, packet)) return;
    if (isScrambled(bytes, packet)) {
      this.#damage({ kind: 'scrambled', at: this.#at, pid });
      return;
    }
    if (!stream) {
      this.#follower.push(pid, bytes, packet);
      return;
    }
    const stuffed = control === 0x30 && stuffingBytes(bytes, packet) > 0;
    const payload = payloadStart(bytes, packet);
    stream.push(
      bytes,
      payload,
      packet + PACKET_BYTES,
      isUnitStart(bytes, packet),
      stuffed,
      isRandomAccess(bytes, packet),
    );
  }

  #readPcr(pid: number, bytes: Uint8Array, packet: number): void {
    const programNumber = this.#clocks.get(pid);
    const program = programNumber !== undefined && this.#programs.get(programNumber);
    if (programNumber === undefined || !program) return;
    const wrapped = readPcr(bytes, packet + 6);
    const base = program.unwrapper.tick(Math.floor(wrapped / 300));
    this.#options.onPcr?.({
      pid,
      programNumber,
      pcr: ticks27M(base * 300 + (wrapped % 300)),
      discontinuity: isDiscontinuity(bytes, packet),
      at: this.#at,
    });
  }

  #takeProgram(pmt: Pmt, pmtPid: number): void {
    const before = this.#programs.get(pmt.programNumber);
    const unwrapper = before?.unwrapper ?? new Unwrapper();
    const streams = pmt.streams.map(describeStream);
    const program = describeProgram(pmt, pmtPid, streams);
    const kept = new Set(streams.map(({ pid }) => pid));
    for (const { pid } of before?.program.streams ?? []) if (!kept.has(pid)) this.#closeStream(pid);
    const followed: Followed = { program, unwrapper };
    this.#programs.set(program.number, followed);
    this.#updateClocks();
    for (const announced of streams) {
      const { pid, codec, descriptors, streamType } = announced;
      const open = this.#streams.get(pid);
      if (open?.fits(streamType, codecName(codec), program.number)) {
        this.#refine(followed, pid, open.lastCodec ?? codec);
        continue;
      }
      // A PID that two programs list, or that carries tables, belongs to the first.
      if ((open && open.programNumber !== program.number) || this.#follower.follows(pid)) continue;
      if (open) this.#closeStream(pid);
      if (carriesSections(streamType)) continue;
      if (this.#streams.size >= limits.streams) {
        this.#damage({ kind: 'too-many-streams', at: this.#at, pid });
        continue;
      }
      this.#streams.set(
        pid,
        new StreamDemuxer({
          streamType,
          codec,
          descriptors,
          programNumber: program.number,
          unwrapper,
          budget: this.#budget,
          onFrame: (frame) => this.#deliver(program.number, pid, announced.class, frame),
          onPesFault: (fault) => this.#damage({ kind: 'pes', at: this.#at, pid, fault }),
          onFault: (fault, bytes) =>
            this.#damage({ kind: 'access-unit', at: this.#at, pid, codec, fault, bytes }),
        }),
      );
    }
    this.#options.onProgram?.(followed.program);
  }

  /** Puts the codec that was found in the place of the one that was announced; whether that is another. */
  #refine(followed: Followed, pid: number, codec: Frame['codec']): boolean {
    const { program } = followed;
    const announced = program.streams.find((stream) => stream.pid === pid);
    if (!announced || codecName(announced.codec) === codecName(codec)) return false;
    const streams = program.streams.map((stream) => (stream.pid === pid ? { ...stream, codec } : stream));
    followed.program = { ...program, streams };
    return true;
  }

  #deliver(programNumber: number, pid: number, kind: AccessUnit['class'], frame: Frame): void {
    const followed = this.#programs.get(programNumber);
    const stream = this.#streams.get(pid);
    if (followed && stream && stream.lastCodec !== frame.codec) {
      stream.lastCodec = frame.codec;
      if (this.#refine(followed, pid, frame.codec)) this.#options.onProgram?.(followed.program);
    }
    this.#options.onAccessUnit?.({ pid, class: kind, ...frame });
  }

  #dropProgram(programNumber: number): void {
    const followed = this.#programs.get(programNumber);
    if (!followed) return;
    for (const { pid } of followed.program.streams) {
      if (this.#streams.get(pid)?.programNumber === programNumber) this.#closeStream(pid);
    }
    this.#programs.delete(programNumber);
    this.#updateClocks();
    this.#options.onProgramGone?.(programNumber);
  }

  #closeStream(pid: number): void {
    const stream = this.#streams.get(pid);
    if (!stream) return;
    stream.flush();
    stream.close();
    this.#streams.delete(pid);
  }

  #updateClocks(): void {
    this.#clocks.clear();
    for (const { program } of this.#programs.values()) {
      if (!this.#clocks.has(program.pcrPid)) this.#clocks.set(program.pcrPid, program.number);
    }
  }

  #damage(damage: Damage): void {
    this.#counts[damage.kind]++;
    this.#options.onDamage?.(damage);
  }
}
