import type { AccessUnitFault } from '../damage.ts';
import type { Ticks90k } from '../time.ts';
import type { Codec } from './codec.ts';
import type { CodecConfig } from './config.ts';

/** A PES packet with its times unwrapped. The payload is a view that is only valid during the call. */
export interface TimedPes {
  readonly payload: Uint8Array;
  /** Table 2-22: what kind of payload it is. */
  readonly streamId?: number;
  readonly pts: Ticks90k | undefined;
  readonly dts: Ticks90k | undefined;
  /** Last decoding time of the program, before the first its clock: data without a time stamp are due where they come. */
  readonly latest?: Ticks90k | undefined;
  readonly randomAccess: boolean;
  readonly damaged: boolean;
}

/** An access unit as a framer finds it. */
export interface Frame {
  readonly codec: Codec;
  readonly pts: Ticks90k;
  readonly dts: Ticks90k;
  readonly duration: Ticks90k | undefined;
  readonly randomAccess: boolean;
  readonly keyFrame: boolean;
  readonly damaged: boolean;
  readonly data: Uint8Array;
  readonly config: CodecConfig | undefined;
}

/** Where frames go. `data` of a frame is a new array. */
export interface FramerSink {
  onFrame(frame: Frame): void;
  onFault(fault: AccessUnitFault, bytes: number): void;
}

/** Finds the access units of one elementary stream in its PES packets. */
export interface Framer {
  push(pes: TimedPes): void;
  /** Bytes of the stream were lost: what is incomplete stays so. */
  lost(): void;
  /** No more bytes come. */
  flush(): void;
}
