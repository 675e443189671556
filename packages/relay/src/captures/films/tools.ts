import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { type Clock, millis } from '@perch/runtime';
import { FilmError, STOPPED } from './errors.ts';
import { Queue } from './queue.ts';

/** So many run at once, of what somebody waits for and of what can wait; and so many may wait. */
const MOST = { atOnce: 2, waiting: 200 } as const;
/** Whatever takes longer is ended. */
const MOST_TIME = millis(600_000);
const MOST_OUTPUT_BYTES = 1024 * 1024;
/** What somebody waits for yields to live pictures, and what can wait yields to everything. */
const NICE = { urgent: 5, usual: 10 } as const;

/**
 * What a device sends is opened as one of these, and as nothing that names other files or addresses: a playlist that
 * calls itself `.mp4` would show files of this machine.
 */
const TIMED_CONTAINERS = 'mov,mpegts,matroska,flv';
const CONTAINERS = `${TIMED_CONTAINERS},avi,h264,hevc`;
/** Before each `-i` of a file that came from outside. */
export const guarded = ['-protocol_whitelist', 'file', '-format_whitelist', CONTAINERS] as const;
/** The same for those alone that say when each picture is shown. */
export const guardedTimed = ['-protocol_whitelist', 'file', '-format_whitelist', TIMED_CONTAINERS] as const;

/** How something is to be made. */
export interface Wish {
  readonly isUrgent?: boolean;
}

/** Runs ffmpeg and ffprobe: few at once, with low priority, and never for ever. */
export class Tools {
  readonly #clock: Clock;
  readonly #running = new Set<ChildProcess>();
  readonly #urgent = new Queue({ most: MOST });
  readonly #usual = new Queue({ most: MOST, mayBegin: () => this.#urgent.isEmpty });
  #isClosed = false;

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock;
  }

  /** Whether something more may wait without standing in anybody's way. */
  get isIdle(): boolean {
    return this.#usual.waiting < MOST.waiting / 4;
  }

  /**
   * Makes something.
   *
   * @param wish.isUrgent somebody waits for it: it is the next.
   * @throws {FilmError} with what ffmpeg says.
   */
  async ffmpeg(args: readonly string[], wish: Wish = {}): Promise<void> {
    await this.#inTurn(() => this.#run('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], wish), wish);
  }

  /** Whether all of a file decodes without a complaint. */
  async decodes(path: string): Promise<boolean> {
    const strict = [
      '-xerror',
      '-err_detect',
      'explode',
      ...guarded,
      '-i',
      path,
      '-map',
      '0:v',
      '-f',
      'null',
      '-',
    ];
    try {
      await this.ffmpeg(strict);
      return true;
    } catch (error) {
      if (error instanceof FilmError && error.code === 'media') return false;
      throw error;
    }
  }

  /** What a file is, as ffprobe's JSON. @throws {FilmError} where it is nothing. */
  async ffprobe(path: string, wish: Wish = {}): Promise<unknown> {
    const args = ['-v', 'error', ...guarded, '-of', 'json', '-show_format', '-show_streams', path];
    return JSON.parse(await this.#inTurn(() => this.#run('ffprobe', args, wish), wish));
  }

  /** Ends what runs. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#urgent.release();
    this.#usual.release();
    const ends = [...this.#running].map((child) => new Promise((resolve) => child.once('close', resolve)));
    for (const child of this.#running) child.kill('SIGKILL');
    await Promise.all(ends);
  }

  async #inTurn<T>(work: () => Promise<T>, { isUrgent = false }: Wish): Promise<T> {
    const queue = isUrgent ? this.#urgent : this.#usual;
    await queue.enter();
    try {
      if (this.#isClosed) throw STOPPED;
      return await work();
    } finally {
      queue.leave();
      // What can wait does not begin while somebody waits for something.
      if (isUrgent && this.#urgent.isEmpty) this.#usual.admit();
    }
  }

  #run(program: 'ffmpeg' | 'ffprobe', args: readonly string[], { isUrgent }: Wish): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      this.#running.add(child);
      let isStopped = false;
      const stop = () => {
        isStopped = true;
        child.kill('SIGKILL');
      };
      const end = this.#clock.after(MOST_TIME, stop);
      const output: Buffer[] = [];
      let bytes = 0;
      let words = '';
      child.stdout.on('data', (data: Buffer) => {
        bytes += data.byteLength;
        if (bytes > MOST_OUTPUT_BYTES) stop();
        else output.push(data);
      });
      child.stderr.on('data', (data: Buffer) => {
        if (words.length < 1_000) words += data.toString().slice(0, 1_000);
      });
      child.on('spawn', () => lowerPriority(child, isUrgent ? NICE.urgent : NICE.usual));
      child.on('error', (cause: NodeJS.ErrnoException) => {
        const message =
          cause.code === 'ENOENT'
            ? `${program} is not installed on the relay's machine. Install ffmpeg (Debian: apt install ffmpeg).`
            : `${program} cannot be run: ${cause.message}`;
        reject(new FilmError('tool', message, { cause }));
      });
      child.on('close', (code, signal) => {
        end.cancel();
        this.#running.delete(child);
        if (code === 0) resolve(Buffer.concat(output).toString());
        else if (isStopped || this.#isClosed) reject(STOPPED);
        else if (passing.test(words)) reject(new FilmError('busy', `not now: ${lastLine(words)}`));
        else reject(new FilmError('media', lastLine(words) || `${program} ended with ${code ?? signal}`));
      });
    });
  }
}

/** What is wrong with this machine, and with no film. */
const passing =
  /No space left on device|Cannot allocate memory|Too many open files|Resource temporarily unavailable/;

function lowerPriority({ pid }: ChildProcess, nice: number): void {
  try {
    if (pid !== undefined) setPriority(pid, nice);
  } catch {
    // it has ended already
  }
}

/** ffmpeg's last word is the reason. It may name paths of this machine, which nobody else is to know. */
const lastLine = (words: string): string =>
  (words.trim().split('\n').at(-1) ?? '')
    .replaceAll(/\/[^\s:]*\//g, '')
    .replaceAll(/\p{Cc}/gu, ' ')
    .slice(0, 300);
