import { type FileHandle, open } from 'node:fs/promises';
import {
  type AacConfig,
  type AccessUnit,
  adtsHeaderBytes,
  Demuxer,
  findFirstPacket,
  type H264Config,
  isUnitStart,
  type Program,
  parseSps,
  payloadStart,
  pidOf,
} from '@perch/mpegts';
import { fromBegin, type Movie, type Placed } from './movie.ts';
import { aacEntry, avcEntry } from './new-entries.ts';
import { type PictureCoding, pictureCodingOf, type SoundCoding, soundCodingOf } from './sample-entry.ts';
import { SampleWriter } from './sample-file.ts';
import { MOST_SAMPLES, type Sample } from './samples.ts';
import { Turns } from './turns.ts';
import { uint32 } from './write-boxes.ts';

/** So much is read at a time: a few ms of work. */
const TURN_BYTES = 188 * 1024;
const SCALE = 90_000;
/** A longer pause is where an encoder began anew. In s. */
const LONGEST_PAUSE = 5;

/**
 * Reads a transport stream (ISO/IEC 13818-1) of one H.264 encoder, with AAC or without sound; nothing is run for it.
 *
 * @param samples a new file for the samples as an MP4 has them, of which the film is.
 * @returns `undefined` where it is something else, damaged, or has anything out of the ordinary.
 */
export async function readStream(path: string, samples: string): Promise<Movie | undefined> {
  await using file = await open(path);
  const bytes = Buffer.allocUnsafe(TURN_BYTES);
  const first = await readAt(file, bytes, 0);
  if (findFirstPacket(first) !== 0) return undefined;
  await using writer = await SampleWriter.open(samples);
  const stream = new Stream();
  for (let at = 0, part = first; part.byteLength > 0; part = await readAt(file, bytes, at)) {
    at += part.byteLength;
    stream.push(part);
    if (stream.isOdd) return undefined;
    for (const content of stream.take()) await writer.write(content);
  }
  stream.end();
  for (const content of stream.take()) await writer.write(content);
  await writer.flush();
  return stream.movie(samples);
}

async function readAt(file: FileHandle, buffer: Buffer, at: number): Promise<Buffer> {
  const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, at);
  return buffer.subarray(0, bytesRead);
}

/** A transport stream on its way to samples. */
class Stream {
  /** It has something that is not usual: what came of it is not to be used. */
  isOdd = false;
  readonly #demuxer = new Demuxer({
    onProgram: (program) => this.#takeProgram(program),
    onProgramGone: () => this.#odd(),
    onAccessUnit: (unit) => this.#take(unit),
    onDamage: () => this.#odd(),
    onPacket: (bytes, packet) => this.#count(bytes, packet),
  });
  #pids: { readonly video: number; readonly audio: number | undefined } | undefined;
  readonly #pictures = new Pictures();
  readonly #sound = new Sound();
  #content: Buffer[] = [];
  #at = 0;
  /** PES packets with pictures: each has one, and its time. */
  #starts = 0;
  #units = 0;

  push(bytes: Buffer): void {
    this.#demuxer.push(bytes);
  }

  end(): void {
    this.#demuxer.flush();
  }

  /** What has to be written next. */
  take(): Buffer[] {
    const content = this.#content;
    this.#content = [];
    return content;
  }

  async movie(path: string): Promise<Movie | undefined> {
    const turns = new Turns();
    const video = await this.#pictures.placed(path, turns);
    const audio = this.#sound.placed(path);
    const hasSound = this.#pids?.audio !== undefined && this.#sound.samples.length > 0;
    if (this.isOdd || !video || this.#starts !== this.#units || (hasSound && !audio)) return undefined;
    const begin = Math.min(video.start, audio?.start ?? video.start);
    return {
      path,
      video: await fromBegin(video, begin, turns),
      audio: audio && (await fromBegin(audio, begin, turns)),
    };
  }

  #odd(): void {
    this.isOdd = true;
  }

  #takeProgram({ streams }: Program): void {
    const seen = streams.filter((stream) => stream.class === 'video' || stream.class === 'audio');
    const [video, ...moreVideo] = seen.filter((stream) => stream.class === 'video');
    const [audio, ...moreAudio] = seen.filter((stream) => stream.class === 'audio');
    const isUsual =
      video?.codec === 'h264' &&
      (!audio || audio.codec === 'aac') &&
      moreVideo.length + moreAudio.length === 0;
    const pids = isUsual ? { video: video.pid, audio: audio?.pid } : undefined;
    const isSame = !this.#pids || (pids?.video === this.#pids.video && pids.audio === this.#pids.audio);
    if (!pids || !isSame) this.#odd();
    this.#pids = pids;
  }

  /** ISO/IEC 13818-1 2.4.3.7: PTS_DTS_flags of each PES packet that has a picture. */
  #count(bytes: Uint8Array, packet: number): void {
    if (!isUnitStart(bytes, packet) || pidOf(bytes, packet) !== this.#pids?.video) return;
    this.#starts++;
    const flags = bytes[payloadStart(bytes, packet) + 7] ?? 0;
    if (flags < 0x80) this.#odd();
  }

  #take(unit: AccessUnit): void {
    const isPicture = unit.pid === this.#pids?.video;
    if (isPicture) this.#units++;
    else if (unit.pid !== this.#pids?.audio) return;
    const content = isPicture ? this.#pictures.take(unit, this.#at) : this.#sound.take(unit, this.#at);
    if (content === 'odd' || this.#pictures.samples.length + this.#sound.samples.length > MOST_SAMPLES) {
      this.#odd();
    } else {
      for (const bytes of content) this.#at += bytes.byteLength;
      this.#content.push(...content);
    }
  }
}

/** What a sample is in an MP4; `odd`: it is not usual. */
type Content = readonly Buffer[] | 'odd';

/** Pictures, from the first key frame on. */
class Pictures {
  readonly samples: Sample[] = [];
  #config: H264Config | undefined;
  #entry: Buffer | undefined;
  #duration = 0;

  take({ data, config, keyFrame, dts, pts, duration, damaged }: AccessUnit, at: number): Content {
    if (this.samples.length === 0 && !keyFrame) return [];
    if (config?.codec !== 'h264' || damaged) return 'odd';
    if (config !== this.#config) {
      const entry = isUsual(config) ? avcEntry(config) : undefined;
      if (!entry || (this.#entry && !entry.equals(this.#entry))) return 'odd';
      [this.#config, this.#entry] = [config, entry];
    }
    const units = unitsOf(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    if (!units || (!keyFrame && units.some(isRecoveryPoint))) return 'odd';
    const before = this.samples.at(-1);
    if (before) {
      const length = dts - before.decoded;
      if (length <= 0 || length > LONGEST_PAUSE * SCALE || Math.abs(pts - dts) > LONGEST_PAUSE * SCALE)
        return 'odd';
      this.#duration = length;
    } else this.#duration = duration ?? 0;
    const content = units.flatMap((unit) => [uint32(unit.byteLength), unit]);
    this.samples.push({ at, bytes: bytesOf(content), decoded: dts, shown: pts, isKey: keyFrame });
    return content;
  }

  async placed(path: string, turns: Turns): Promise<Placed<PictureCoding> | undefined> {
    const [entry, config, first] = [this.#entry, this.#config, this.samples[0]];
    const coding = entry && pictureCodingOf(entry);
    if (!coding || !config || !first || this.#duration === 0) return undefined;
    let begin = first.shown;
    for (const { shown } of this.samples) {
      begin = Math.min(begin, shown);
      if (turns.isOver()) await turns.pass();
    }
    const samples: Sample[] = [];
    for (const sample of this.samples) {
      const [decoded, shown] = [sample.decoded - first.decoded, sample.shown - begin];
      samples.push({ ...sample, decoded, shown });
      if (turns.isOver()) await turns.pass();
    }
    const end = (samples.at(-1)?.decoded ?? 0) + this.#duration;
    const look = lookOf(config.width, config.height);
    return { track: { path, coding, scale: SCALE, samples, end, entry, look }, start: begin / SCALE };
  }
}

/** Profiles that browsers show, and nothing for which more has to be said in an MP4. */
function isUsual({ profile, sps }: H264Config): boolean {
  const sequence = parseSps(sps);
  if (!sequence || ![66, 77, 100].includes(profile)) return false;
  const { chromaFormat, bitDepth, squarePixels, progressive } = sequence;
  const isPlain = chromaFormat === 1 && bitDepth.luma === 8 && bitDepth.chroma === 8;
  return isPlain && squarePixels && progressive;
}

/** ISO/IEC 14496-3 4.5.1.1. */
const AAC_SAMPLES = 1_024;

/** AAC, at the pace of its rate: time stamps are rounded. */
class Sound {
  readonly samples: Sample[] = [];
  #config: AacConfig | undefined;
  #entry: Buffer | undefined;
  #begin = 0;
  #end = 0;

  take({ data, config, pts, damaged }: AccessUnit, at: number): Content {
    // 14496-3 1.A.2.2: number_of_raw_data_blocks_in_frame.
    if (config?.codec !== 'aac' || damaged || ((data[6] ?? 0) & 3) !== 0) return 'odd';
    if (config !== this.#config) {
      const entry = config.objectType === 2 && config.channels > 0 ? aacEntry(config) : undefined;
      if (!entry || (this.#entry && !entry.equals(this.#entry))) return 'odd';
      [this.#config, this.#entry] = [config, entry];
    }
    if (this.samples.length === 0) this.#begin = pts;
    const ticks = Math.round(((pts - this.#begin) * config.sampleRate) / SCALE);
    const pause = ticks - this.#end;
    if (pause < -AAC_SAMPLES || pause > LONGEST_PAUSE * config.sampleRate) return 'odd';
    const decoded = pause > AAC_SAMPLES ? ticks : this.#end;
    const content = Buffer.from(data.buffer, data.byteOffset, data.byteLength).subarray(
      adtsHeaderBytes(data),
    );
    this.samples.push({ at, bytes: content.byteLength, decoded, shown: decoded, isKey: true });
    this.#end = decoded + AAC_SAMPLES;
    return [content];
  }

  placed(path: string): Placed<SoundCoding> | undefined {
    const [entry, config] = [this.#entry, this.#config];
    const coding = entry && soundCodingOf(entry);
    if (!coding || !config) return undefined;
    const { samples } = this;
    const track = {
      path,
      coding,
      scale: config.sampleRate,
      samples,
      end: this.#end,
      entry,
      look: lookOf(0, 0),
    };
    return { track, start: this.#begin / SCALE };
  }
}

/** ISO/IEC 14496-12 8.3.2: the matrix, the width and the height of `tkhd`. */
const lookOf = (width: number, height: number): Buffer =>
  uint32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000, width * 0x10000, height * 0x10000);

const bytesOf = (content: readonly Buffer[]): number =>
  content.reduce((sum, { byteLength }) => sum + byteLength, 0);

const START_CODE = Buffer.from([0, 0, 1]);

/** The NAL units of a byte stream (ITU-T H.264 Annex B), without the zeros behind them. `undefined`: it is none. */
function unitsOf(bytes: Buffer): Buffer[] | undefined {
  const units: Buffer[] = [];
  let at = bytes.indexOf(START_CODE);
  if (at < 0 || bytes.subarray(0, at).some((byte) => byte !== 0)) return undefined;
  while (at >= 0) {
    const next = bytes.indexOf(START_CODE, at + 3);
    let end = next < 0 ? bytes.byteLength : next;
    while (end > at + 3 && bytes[end - 1] === 0) end--;
    if (end > at + 3) units.push(bytes.subarray(at + 3, end));
    at = next;
  }
  return units;
}

const SUPPLEMENT = 6;
const RECOVERY_POINT = 6;

/** D.1: whether one may begin here too, though it is no key frame. */
function isRecoveryPoint(unit: Buffer): boolean {
  if (((unit[0] ?? 0) & 0x1f) !== SUPPLEMENT) return false;
  for (let at = 1; at + 2 < unit.byteLength; ) {
    let [type, size] = [0, 0];
    while (unit[at] === 0xff) type += unit[at++] ?? 0;
    type += unit[at++] ?? 0;
    while (unit[at] === 0xff) size += unit[at++] ?? 0;
    size += unit[at++] ?? 0;
    if (type === RECOVERY_POINT) return true;
    at += size;
  }
  return false;
}
