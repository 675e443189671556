import { limits } from '@perch/protocol';
import { Backoff, type Clock, type Logger, type Millis, millis, sleep } from '@perch/runtime';
import type { WebSocket } from 'ws';
import type { Spool } from '../spool/index.ts';
import { Pace } from './pace.ts';
import { type SessionEnd, type SessionOptions, type UploadCounts, UploadSession } from './session.ts';

/** Where captures go and how. */
export interface UploaderOptions {
  readonly spool: Spool;
  /** Begins a connection to the relay with the subprotocol `perch.captures.1`. What fails before throws. */
  readonly dial: () => WebSocket | Promise<WebSocket>;
  /** Bytes per second. Default: no limit. */
  readonly mostPerSecond?: number;
  /** How long live video that leaves by the same line waits, in ms. */
  readonly liveDelay?: () => number;
  /** Makes what speaks over a connection. Default: `perch.captures.1`. */
  readonly speak?: (options: SessionOptions) => Session;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1), for the pauses between tries. Default `Math.random`. */
  readonly random?: () => number;
}

/** What speaks over one connection. */
export interface Session {
  start(): void;
  /** Resolves when the connection is over and what did not arrive waits again. */
  readonly closed: Promise<SessionEnd>;
  close(): Promise<void>;
  /** What is on its way. */
  dump(): object[];
}

/** How the upload stands. */
export type UploaderState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open'; readonly since: Millis }
  | { readonly kind: 'waiting'; readonly reason: string; readonly tryInMs: number }
  | { readonly kind: 'closed' };

const PAUSE = millis(1_000);
const LONGEST_PAUSE = millis(60_000);

/** Sends what is in the spool to the relay, over one connection after the other, for as long as it lives. */
export class Uploader implements AsyncDisposable {
  readonly #options: UploaderOptions;
  readonly #pace: Pace;
  readonly #ending = new AbortController();
  readonly #counts: UploadCounts = { bytes: 0, repeated: 0, persisted: 0, again: 0, refused: 0 };
  readonly #reached = new Map<string, number>();
  #state: UploaderState = { kind: 'connecting' };
  #session: Session | undefined;
  #running: Promise<void> | undefined;

  constructor(options: UploaderOptions) {
    this.#options = options;
    const { clock, mostPerSecond, liveDelay } = options;
    this.#pace = new Pace({
      clock,
      ...(mostPerSecond !== undefined && { mostPerSecond }),
      ...(liveDelay && { liveDelay }),
    });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  get state(): UploaderState {
    return this.#state;
  }

  dump() {
    return { state: this.#state, ...this.#counts, onTheWay: this.#session?.dump() ?? [] };
  }

  /** Ends the connection; what was not persisted waits in the spool. Idempotent. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#session?.close();
    await this.#running;
    this.#state = { kind: 'closed' };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const { clock, logger, random } = this.#options;
    const { signal } = this.#ending;
    const backoff = new Backoff({ first: PAUSE, most: LONGEST_PAUSE, ...(random && { random }) });
    let said = '';
    while (!signal.aborted) {
      this.#state = { kind: 'connecting' };
      const { reason, wasUseful } = await this.#connection();
      if (signal.aborted) return;
      if (wasUseful) backoff.reset();
      const pause = backoff.next();
      if (reason !== said) logger.warn('captures wait: the relay cannot be reached', { reason });
      said = reason;
      this.#state = { kind: 'waiting', reason, tryInMs: Math.round(pause) };
      await sleep(clock, pause, signal).catch(() => {
        // closed in the pause
      });
    }
  }

  async #connection(): Promise<{ readonly reason: string; readonly wasUseful: boolean }> {
    const { clock, logger, spool, speak } = this.#options;
    let socket: WebSocket;
    try {
      socket = await this.#open();
    } catch (error) {
      return { reason: (error as Error).message, wasUseful: false };
    }
    const options: SessionOptions = {
      socket,
      spool,
      pace: this.#pace,
      counts: this.#counts,
      reached: this.#reached,
      clock,
      logger,
    };
    const session = speak?.(options) ?? new UploadSession(options);
    this.#session = session;
    this.#state = { kind: 'open', since: clock.now() };
    session.start();
    if (this.#ending.signal.aborted) void session.close();
    const { code, reason, wasUseful } = await session.closed;
    this.#session = undefined;
    return { reason: `the connection ended with ${code}${reason === '' ? '' : ` (${reason})`}`, wasUseful };
  }

  /** @throws where it does not open in time. */
  async #open(): Promise<WebSocket> {
    const { dial, clock } = this.#options;
    const { signal } = this.#ending;
    const socket = await dial();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (words: string) => {
      reject(new Error(words));
      socket.terminate();
    };
    const onAbort = () => fail('closing');
    const late = clock.after(limits.dialTimeout, () => fail('the relay did not answer in time'));
    // `error` comes before `close`, and later ones are followed by it too.
    socket.on('error', reject);
    socket.once('open', () => {
      socket.pause();
      resolve();
    });
    socket.once('close', () => reject(new Error('the connection was closed at once')));
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    try {
      await promise;
      return socket;
    } finally {
      late.cancel();
      signal.removeEventListener('abort', onAbort);
    }
  }
}
