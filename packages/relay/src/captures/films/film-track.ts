import { isVideo, type Track } from './movie.ts';
import type { TrackHeader } from './movie-header.ts';
import type { PictureCoding } from './sample-entry.ts';
import { SampleTable } from './sample-table.ts';
import type { Sample } from './samples.ts';
import type { Turns } from './turns.ts';
import { uint32 } from './write-boxes.ts';

/** Ticks in a second, where files do not agree on it. */
const USUAL_SCALE = 90_000;

/** A track of a film of which each file has a bit. */
export class FilmTrack {
  readonly #like: Track;
  readonly #scale: number;
  /** In ticks: as the tables have no picture shown before it is decoded, all are shown so much later. */
  #delay = 0;
  /** What each key frame of a file brings, where the files are of several encoders. */
  readonly #sets = new Map<Track, Buffer>();
  readonly #table = new SampleTable();
  #end = 0;

  /** @param tracks those of the files, of one codec. At least one. */
  static async of(tracks: readonly [Track, ...Track[]], turns: Turns): Promise<FilmTrack> {
    const film = new FilmTrack(tracks);
    for (const track of tracks) film.#delay = Math.max(film.#delay, await film.#delayOf(track, turns));
    return film;
  }

  private constructor(tracks: readonly [Track, ...Track[]]) {
    const [first] = tracks;
    this.#like = first;
    this.#scale = tracks.every(({ scale }) => scale === first.scale) ? first.scale : USUAL_SCALE;
    const isOne = tracks.every(({ coding }) => coding.setup === first.coding.setup);
    for (const track of isOne ? [] : tracks) if (isVideo(track)) this.#sets.set(track, setsOf(track.coding));
  }

  /** Of a sample in the film. */
  bytesOf(track: Track, { bytes, isKey }: Sample): number {
    return bytes + (isKey ? (this.#sets.get(track)?.byteLength ?? 0) : 0);
  }

  /** Adds a sample. @param place where it is among all samples of the film, and when its file begins, in s. */
  add(track: Track, sample: Sample, place: { readonly at: number; readonly begin: number }): void {
    const begin = Math.round(place.begin * this.#scale);
    const ticks = (of: number) => begin + this.#ticks(of, track);
    this.#table.add({
      ...{ at: place.at, bytes: this.bytesOf(track, sample), isKey: sample.isKey },
      ...{ decoded: ticks(sample.decoded), shown: ticks(sample.shown) + this.#delay },
    });
    this.#end = ticks(track.end);
  }

  /** What a sample is in the film. @param bytes what it is in its file. */
  contentOf(track: Track, { isKey }: Sample, bytes: Buffer): readonly Buffer[] {
    const sets = isKey ? this.#sets.get(track) : undefined;
    if (!sets || !isVideo(track)) return [bytes];
    const start = delimiterBytes(track.coding, bytes);
    return [bytes.subarray(0, start), sets, bytes.subarray(start)];
  }

  /** All samples were added. */
  close(turns: Turns): Promise<void> {
    return this.#table.close(this.#end, turns);
  }

  /** After {@link close}. @param from where samples begin in the film's file. */
  header({
    number,
    from,
    seconds,
  }: {
    readonly number: number;
    readonly from: number;
    readonly seconds: number;
  }): TrackHeader {
    const tables = this.#table.boxes(from);
    return { number, like: this.#like, scale: this.#scale, seconds, begin: this.#delay, tables };
  }

  async #delayOf(track: Track, turns: Turns): Promise<number> {
    let most = 0;
    for (const { decoded, shown } of track.samples) {
      most = Math.max(most, this.#ticks(decoded, track) - this.#ticks(shown, track));
      if (turns.isOver()) await turns.pass();
    }
    return most;
  }

  #ticks(of: number, { scale }: Track): number {
    return scale === this.#scale ? of : Math.round((of * this.#scale) / scale);
  }
}

/** NAL units, each after its length (ISO/IEC 14496-15 5.3.4.2). */
const setsOf = ({ parameterSets }: PictureCoding): Buffer =>
  Buffer.concat(parameterSets.flatMap((set) => [uint32(set.byteLength), set]));

/** An access unit delimiter is before all else (ITU-T H.264 7.4.1.2.3, H.265 7.4.2.4.4): its bytes, with its length. */
function delimiterBytes({ codec }: PictureCoding, sample: Buffer): number {
  if (sample.byteLength < 5) return 0;
  const header = sample.readUInt8(4);
  const isDelimiter = codec === 'h264' ? (header & 0x1f) === 9 : header >> 1 === 35;
  return isDelimiter ? Math.min(sample.byteLength, 4 + sample.readUInt32BE(0)) : 0;
}
