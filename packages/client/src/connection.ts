import { bearerProtocol, closeCodes, isRefusal, limits } from '@perch/protocol';
import { Backoff, type Clock, Emitter, type Millis, millis, type Timer } from '@perch/runtime';
import { ClientError } from './errors.ts';
import { openSession } from './session.ts';
import type { FetchLike, OpenSocket, SocketLike } from './socket.ts';
import { parseUrl, type UrlLike } from './url.ts';

/** Where a connection stands. */
export type ConnectionState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting'; readonly attempt: number }
  | { readonly kind: 'open'; readonly since: Millis; readonly protocol: string }
  /** Between two tries; `error` is why the last one failed or ended. */
  | { readonly kind: 'waiting'; readonly attempt: number; readonly nextTryAt: Millis; readonly error: Error }
  | { readonly kind: 'closed'; readonly reason: string };

/** What a {@link Connection} tells, in the order in which it happens. */
export interface ConnectionEvents {
  state: ConnectionState;
  /** The socket is open (and the greeting, if any, accepted). It stays the connection's: do not close it. */
  open: SocketLike;
  /** One WebSocket message, text or binary, as it came. */
  message: string | Uint8Array;
}

/** The older `vw` handshake: a first frame, and a look at its answer (COMPAT 1.7). */
export interface Greeting {
  readonly send: string;
  /** Throws where the answer is no welcome. */
  accept(answer: string | Uint8Array): void;
}

/** Where a {@link Connection} goes, how often it tries, and the platform that it is given. */
export interface ConnectionOptions {
  /** `ws(s)://…` is dialled as it is; `http(s)://…/session/…` is asked for a new one-time address at each try. */
  readonly url: string | UrlLike;
  /**
   * The token, asked for at each try. An http(s) address is posted to with it; to a ws(s) address it goes as a
   * subprotocol behind the others, never as a part of the address.
   */
  readonly token?: () => string | undefined;
  /** Subprotocols to offer, first choice first. Default none. */
  readonly protocols?: readonly string[];
  readonly greeting?: Greeting;
  readonly openSocket: OpenSocket;
  readonly fetch: FetchLike;
  readonly clock: Clock;
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  /** How long a try may take, asked for at each. Default `limits.dialTimeout`. */
  readonly dialTimeout?: () => Millis;
}

/**
 * Keeps one WebSocket to a topic. After a failure it waits 1, 2, 4, 8, 10, 10 … s ± 25 %; after a connection that
 * lived at least 5 s and was not refused it dials again at once (COMPAT V12), after one whose place another publisher took
 * (4409) in a minute, then two, four … up to an hour, so that two do not fight. Starts with `start`, ends with `close`.
 */
export class Connection implements AsyncDisposable {
  readonly events = new Emitter<ConnectionEvents>();
  /** Resolves with the reason once closed; never rejects. */
  readonly closed: Promise<string>;

  readonly #options: ConnectionOptions;
  readonly #backoff: Backoff;
  readonly #url: string;
  #state: ConnectionState = { kind: 'idle' };
  #attempt = 0;
  /** How often in a row another publisher took our place. */
  #replaced = 0;
  #socket: SocketLike | undefined;
  #timer: Timer | undefined;
  #resolveClosed: (reason: string) => void = () => undefined;

  /** @throws {TypeError} unless the address is ws, wss, http or https without user name or password. */
  constructor(options: ConnectionOptions) {
    const url = parseUrl(options.url);
    if (!/^(wss?|https?):$/.test(url.protocol)) {
      throw new TypeError(`url: ${url.protocol}// is not ws://, wss://, http:// or https://`);
    }
    if (url.username || url.password)
      throw new TypeError('url: user name and password are not allowed in it');
    this.#url = url.href;
    this.#options = options;
    this.#backoff = new Backoff(options.random ? { random: options.random } : {});
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The open socket, for its `bufferedAmount`. */
  get socket(): SocketLike | undefined {
    return this.#state.kind === 'open' ? this.#socket : undefined;
  }

  /** Begins to connect. Does nothing once started. */
  start(): void {
    if (this.#state.kind === 'idle') this.#try();
  }

  /** @returns false where nothing was sent, because the connection is not open now. */
  send(data: string | Uint8Array): boolean {
    const socket = this.socket;
    if (socket?.readyState !== 1) return false;
    socket.send(data);
    return true;
  }

  /** Drops what is open or being waited for and dials at once: for whoever knows that the line is dead. */
  reconnect(): void {
    if (this.#state.kind === 'idle' || this.#state.kind === 'closed') return;
    this.#drop(1000, 'reconnect');
    this.#backoff.reset();
    this.#try();
  }

  /** Closes with 1000. Resolves when the socket is gone, or after 2 s without the peer's answer. Idempotent. */
  async close(reason = 'closed'): Promise<void> {
    if (this.#state.kind === 'closed') return void (await this.closed);
    this.#timer?.cancel();
    const socket = this.#socket;
    this.#socket = undefined;
    this.#set({ kind: 'closed', reason });
    if (socket && socket.readyState !== 3) {
      await new Promise<void>((resolve) => {
        const late = this.#options.clock.after(millis(2_000), resolve);
        socket.addEventListener('close', () => {
          late.cancel();
          resolve();
        });
        closeQuietly(socket, 1000, reason);
      });
    }
    this.#resolveClosed(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #set(state: ConnectionState): void {
    this.#state = state;
    this.events.emit('state', state);
  }

  #try(): void {
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#set({ kind: 'connecting', attempt });
    // The promise never rejects: each failure ends in #failed.
    void this.#address().then(
      (address) => this.#isCurrent(attempt) && this.#dial(address, attempt),
      (error: Error) => this.#isCurrent(attempt) && this.#failed(error),
    );
    const most = this.#options.dialTimeout?.() ?? limits.dialTimeout;
    this.#timer = this.#options.clock.after(most, () => {
      this.#drop(1000, 'timeout');
      this.#failed(
        new ClientError('dial-timeout', `no answer from ${parseUrl(this.#url).host} in ${most / 1000} s`),
      );
    });
  }

  #isCurrent(attempt: number): boolean {
    return this.#state.kind === 'connecting' && this.#attempt === attempt;
  }

  async #address(): Promise<string> {
    if (this.#url.startsWith('ws')) return this.#url;
    return openSession({ url: this.#url, token: this.#options.token?.(), fetch: this.#options.fetch });
  }

  #protocols(): readonly string[] {
    const { protocols = [], token } = this.#options;
    const secret = this.#url.startsWith('ws') ? token?.() : undefined;
    if (secret === undefined) return protocols;
    // Something must be there to be chosen, or a browser gives up; `null` is what every older relay knows.
    return [...(protocols.length > 0 ? protocols : ['null']), bearerProtocol(secret)];
  }

  #dial(address: string, attempt: number): void {
    let socket: SocketLike;
    try {
      socket = this.#options.openSocket(address, this.#protocols());
    } catch (cause) {
      this.#failed(new ClientError('dial-failed', `cannot dial: ${(cause as Error).message}`, { cause }));
      return;
    }
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    const mine = () => this.#socket === socket;
    let lastError: unknown;
    let greeting = this.#options.greeting;
    const opened = () => {
      this.#timer?.cancel();
      this.#set({ kind: 'open', since: this.#options.clock.now(), protocol: socket.protocol });
      this.events.emit('open', socket);
    };
    socket.addEventListener('open', () => {
      if (!mine()) return;
      if (greeting) socket.send(greeting.send);
      else opened();
    });
    socket.addEventListener('message', ({ data }) => {
      if (!mine()) return;
      const message = typeof data === 'string' ? data : toBytes(data);
      if (!greeting) return this.events.emit('message', message);
      try {
        greeting.accept(message);
        greeting = undefined;
      } catch (cause) {
        this.#drop(1000, 'not authorised');
        this.#failed(new ClientError('not-authorised', (cause as Error).message, { cause }));
        return;
      }
      opened();
    });
    socket.addEventListener('error', (event) => {
      // `close` always follows and carries on from here.
      lastError = (event as { error?: unknown }).error ?? (event as { message?: unknown }).message;
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (!mine()) return;
      this.#socket = undefined;
      if (this.#isCurrent(attempt)) {
        const why = lastError instanceof Error ? lastError.message : reason || `close code ${code}`;
        this.#failed(
          new ClientError('dial-failed', `${parseUrl(address).host} did not open a WebSocket: ${why}`, {
            cause: lastError,
            status: code,
          }),
        );
      } else {
        this.#ended(code, reason);
      }
    });
  }

  /** An open connection ended. */
  #ended(code: number, reason: string): void {
    if (this.#state.kind !== 'open') return;
    const lived = this.#options.clock.now() - this.#state.since;
    if (lived >= limits.steadyAfter) this.#backoff.reset();
    if (lived >= limits.replacedPauseMost) this.#replaced = 0;
    if (lived >= limits.steadyAfter && !isRefusal(code)) {
      this.#try();
      return;
    }
    const words = reason ? `: ${reason}` : '';
    const error = new ClientError('connection-lost', `the other side closed with ${code}${words}`, {
      status: code,
    });
    // Two publishers that take each other's place at once would do it for ever.
    if (code === closeCodes.replaced) this.#failed(error, this.#replacedPause());
    else this.#failed(error);
  }

  #replacedPause(): Millis {
    const pause = limits.replacedPause * 2 ** this.#replaced;
    this.#replaced += 1;
    return millis(Math.min(pause, limits.replacedPauseMost));
  }

  #failed(error: Error, least = millis(0)): void {
    this.#timer?.cancel();
    const pause = millis(Math.max(least, this.#backoff.next()));
    const { clock } = this.#options;
    this.#timer = clock.after(pause, () => this.#try());
    this.#set({
      kind: 'waiting',
      attempt: this.#attempt,
      nextTryAt: millis(clock.now() + pause),
      error,
    });
  }

  #drop(code: number, reason: string): void {
    this.#timer?.cancel();
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket && socket.readyState < 2) closeQuietly(socket, code, reason);
  }
}

/** Closing a socket that is still connecting makes some implementations throw; it is given up all the same. */
function closeQuietly(socket: SocketLike, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // it was not open yet, and its owner has already let go of it
  }
}

function toBytes(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError('a WebSocket with binaryType "arraybuffer" gave something else');
}
