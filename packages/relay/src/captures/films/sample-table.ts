import type { Sample } from './samples.ts';
import type { Turns } from './turns.ts';
import { fullBox, uint32, uint64s } from './write-boxes.ts';

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
  /** What is the same wherever the samples are in the file. */
  #fixed: readonly Buffer[] = [];

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

  /** All samples are there. @param end when the last one is over. */
  async close(end: number, turns: Turns): Promise<void> {
    this.#lengths.add(end - this.#decoded);
    const lengths = await tableOf(this.#lengths.all, turns);
    const delays = await tableOf(this.#delays.all, turns);
    const keys = await tableOf(this.#keys, turns);
    const chunks = this.#chunkSizes.flatMap((samples, i, all) =>
      samples === all[i - 1] ? [] : [i + 1, samples, 1],
    );
    this.#fixed = [
      fullBox('stts', {}, uint32(this.#lengths.count), lengths),
      ...(this.#delays.isZero ? [] : [fullBox('ctts', {}, uint32(this.#delays.count), delays)]),
      ...(this.#keys.length === this.#count ? [] : [fullBox('stss', {}, uint32(this.#keys.length), keys)]),
      // 8.7.4: from which chunk on there are so many samples in each, of the first and only entry of `stsd`.
      fullBox('stsc', {}, uint32(chunks.length / 3), await tableOf(chunks, turns)),
      fullBox('stsz', {}, uint32(0, this.#count), await tableOf(this.#sizes, turns)),
    ];
  }

  /** What {@link close} has made ready. @param from where samples begin in the file. */
  boxes(from: number): Buffer[] {
    const chunks = uint64s(this.#chunks.map((at) => from + at));
    return [...this.#fixed, fullBox('co64', {}, uint32(this.#chunks.length), chunks)];
  }
}

/** Numbers as a box has them: a long film has many. */
async function tableOf(values: readonly number[], turns: Turns): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  for (let i = 0; i < values.length; i++) {
    bytes.writeUInt32BE((values[i] ?? 0) >>> 0, i * 4);
    if (turns.isOver()) await turns.pass();
  }
  return bytes;
}

/** Equal values one after the other. */
class Runs {
  /** How many there are of a value, and the value; again and again. */
  readonly all: number[] = [];
  /** Whether there is no other value than 0. */
  isZero = true;

  /** Of different values. */
  get count(): number {
    return this.all.length / 2;
  }

  add(value: number): void {
    const last = this.all.length - 1;
    if (this.all[last] === value) this.all[last - 1] = (this.all[last - 1] ?? 0) + 1;
    else this.all.push(1, value);
    this.isZero &&= value === 0;
  }
}
