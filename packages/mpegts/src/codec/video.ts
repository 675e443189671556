import { type Ticks90k, ticks90k } from '../time.ts';
import type { Codec } from './codec.ts';
import type { H264Config, HevcConfig, MpegVideoConfig } from './config.ts';
import type { Framer, FramerSink, TimedPes } from './framer.ts';

/** An access unit inside a PES payload. */
export interface VideoUnit {
  readonly start: number;
  readonly end: number;
  readonly keyFrame: boolean;
  readonly randomAccess: boolean;
  readonly config: H264Config | HevcConfig | MpegVideoConfig | undefined;
}

/**
 * What the video codecs have in common: nearly always a PES packet is an access unit; where it holds several, the time
 * stamp is that of the first (ISO/IEC 13818-1 2.4.3.7) and the others follow at the frame rate.
 */
export abstract class VideoFramer implements Framer {
  protected readonly sink: FramerSink;
  #codec: Codec;
  /** DTS and PTS of the last unit, and the distance of the last two. */
  #last: { dts: Ticks90k; pts: Ticks90k } | undefined;
  #step: number | undefined;

  constructor(codec: Codec, sink: FramerSink) {
    this.#codec = codec;
    this.sink = sink;
  }

  /** The access units in a PES payload, in order, without gaps; at least one, unless it is empty. */
  protected abstract units(pes: TimedPes): VideoUnit[];

  push(pes: TimedPes): void {
    if (pes.payload.length === 0) return;
    const units = this.units(pes);
    for (const [i, unit] of units.entries()) {
      const time =
        i === 0 && pes.pts !== undefined ? { pts: pes.pts, dts: pes.dts ?? pes.pts } : this.#next(unit);
      if (!time) {
        this.sink.onFault('no-timestamp', unit.end - unit.start);
        continue;
      }
      if (this.#last && time.dts > this.#last.dts) this.#step = time.dts - this.#last.dts;
      this.#last = time;
      this.#codec = unit.config?.codec ?? this.#codec;
      this.sink.onFrame({
        codec: this.#codec,
        pts: time.pts,
        dts: time.dts,
        duration: unit.config?.frameDuration,
        randomAccess: unit.randomAccess,
        keyFrame: unit.keyFrame,
        // Only the end of a PES packet can be missing.
        damaged: pes.damaged && i === units.length - 1,
        data: pes.payload.slice(unit.start, unit.end),
        config: unit.config,
      });
    }
  }

  lost(): void {
    // Nothing is carried from one PES packet to the next.
  }

  flush(): void {
    this.lost();
  }

  #next(unit: VideoUnit): { dts: Ticks90k; pts: Ticks90k } | undefined {
    if (!this.#last) return undefined;
    const step = unit.config?.frameDuration ?? this.#step ?? 0;
    const dts = ticks90k(this.#last.dts + step);
    return { dts, pts: dts };
  }
}
