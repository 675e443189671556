import { type MediaMs, mediaMs } from './media-time.ts';

/** A run of decoded sound. Planes are the ring's to read only during `write`. */
export interface SoundChunk {
  /** When the first sample is to be heard. */
  readonly pts: MediaMs;
  /** Samples per second. */
  readonly sampleRate: number;
  /** One array per channel, equally long, -1 … 1. */
  readonly planes: readonly Float32Array[];
}

/** Samples kept per channel: 2.7 s at 48 kHz. What does not fit pushes out the oldest. */
const CAPACITY = 1 << 17;
const MASK = CAPACITY - 1;

/**
 * Decoded sound waiting to be heard, as stereo, with the presentation time of each chunk beside the samples: a hole in
 * the stream moves the time on, it never has to be filled. The read position is fractional, so that it can be
 * advanced at any rate.
 */
export class SoundRing {
  readonly #left = new Float32Array(CAPACITY);
  readonly #right = new Float32Array(CAPACITY);
  /** Where chunks begin that are not fully read, oldest first. */
  #marks: { readonly at: number; readonly pts: MediaMs }[] = [];
  /** Absolute sample counts; the place in the arrays is the count modulo CAPACITY. */
  #written = 0;
  #read = 0;
  #sampleRate = 0;

  get sampleRate(): number {
    return this.#sampleRate;
  }

  /** How much sound waits, in ms. */
  get bufferedMs(): number {
    return this.#sampleRate === 0 ? 0 : ((this.#written - this.#read) / this.#sampleRate) * 1000;
  }

  /** The presentation time at the read position, or undefined while nothing was written. */
  get position(): MediaMs | undefined {
    const mark = this.#marks[0];
    return mark && mediaMs(mark.pts + ((this.#read - mark.at) / this.#sampleRate) * 1000);
  }

  clear(): void {
    this.#marks = [];
    this.#read = this.#written;
  }

  write(chunk: SoundChunk): void {
    const left = chunk.planes[0];
    if (!left || left.length === 0) return;
    const right = chunk.planes[1] ?? left;
    if (chunk.sampleRate !== this.#sampleRate) {
      this.clear();
      this.#sampleRate = chunk.sampleRate;
    }
    this.#marks.push({ at: this.#written, pts: chunk.pts });
    for (let i = 0; i < left.length; i++) {
      const at = (this.#written + i) & MASK;
      this.#left[at] = left[i] as number;
      this.#right[at] = right[i] as number;
    }
    this.#written += left.length;
    // Three samples of room: the interpolation looks one back and two ahead.
    const oldest = this.#written - CAPACITY + 3;
    if (this.#read < oldest) this.#advanceTo(oldest);
  }

  /** Forgets `ms` of the oldest sound. */
  skip(ms: number): void {
    this.#advanceTo(Math.min(this.#written, this.#read + (ms / 1000) * this.#sampleRate));
  }

  /**
   * Takes `frames` samples into `left` and `right`, stepping `step` stored samples for each.
   *
   * @returns how many there were: fewer than asked when the sound ran out.
   */
  take(left: Float32Array, right: Float32Array, frames: number, step: number): number {
    let position = this.#read;
    let n = 0;
    for (; n < frames; n++) {
      const whole = Math.floor(position);
      if (whole + 2 >= this.#written) break;
      const fraction = position - whole;
      left[n] = interpolate(this.#left, whole, fraction);
      right[n] = interpolate(this.#right, whole, fraction);
      position += step;
    }
    this.#advanceTo(Math.min(position, this.#written));
    return n;
  }

  #advanceTo(position: number): void {
    this.#read = position;
    while (this.#marks.length > 1 && (this.#marks[1] as { at: number }).at <= position) this.#marks.shift();
  }
}

/** Cubic Hermite (Catmull-Rom) through four samples; at fraction 0 it is the sample itself. */
function interpolate(samples: Float32Array, whole: number, fraction: number): number {
  const b = samples[whole & MASK] as number;
  if (fraction === 0) return b;
  const a = samples[(whole - 1) & MASK] as number;
  const c = samples[(whole + 1) & MASK] as number;
  const d = samples[(whole + 2) & MASK] as number;
  const c1 = (c - a) / 2;
  const c2 = a - 2.5 * b + 2 * c - d / 2;
  const c3 = (d - a) / 2 + 1.5 * (b - c);
  return ((c3 * fraction + c2) * fraction + c1) * fraction + b;
}
