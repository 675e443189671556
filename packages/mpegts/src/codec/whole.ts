import type { Codec } from './codec.ts';
import type { Framer, FramerSink, TimedPes } from './framer.ts';

/**
 * What this library does not take apart: each PES payload is taken for one access unit. One without a time stamp, as in
 * asynchronous KLV (SMPTE ST 1402, ffmpeg's too), is due where it comes: at the last decoding time of its program.
 */
export class WholeFramer implements Framer {
  readonly #codec: Codec;
  readonly #sink: FramerSink;

  constructor(codec: Codec, sink: FramerSink) {
    this.#codec = codec;
    this.#sink = sink;
  }

  push({ payload, pts, dts, latest, randomAccess, damaged }: TimedPes): void {
    const due = pts ?? latest;
    if (due === undefined) {
      this.#sink.onFault('no-timestamp', payload.length);
      return;
    }
    this.#sink.onFrame({
      codec: this.#codec,
      pts: due,
      dts: dts ?? due,
      duration: undefined,
      randomAccess,
      keyFrame: randomAccess,
      damaged,
      data: payload.slice(),
      config: undefined,
    });
  }

  lost(): void {
    // Each PES packet stands alone.
  }

  flush(): void {
    this.lost();
  }
}
