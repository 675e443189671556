import type { Sample } from './samples.ts';
import { fullBox, uint32, uint32s, uint64s } from './write-boxes.ts';

/** The tables of a track that is written as one MP4, sample by sample (ISO/IEC 14496-12 8.6, 8.7). */
export class SampleTable {
  #count = 0;
  /** The last sample: when it is decoded, and where it ends. */
  #decoded = 0;
  #end = -1;
  /** Runs: so many, of so many ticks. */
  readonly #lengths = new Runs();
  readonly #delays = new Runs();
  readonly #sizes: number[] = [];
  readonly #keys: number[] = [];
  /** Where chunks begin, and how many samples each has. */
  readonly #chunks: number[] = [];
  readonly #chunkSizes: number[] = [];

  /** @param sample `at` counts from the first byte of all samples of the film; it is shown no sooner than decoded. */
  add({ at, bytes, decoded, shown, isKey }: Sample): void {
    if (this.#count > 0) this.#lengths.add(decoded - this.#decoded);
    this.#count++;
    this.#decoded = decoded;
    this.#delays.add(shown - decoded);
    this.#sizes.push(bytes);
    if (isKey) this.#keys.push(this.#count);
    if (at !== this.#end) {
      this.#chunks.push(at);
      this.#chunkSizes.push(0);
    }
    this.#chunkSizes[this.#chunkSizes.length - 1] = (this.#chunkSizes.at(-1) ?? 0) + 1;
    this.#end = at + bytes;
  }

  /** @param from where samples begin in the file. @param end when the last one is over. */
  boxes({ from, end }: { readonly from: number; readonly end: number }): Buffer[] {
    const lengths = new Runs(this.#lengths);
    lengths.add(end - this.#decoded);
    return [
      fullBox('stts', {}, lengths.table()),
      ...(this.#delays.isZero ? [] : [fullBox('ctts', {}, this.#delays.table())]),
      ...(this.#keys.length === this.#count
        ? []
        : [fullBox('stss', {}, uint32(this.#keys.length), uint32s(this.#keys))]),
      fullBox('stsc', {}, this.#chunkTable()),
      fullBox('stsz', {}, uint32(0, this.#count), uint32s(this.#sizes)),
      fullBox('co64', {}, uint32(this.#chunks.length), uint64s(this.#chunks.map((at) => from + at))),
    ];
  }

  /** 8.7.4: from which chunk on there are so many samples in each, of the first and only entry of `stsd`. */
  #chunkTable(): Buffer {
    const entries = this.#chunkSizes.flatMap((samples, i, all) =>
      samples === all[i - 1] ? [] : [i + 1, samples, 1],
    );
    return Buffer.concat([uint32(entries.length / 3), uint32s(entries)]);
  }
}

/** Equal values one after the other. */
class Runs {
  readonly #runs: number[];

  constructor(like?: Runs) {
    this.#runs = [...(like ? like.#runs : [])];
  }

  get isZero(): boolean {
    return this.#runs.every((value, i) => i % 2 === 0 || value === 0);
  }

  add(value: number): void {
    const last = this.#runs.length - 1;
    if (this.#runs[last] === value) this.#runs[last - 1] = (this.#runs[last - 1] ?? 0) + 1;
    else this.#runs.push(1, value);
  }

  table(): Buffer {
    return Buffer.concat([uint32(this.#runs.length / 2), uint32s(this.#runs)]);
  }
}
