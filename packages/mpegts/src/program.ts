import { announcedBy } from './codec/announced.ts';
import type { Codec, StreamClass } from './codec/codec.ts';
import type { CodecConfig } from './codec/config.ts';
import { componentTagOf, type Descriptor, languageOf } from './psi/descriptors.ts';
import type { Pmt, PmtStream } from './psi/tables.ts';
import type { Ticks27M, Ticks90k } from './time.ts';

/** An elementary stream of a program. */
export interface ElementaryStream {
  readonly pid: number;
  /** ISO/IEC 13818-1 table 2-34. */
  readonly streamType: number;
  /** As the PMT announces it, and once access units were seen, as it is: ffmpeg announces MPEG-1 video as MPEG-2. */
  readonly codec: Codec;
  readonly class: StreamClass;
  /** ISO 639-2 code, such as `deu`. */
  readonly language: string | undefined;
  readonly componentTag: number | undefined;
  readonly descriptors: readonly Descriptor[];
}

/** A program, as its PMT says. */
export interface Program {
  readonly number: number;
  readonly pmtPid: number;
  /** 0x1fff: the program has no clock. */
  readonly pcrPid: number;
  /** version_number of the PMT. */
  readonly version: number;
  readonly descriptors: readonly Descriptor[];
  readonly streams: readonly ElementaryStream[];
}

/** One access unit: a coded picture, an audio frame, or a PES payload of something unknown. */
export interface AccessUnit {
  readonly pid: number;
  readonly codec: Codec;
  readonly class: StreamClass;
  /** When it is to be presented and decoded. Unwrapped; all streams of a program on one line. */
  readonly pts: Ticks90k;
  readonly dts: Ticks90k;
  /** Where the stream tells it. */
  readonly duration: Ticks90k | undefined;
  /** A decoder can begin here, with nothing but this and what follows. True for every audio frame. */
  readonly randomAccess: boolean;
  /** An intra picture (IDR in H.264), though perhaps without the headers that a decoder needs to begin. */
  readonly keyFrame: boolean;
  /** Its end is missing. */
  readonly damaged: boolean;
  /**
   * As in the stream: H.264 in Annex B format, AAC with its ADTS header, Opus without control header. A new array that is
   * the receiver's to keep, write to or transfer.
   */
  readonly data: Uint8Array;
  /** What a decoder must know; the same object until it changes. Undefined before it was seen, and for unknown codecs. */
  readonly config: CodecConfig | undefined;
}

/** One program clock reference. */
export interface ClockReference {
  readonly pid: number;
  readonly programNumber: number;
  /** Unwrapped, on the same line as PTS and DTS × 300. */
  readonly pcr: Ticks27M;
  /** The encoder says that the clock jumps here. */
  readonly discontinuity: boolean;
  /** Bytes before the packet, since the begin. */
  readonly at: number;
}

export const describeStream = ({ pid, streamType, descriptors }: PmtStream): ElementaryStream => ({
  pid,
  streamType,
  ...announcedBy(streamType, descriptors),
  language: languageOf(descriptors),
  componentTag: componentTagOf(descriptors),
  descriptors,
});

export const describeProgram = (pmt: Pmt, pmtPid: number, streams: readonly ElementaryStream[]): Program => ({
  number: pmt.programNumber,
  pmtPid,
  pcrPid: pmt.pcrPid,
  version: pmt.version,
  descriptors: pmt.descriptors,
  streams,
});
