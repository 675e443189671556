import { type AccessUnit, codecName, Demuxer, type ElementaryStream, type Program } from '@perch/mpegts';
import { type Clock, type Millis, millis } from '@perch/runtime';
import { type LoadSoftware, pictureOpener, soundOpener } from '../decode/open.ts';
import { Track } from '../decode/track.ts';
import { pictureRefused, soundRefused } from '../decode/words.ts';
import type { Arrival } from '../source/relay-source.ts';
import { CatchUp } from '../sync/catch-up.ts';
import { DataSchedule, type TimedUnit } from '../sync/data-schedule.ts';
import { fromTicks90k, type MediaMs } from '../sync/media-time.ts';
import { PictureSchedule } from '../sync/picture-schedule.ts';
import type { SoundChunk } from '../sync/sound-ring.ts';
import { Latency } from './latency.ts';
import type { StreamSound } from './messages.ts';
import { PictureFrame } from './painter.ts';
import type { SoundOut } from './sound-out.ts';

export interface PipelineOptions {
  readonly clock: Clock;
  readonly soundOut: SoundOut;
  readonly loadSoftware: LoadSoftware;
  /** Wall clock of whoever stamped the capture times, in ms. */
  senderNow(): number;
  /** Draws a picture; the pipeline closes it. */
  draw(frame: VideoFrame): void;
  /** A picture was shown, or, in a stream without pictures, sound was played. */
  playing(): void;
  pictureRefused(reason: string): void;
  soundChanged(sound: StreamSound): void;
  /** The picture of these data is shown now. */
  data(unit: DataUnit): void;
  broke(error: Error): void;
}

/** Timed data of the stream: KLV, ID3, what a page's own experiment measures. */
export interface DataUnit extends TimedUnit {
  readonly pid: number;
  /** As FFmpeg spells it; `perch_data` for messages that came over an agent's WebSocket. */
  readonly format: string;
}

const LIPS_PERIOD = millis(500);

/** One stream from bytes to canvas and loudspeaker. A new one is made for each connection. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #demuxer: Demuxer;
  readonly #catchUp = new CatchUp();
  readonly #latency = new Latency();
  readonly #schedule: PictureSchedule<PictureFrame>;
  readonly #data: DataSchedule<DataUnit>;
  readonly #lips: Disposable;
  /** Of the program that is played: the first one, for as long as there is it. */
  #programNumber: number | undefined;
  #picture: { readonly stream: ElementaryStream; readonly track: Track<VideoFrame> } | undefined;
  #sound: { readonly stream: ElementaryStream; readonly track: Track<SoundChunk> } | undefined;
  #codecs: { video: string | undefined; audio: string | undefined } = { video: undefined, audio: undefined };
  #arrival: Arrival | undefined;
  /** The time of the picture that is on screen. */
  #shownPts: MediaMs | undefined;
  #decoded = 0;
  #shown = 0;
  #damaged = 0;

  constructor(options: PipelineOptions) {
    this.#options = options;
    const { clock, soundOut } = options;
    this.#demuxer = new Demuxer({
      onProgram: (program) => this.#follow(program),
      onProgramGone: (number) => {
        // What it was stays on screen until there is another.
        if (number === this.#programNumber) this.#programNumber = undefined;
      },
      onAccessUnit: (unit) => this.#take(unit),
      onDamage: () => {
        // Where a cache meets the live stream packets are missing or come twice; nothing is wrong.
        if (!this.#arrival?.replay) this.#damaged += 1;
      },
    });
    this.#schedule = new PictureSchedule<PictureFrame>({
      clock,
      catchUp: this.#catchUp,
      soundNow: () => (this.#sound ? soundOut.now : undefined),
      show: (picture) => this.#show(picture),
    });
    this.#data = new DataSchedule<DataUnit>({
      clock,
      mediaNow: () => (this.#picture ? this.#shownPts : soundOut.now),
      tell: (unit) => options.data(unit),
    });
    this.#lips = clock.every(LIPS_PERIOD, () => {
      const lateness = this.#schedule.takeLateness();
      if (lateness !== undefined) soundOut.follow(lateness);
    });
  }

  get figures() {
    return {
      framesDecoded: this.#decoded,
      framesShown: this.#shown,
      framesDropped: this.#schedule.dropped,
      framesHeld: this.#schedule.held,
      damaged: this.#damaged,
      latency: this.#latency.latency,
      codecs: this.#codecs,
    };
  }

  /** Takes bytes as they came. */
  push(arrival: Arrival): void {
    this.#arrival = arrival;
    this.#demuxer.push(arrival.bytes);
  }

  close(): void {
    this.#lips[Symbol.dispose]();
    this.#picture?.track.close();
    this.#sound?.track.close();
    this.#schedule.clear();
    this.#data.clear();
    this.#options.soundOut.clear();
  }

  /** The program is new or has changed. What goes on in it goes on; the last picture stays until the next is ready. */
  #follow(program: Program): void {
    this.#programNumber ??= program.number;
    if (program.number !== this.#programNumber) return;
    const picture = program.streams.find((stream) => stream.class === 'video');
    const sound = program.streams.find((stream) => stream.class === 'audio');
    if (picture?.pid !== this.#picture?.stream.pid || !sameCodec(picture, this.#picture?.stream)) {
      this.#picture?.track.close();
      this.#schedule.clear();
      this.#codecs = { ...this.#codecs, video: undefined };
      this.#picture = picture && { stream: picture, track: this.#pictureTrack(picture) };
    }
    if (sound?.pid !== this.#sound?.stream.pid || !sameCodec(sound, this.#sound?.stream)) {
      this.#sound?.track.close();
      this.#options.soundOut.clear();
      this.#codecs = { ...this.#codecs, audio: undefined };
      this.#sound = sound && { stream: sound, track: this.#soundTrack(sound) };
      if (!sound || typeof sound.codec === 'string')
        this.#options.soundChanged({ kind: sound ? 'playable' : 'none' });
    }
  }

  #pictureTrack(stream: ElementaryStream): Track<VideoFrame> {
    const { loadSoftware, pictureRefused: refused, broke } = this.#options;
    if (typeof stream.codec !== 'string') refused(pictureRefused(stream.codec.unknown));
    return new Track<VideoFrame>({
      open: pictureOpener(loadSoftware),
      beginsAnywhere: false,
      decoded: (frame) => {
        this.#decoded += 1;
        this.#schedule.push(new PictureFrame(frame));
      },
      refused,
      broke,
    });
  }

  #soundTrack(stream: ElementaryStream): Track<SoundChunk> {
    const { loadSoftware, soundOut, soundChanged, broke } = this.#options;
    if (typeof stream.codec !== 'string')
      soundChanged({ kind: 'unsupported', reason: soundRefused(stream.codec.unknown) });
    return new Track<SoundChunk>({
      open: soundOpener(loadSoftware),
      beginsAnywhere: true,
      decoded: (chunk) => soundOut.play(chunk),
      refused: (reason) => soundChanged({ kind: 'unsupported', reason }),
      broke,
    });
  }

  #take(unit: AccessUnit): void {
    if (unit.pid === this.#picture?.stream.pid) this.#takePicture(unit, this.#picture.track);
    else if (unit.pid === this.#sound?.stream.pid) this.#takeSound(unit, this.#sound.track);
    else if (unit.class === 'data') this.#takeData(unit);
  }

  #takeData(unit: AccessUnit): void {
    // What comes out of a cache belongs to pictures that were never shown.
    if (this.#arrival?.replay || this.#catchUp.isBurst(this.#options.clock.now())) return;
    const { pid, pts, data } = unit;
    this.#data.push({ pid, format: codecName(unit.codec), pts: fromTicks90k(pts), bytes: data.slice() });
  }

  #takePicture(unit: AccessUnit, track: Track<VideoFrame>): void {
    this.#codecs.video = codecName(unit.codec);
    if (!track.feed(unit)) return;
    const pts = fromTicks90k(unit.pts);
    const now: Millis = this.#options.clock.now();
    this.#catchUp.fed({ pts, dts: fromTicks90k(unit.dts) }, now, this.#arrival?.replay ?? false);
    if (this.#arrival?.capturedAt !== undefined && !this.#arrival.replay)
      this.#latency.arrived(pts, this.#arrival.capturedAt);
  }

  #takeSound(unit: AccessUnit, track: Track<SoundChunk>): void {
    this.#codecs.audio = codecName(unit.codec);
    if (!this.#picture && !this.#arrival?.replay) this.#options.playing();
    if (!this.#options.soundOut.isOn) {
      track.restart();
      return;
    }
    // Sound out of a cache is too old to be heard; its live part follows at once.
    if (this.#arrival?.replay || this.#catchUp.isBurst(this.#options.clock.now())) return;
    track.feed(unit);
  }

  #show(picture: PictureFrame): void {
    this.#shown += 1;
    this.#shownPts = picture.pts;
    this.#options.draw(picture.frame);
    picture.close();
    this.#latency.shown(picture.pts, this.#options.senderNow());
    this.#options.playing();
    this.#data.run();
  }
}

const sameCodec = (a: ElementaryStream | undefined, b: ElementaryStream | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && codecName(a.codec) === codecName(b.codec));
