import { ticks90k } from '../time.ts';
import type { Codec } from './codec.ts';
import type { Framer, FramerSink, TimedPes } from './framer.ts';

/** What this library does not take apart: each PES payload is taken for one access unit. */
export class WholeFramer implements Framer {
  readonly #codec: Codec;
  readonly #sink: FramerSink;
  #last = ticks90k(0);
  #timed = false;

  constructor(codec: Codec, sink: FramerSink) {
    this.#codec = codec;
    this.#sink = sink;
  }

  push(pes: TimedPes): void {
    if (pes.pts !== undefined) {
      this.#last = pes.pts;
      this.#timed = true;
    }
    if (!this.#timed) {
      this.#sink.onFault('no-timestamp', pes.payload.length);
      return;
    }
    this.#sink.onFrame({
      codec: this.#codec,
      pts: this.#last,
      dts: pes.dts ?? this.#last,
      duration: undefined,
      randomAccess: pes.randomAccess,
      keyFrame: pes.randomAccess,
      damaged: pes.damaged,
      data: pes.payload.slice(),
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
