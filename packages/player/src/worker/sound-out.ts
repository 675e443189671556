import { type Clock, type Millis, millis } from '@perch/runtime';
import { type MediaMs, mediaMs } from '../sync/media-time.ts';
import type { PlayoutReport } from '../sync/playout.ts';
import { SoundClock } from '../sync/sound-clock.ts';
import type { SoundChunk } from '../sync/sound-ring.ts';
import type { FromWorklet, ToWorklet } from '../worklet/messages.ts';

/** Sound is never kept back for its picture by more than this. */
const MOST_EXTRA_MS = 300;
/** Which part of the picture's lateness is corrected at each look. */
const CORRECTION = 0.3;

/** The worker's side of the sound: sends chunks to the worklet, and knows from its reports what is heard now. */
export class SoundOut {
  readonly #clock: Clock;
  readonly #soundClock = new SoundClock();
  #port: MessagePort | undefined;
  #on = false;
  #outputLatency: Millis = millis(0);
  #extra = 0;
  #report: PlayoutReport | undefined;
  #level = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The worklet's end of the channel. */
  connect(port: MessagePort): void {
    this.#port?.close();
    this.#port = port;
    port.onmessage = (event: MessageEvent<FromWorklet>) => this.#take(event.data);
  }

  /** Whether sound is heard, and how long the device takes to make what it is handed audible. */
  set(on: boolean, outputLatency: Millis): void {
    this.#outputLatency = outputLatency;
    if (on === this.#on) return;
    this.#on = on;
    this.clear();
  }

  get isOn(): boolean {
    return this.#on && this.#port !== undefined;
  }

  /** What is heard now, or undefined where nothing is. */
  get now(): MediaMs | undefined {
    if (!this.#on) return undefined;
    const handed = this.#soundClock.at(this.#clock.now());
    return handed === undefined ? undefined : mediaMs(handed - this.#outputLatency);
  }

  /** The last report while sound is on. */
  get report(): PlayoutReport | undefined {
    return this.#on ? this.#report : undefined;
  }

  /** The loudest level reported since this was asked last. */
  takeLevel(): number {
    const level = this.#level;
    this.#level = 0;
    return level;
  }

  play(chunk: SoundChunk): void {
    this.#send(
      { type: 'chunk', chunk },
      chunk.planes.map((plane) => plane.buffer as ArrayBuffer),
    );
  }

  /** The picture came so late after its sound (negative: early): keep the sound back by as much, in small steps. */
  follow(pictureLatenessMs: number): void {
    const extra = Math.min(MOST_EXTRA_MS, Math.max(0, this.#extra + CORRECTION * pictureLatenessMs));
    if (Math.abs(extra - this.#extra) < 1) return;
    this.#extra = extra;
    this.#send({ type: 'extra', ms: extra });
  }

  /** What comes next does not continue what came before. */
  clear(): void {
    this.#soundClock.clear();
    this.#report = undefined;
    this.#level = 0;
    this.#send({ type: 'clear' });
  }

  close(): void {
    this.#port?.close();
    this.#port = undefined;
  }

  #take(report: FromWorklet): void {
    this.#report = report;
    this.#level = Math.max(this.#level, report.level);
    this.#soundClock.report(this.#clock.now(), report.position, report.isPlaying ? report.rate : 0);
  }

  #send(message: ToWorklet, transfer: Transferable[] = []): void {
    this.#port?.postMessage(message, transfer);
  }
}
