import { type Codec, codecName } from './codec/codec.ts';
import type { Frame, Framer } from './codec/framer.ts';
import { framerFor } from './codec/framers.ts';
import type { AccessUnitFault } from './damage.ts';
import { type BufferBudget, PesAssembler, type PesFault, type PesPacket } from './pes/assembler.ts';
import type { Descriptor } from './psi/descriptors.ts';
import type { Ticks90k, Unwrapper } from './time.ts';

export interface StreamDemuxerOptions {
  readonly streamType: number;
  readonly codec: Codec;
  readonly descriptors: readonly Descriptor[];
  readonly programNumber: number;
  /** Shared by the streams of a program. */
  readonly unwrapper: Unwrapper;
  readonly budget: BufferBudget;
  onFrame(frame: Frame): void;
  onPesFault(fault: PesFault): void;
  onFault(fault: AccessUnitFault, bytes: number): void;
}

/** Streams of a program are less than this apart; what goes back more has begun anew. In ticks of 90 kHz: 2 s. */
const MOST_BACK = 180_000;

/** One elementary stream: packets to PES packets to access units. */
export class StreamDemuxer {
  readonly programNumber: number;
  /** The codec of the last access unit. */
  lastCodec: Codec | undefined;
  #latest: Ticks90k | undefined;
  readonly #options: StreamDemuxerOptions;
  readonly #assembler: PesAssembler;
  readonly #framer: Framer;

  constructor(options: StreamDemuxerOptions) {
    this.#options = options;
    this.programNumber = options.programNumber;
    this.#framer = framerFor(options.codec, options.descriptors, options);
    this.#assembler = new PesAssembler({
      budget: options.budget,
      onPes: (pes) => this.#takePes(pes),
      onFault: (fault) => options.onPesFault(fault),
    });
  }

  /** Whether a PMT that announces this can go on with it. */
  fits(streamType: number, codec: string, programNumber: number): boolean {
    const own = this.#options;
    return (
      own.streamType === streamType && codecName(own.codec) === codec && own.programNumber === programNumber
    );
  }

  push(
    bytes: Uint8Array,
    start: number,
    end: number,
    unitStart: boolean,
    stuffed: boolean,
    randomAccess: boolean,
  ): void {
    this.#assembler.push(bytes, start, end, unitStart, stuffed, randomAccess);
  }

  /** Packets are missing. */
  lost(): void {
    this.#assembler.lost();
    this.#framer.lost();
  }

  flush(): void {
    this.#assembler.flush();
    this.#framer.flush();
  }

  close(): void {
    this.#assembler.close();
  }

  #takePes({ header, payload, randomAccess, damaged }: PesPacket): void {
    const { unwrapper } = this.#options;
    // The DTS leads: it alone never goes backwards.
    const dts = header.dts !== undefined ? unwrapper.follow(header.dts) : undefined;
    const pts =
      header.pts === undefined
        ? undefined
        : dts === undefined
          ? unwrapper.follow(header.pts)
          : unwrapper.near(header.pts);
    const { streamId } = header;
    this.#framer.push({ payload, streamId, pts, dts, latest: this.#now(), randomAccess, damaged });
  }

  /** Where the program is. Its streams take turns, so it seems to go back a little; here it does not. */
  #now(): Ticks90k | undefined {
    const now = this.#options.unwrapper.last;
    const before = this.#latest;
    const goesBack = now !== undefined && before !== undefined && now < before;
    this.#latest = goesBack && before - now < MOST_BACK ? before : now;
    return this.#latest;
  }
}
