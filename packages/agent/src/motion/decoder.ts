import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { type AccessUnit, Demuxer } from '@perch/mpegts';
import { Backoff, type Clock, type Logger, type Millis, type Timer } from '@perch/runtime';
import { startError, withParentDeath } from '../sources/child.ts';
import { motionLimits } from './limits.ts';
import { PICTURE } from './picture.ts';

/** Pictures are decoded so far apart at least, in seconds: five in a second, whatever the camera's rate. */
const APART = 0.19;
/** Behind everything else that the machine does. */
const NICE = 10;
const LINE_CHARS = 500;

/** Where a decoder stands. */
export type DecoderState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly pid: number }
  | { readonly kind: 'waiting'; readonly error: string }
  | { readonly kind: 'closed' };

export interface DecoderOptions {
  /** For logs. */
  readonly feed: string;
  /** A small gray picture, {@link PICTURE} large, that is the receiver's, and its PTS as in the stream, modulo 2^33. */
  onPicture(pixels: Uint8Array, pts: number): void;
  /** Default: ffmpeg. */
  readonly command?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Makes small gray pictures of a transport stream: one ffmpeg, behind everything else that the machine does. It never
 * holds the stream up: when it is behind, it leaves out everything up to the next random access point. It is started
 * with the first one, and again after a pause when it dies or says nothing; `rest` ends it until more comes.
 */
export class Decoder implements AsyncDisposable {
  readonly #options: DecoderOptions;
  readonly #backoff = new Backoff();
  readonly #watchdog: Timer;
  readonly #leaving = new Set<Promise<void>>();
  #state: DecoderState = { kind: 'idle' };
  #child: ChildProcess | undefined;
  #timer: Timer | undefined;
  #isBehind = true;
  #startedAt: Millis;
  #seenAt: Millis;
  #restarts = 0;
  #dropped = 0;

  constructor(options: DecoderOptions) {
    this.#options = options;
    const { clock } = options;
    this.#startedAt = clock.now();
    this.#seenAt = this.#startedAt;
    this.#watchdog = clock.every(motionLimits.decoderSilence, () => this.#lookAtIt());
  }

  get state(): DecoderState {
    return this.#state;
  }

  /** How often it died, or was started anew because it said nothing. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Bytes that were left out because it was behind. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The next message. @param begins it is a random access point with its tables. Returns at once. */
  push(bytes: Uint8Array, begins: boolean): void {
    if (this.#state.kind === 'idle' && begins) this.#start();
    const stdin = this.#state.kind === 'running' ? this.#child?.stdin : undefined;
    if (!stdin?.writable) return;
    const waiting = stdin.writableLength;
    if (begins && waiting < motionLimits.decoderBytes / 2) this.#isBehind = false;
    if (waiting + bytes.length > motionLimits.decoderBytes) this.#isBehind = true;
    if (this.#isBehind) this.#dropped += bytes.length;
    else stdin.write(bytes);
  }

  /** Nothing comes for now: the process ends. What comes later starts another. */
  rest(): void {
    if (this.#state.kind === 'closed') return;
    this.#timer?.cancel();
    this.#state = { kind: 'idle' };
    this.#end();
  }

  /** Resolves when the process is gone. Idempotent. */
  async close(): Promise<void> {
    this.#state = { kind: 'closed' };
    this.#watchdog.cancel();
    this.#timer?.cancel();
    this.#end();
    await Promise.all(this.#leaving);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(): void {
    const { clock, logger, feed, command = ffmpeg } = this.#options;
    this.#startedAt = clock.now();
    this.#seenAt = this.#startedAt;
    this.#isBehind = true;
    const [program = '', ...args] = withParentDeath(command);
    const child = spawn(program, args, { stdio: 'pipe' });
    this.#child = child;
    if (child.pid !== undefined) {
      this.#state = { kind: 'running', pid: child.pid };
      bePolite(child.pid);
    }
    let said = '';
    let failed: string | undefined;
    const demuxer = new Demuxer({ onAccessUnit: (unit) => this.#take(child, unit) });
    child.stdout.on('data', (bytes: Buffer) => demuxer.push(bytes));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-LINE_CHARS);
    });
    // It has closed its input: `close` follows and says why.
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => {
      failed = startError(command[0] ?? '', error);
      if (child.pid === undefined) this.#died(child, failed);
    });
    child.on('close', (code, signal) => {
      if (child.pid === undefined) return;
      const how = signal ? `killed by ${signal}` : `exit code ${code}`;
      const last = said.trim().split('\n').at(-1);
      const missing = Object.assign(new Error(how), { code: 'ENOENT' });
      // 127 is what setpriv gives for a program that does not exist.
      const why = code === 127 ? startError(command[0] ?? '', missing) : last ? `${how}: ${last}` : how;
      this.#died(child, failed ?? why);
    });
    logger.debug('motion: decoder started', { feed, pid: child.pid });
  }

  #take(child: ChildProcess, { data, pts }: AccessUnit): void {
    if (child !== this.#child || data.length !== PICTURE.pixels) return;
    this.#seenAt = this.#options.clock.now();
    this.#options.onPicture(data, pts);
  }

  #died(child: ChildProcess, error: string): void {
    if (child !== this.#child || this.#state.kind === 'closed' || this.#state.kind === 'idle') return;
    const { clock, logger, feed } = this.#options;
    this.#child = undefined;
    this.#restarts += 1;
    if (clock.now() - this.#startedAt >= motionLimits.decoderWell) this.#backoff.reset();
    const pause = this.#backoff.next();
    this.#state = { kind: 'waiting', error };
    logger.warn('motion: the decoder ended, it will be started again', {
      feed,
      error,
      inMs: Math.round(pause),
    });
    this.#timer = clock.after(pause, () => {
      this.#state = { kind: 'idle' };
    });
  }

  /** One that is fed and gives nothing is killed; `close` then starts another. */
  #lookAtIt(): void {
    const { clock, logger, feed } = this.#options;
    if (this.#state.kind !== 'running') return;
    if (clock.now() - this.#seenAt < motionLimits.decoderSilence) return;
    logger.warn('motion: no picture could be decoded, the decoder is started anew', { feed });
    this.#child?.kill('SIGKILL');
  }

  #end(): void {
    const child = this.#child;
    this.#child = undefined;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.stdin?.destroy();
    child.kill('SIGTERM');
    const late = this.#options.clock.after(motionLimits.decoderGrace, () => child.kill('SIGKILL'));
    const left: Promise<void> = gone.then(() => {
      late.cancel();
      this.#leaving.delete(left);
    });
    this.#leaving.add(left);
  }
}

/** Its threads are made later and inherit it. */
function bePolite(pid: number): void {
  try {
    setPriority(pid, NICE);
  } catch {
    // it has ended already, which `close` tells
  }
}

/** Raw pictures travel as the private data of a transport stream, so that each comes with its PTS. */
const ffmpeg: readonly string[] = [
  ...['ffmpeg', '-hide_banner', '-loglevel', 'error', '-threads', '1'],
  // Begins with what little there is: the tables and a key picture are enough.
  ...['-probesize', '32k', '-analyzeduration', '1'],
  // Time stamps stay as they are, also where they begin anew from 0 after 26.5 hours.
  ...['-copyts', '-correct_ts_overflow', '0', '-f', 'mpegts', '-i', 'pipe:0'],
  ...['-map', '0:v:0', '-vf'],
  `select='isnan(prev_selected_t)+gte(t-prev_selected_t,${APART})+lt(t,prev_selected_t)',` +
    `scale=${PICTURE.width}:${PICTURE.height}:flags=area,format=gray`,
  ...['-c:v', 'rawvideo', '-f', 'mpegts', '-mpegts_copyts', '1', '-muxdelay', '0', '-muxpreload', '0'],
  ...['-flush_packets', '1', 'pipe:1'],
];
