import { codecName } from '../codec/codec.ts';
import type { CodecConfig } from '../codec/config.ts';
import type { AccessUnit, ElementaryStream } from '../program.ts';
import { IntervalMeter } from './intervals.ts';
import type { StreamReport } from './report.ts';

/** The counters of one elementary stream. */
export class StreamMeter {
  stream: ElementaryStream;
  #units = 0;
  #damaged = 0;
  #randomAccessPoints = 0;
  #config: CodecConfig | undefined;
  #first: number | undefined;
  #last: number | undefined;
  readonly #decoding = new IntervalMeter(90);
  readonly #randomAccess = new IntervalMeter(90, 3_600_000);
  #leadSum = 0;
  #leadMin = Number.POSITIVE_INFINITY;
  #leadCount = 0;

  constructor(stream: ElementaryStream) {
    this.stream = stream;
  }

  get firstPts(): number | undefined {
    return this.#first;
  }

  /** From the first to the last decoding time. */
  get seconds(): number {
    return this.#decoding.seconds;
  }

  /** `clock`: the program clock, in ticks of 90 kHz, when the unit was complete. */
  add(unit: AccessUnit, clock: number | undefined): void {
    this.#units++;
    if (unit.damaged) this.#damaged++;
    this.#config = unit.config ?? this.#config;
    this.#first = Math.min(this.#first ?? unit.pts, unit.pts);
    this.#last = Math.max(this.#last ?? unit.pts, unit.pts);
    this.#decoding.at(unit.dts);
    if (unit.randomAccess) {
      this.#randomAccessPoints++;
      this.#randomAccess.at(unit.pts);
    }
    if (clock !== undefined) {
      const lead = (unit.dts - clock) / 90;
      this.#leadSum += lead;
      this.#leadMin = Math.min(this.#leadMin, lead);
      this.#leadCount++;
    }
  }

  report(packets: number, continuityErrors: number, seconds: number): StreamReport {
    const { pid, streamType, codec, language } = this.stream;
    const config = this.#config;
    const interval = this.#randomAccess.report();
    const frameRate = this.#frameRate();
    return {
      pid,
      streamType,
      class: this.stream.class,
      codec: codecName(codec),
      ...(config && 'codecString' in config && { codecString: config.codecString }),
      ...(language !== undefined && { language }),
      ...(config && 'width' in config && { width: config.width, height: config.height }),
      ...(config && 'channels' in config && { sampleRate: config.sampleRate, channels: config.channels }),
      ...(this.stream.class === 'video' && frameRate !== undefined && { frameRate }),
      packets,
      ...(seconds > 0 && { bitRate: Math.round((packets * 188 * 8) / seconds) }),
      continuityErrors,
      accessUnits: this.#units,
      damagedUnits: this.#damaged,
      ...(this.stream.class === 'video' && {
        randomAccess: { count: this.#randomAccessPoints, ...(interval && { interval }) },
      }),
      ...(this.#first !== undefined && { firstPts: this.#first / 90_000 }),
      ...(this.#last !== undefined && { lastPts: this.#last / 90_000 }),
      ...(this.#leadCount > 0 && {
        leadMs: { mean: rounded(this.#leadSum / this.#leadCount), min: rounded(this.#leadMin) },
      }),
    };
  }

  #frameRate(): number | undefined {
    const { count, seconds } = this.#decoding;
    if (count >= 5 && seconds > 0) return rounded(count / seconds);
    return this.#config && 'frameRate' in this.#config ? this.#config.frameRate : undefined;
  }
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
