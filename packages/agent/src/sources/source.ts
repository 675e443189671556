import { type ChildProcess, spawn } from 'node:child_process';
import { Backoff, type Clock, type Logger, type Millis, millis, type Timer } from '@perch/runtime';
import { startError, withParentDeath } from './child.ts';

/** A process that the agent runs and keeps running, to produce a feed. */
export interface SourceOptions {
  /** What it is called in logs and statistics. */
  readonly name: string;
  /** The feed that it posts to. */
  readonly feed: string;
  /** Program and arguments, given the address to post to. */
  command(publishUrl: string): readonly string[];
}

/** Where a source stands. */
export type SourceState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly pid: number; readonly since: Millis }
  /** It died, or could not be started; `error` says how. */
  | { readonly kind: 'waiting'; readonly attempt: number; readonly nextTryAt: Millis; readonly error: string }
  /** We closed it. */
  | { readonly kind: 'closed' };

/** So many of the last lines that it said are kept, so long each. */
const LINES = 20;
const LINE_CHARS = 500;

/** A process that lived this long was well: the next pause is short again. */
const WELL_AFTER = 30_000;

/** How long a process may take to end by itself. */
const GRACE = millis(2_000);

/**
 * Supervises one child process: started again after a pause when it ends, never left behind when the agent ends,
 * however the agent ends. Can be closed at any time, in the pause too.
 */
export class Source implements AsyncDisposable {
  readonly name: string;
  readonly feed: string;
  readonly #command: readonly string[];
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #backoff: Backoff;
  #state: SourceState = { kind: 'idle' };
  #child: ChildProcess | undefined;
  #timer: Timer | undefined;
  #attempt = 0;
  #lines: string[] = [];

  constructor(
    options: SourceOptions & { readonly publishUrl: string; readonly clock: Clock; readonly logger: Logger },
  ) {
    this.name = options.name;
    this.feed = options.feed;
    this.#command = options.command(options.publishUrl);
    this.#clock = options.clock;
    this.#logger = options.logger.child({ source: options.name });
    this.#backoff = new Backoff();
    if (!this.#command[0]) throw new TypeError(`sources: "${options.name}" has an empty command`);
  }

  get state(): SourceState {
    return this.#state;
  }

  /** How often it was started again. */
  get restarts(): number {
    return Math.max(0, this.#attempt - 1);
  }

  /** The last that it wrote to stderr. */
  get lastLines(): readonly string[] {
    return this.#lines;
  }

  /** Starts it. Does nothing once started. */
  start(): void {
    if (this.#state.kind === 'idle') this.#spawn();
  }

  /** Ends the process, politely and then not. Resolves when it is gone. Idempotent. */
  async close(): Promise<void> {
    if (this.#state.kind === 'closed') return;
    this.#state = { kind: 'closed' };
    this.#timer?.cancel();
    const child = this.#child;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.kill('SIGTERM');
    using _late = this.#clock.after(GRACE, () => child.kill('SIGKILL'));
    await gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #spawn(): void {
    this.#attempt += 1;
    const since = this.#clock.now();
    const [program = '', ...args] = withParentDeath(this.#command);
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    child.on('spawn', () => {
      this.#logger.info('source started', { pid: child.pid, feed: this.feed });
    });
    if (child.pid !== undefined) this.#state = { kind: 'running', pid: child.pid, since };
    let failed: string | undefined;
    child.on('error', (error) => {
      failed = startError(this.#command[0] ?? '', error);
      if (child.pid === undefined) this.#ended(failed, since);
    });
    child.on('close', (code, signal) => {
      if (child.pid !== undefined) this.#ended(failed ?? this.#howItEnded(code, signal), since);
    });
  }

  #ended(error: string, since: Millis): void {
    if (this.#state.kind === 'closed') return;
    if (this.#clock.now() - since >= WELL_AFTER) this.#backoff.reset();
    const pause = this.#backoff.next();
    this.#state = {
      kind: 'waiting',
      attempt: this.#attempt,
      nextTryAt: millis(this.#clock.now() + pause),
      error,
    };
    this.#logger.warn('source ended, it will be started again', { error, inMs: Math.round(pause) });
    this.#timer = this.#clock.after(pause, () => this.#spawn());
  }

  #howItEnded(code: number | null, signal: NodeJS.Signals | null): string {
    const how = signal ? `killed by ${signal}` : `exit code ${code}`;
    // 127 is what setpriv and shells give for a program that does not exist.
    if (code === 127)
      return startError(this.#command[0] ?? '', Object.assign(new Error(how), { code: 'ENOENT' }));
    const last = this.#lines.at(-1);
    return last ? `${how}: ${last}` : how;
  }

  #keep(text: string): void {
    const lines = text.split(/[\r\n]+/).filter((line) => line.trim() !== '');
    this.#lines = [...this.#lines, ...lines.map((line) => line.slice(0, LINE_CHARS))].slice(-LINES);
  }
}
