import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { PERCH_1, type TopicPath } from '@perch/protocol';
import { type Clock, type Logger, millis, type Timer } from '@perch/runtime';
import type { WebSocket } from 'ws';
import type { Refusals } from '../audit/refusals.ts';
import { authorization } from '../auth/gate.ts';
import type { Connection } from '../connection.ts';
import type { Topics } from '../topics.ts';
import { whenItIs } from '../when-it-is.ts';
import { authMessage, type CrossbarTokens, type CrossbarVerdict, crossbarPath } from './crossbar-token.ts';

/** A client that was let in to show its token has this long to do so. */
const TOKEN_WAIT = millis(10_000);
/** Before its first token is accepted it may send no more than this. */
const MOST_BYTES_BEFORE = 16 * 1024;
/** So many may be waited for at a time. */
const MOST_STRANGERS = 1_000;
/** Whoever was denied and does not hang up is cut off after this. */
const PATIENCE = millis(1_000);

export interface TokenFirstOptions {
  readonly tokens: CrossbarTokens;
  readonly topics: Topics;
  readonly refusals: Refusals;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A client that came without any right, after the handshake. */
export interface Arrived {
  readonly connection: Connection;
  readonly webSocket: WebSocket;
  readonly socket: Duplex;
  readonly path: TopicPath;
}

/**
 * crossbar's way in (COMPAT 2.5): the handshake is made for anybody, the first message is a token, and until it is
 * accepted nothing is heard and nothing is published. When the token ends the connection stays, silent both ways, and
 * its next message is taken for a new token. Whoever is denied is told why, and the line ends without a close frame.
 */
export class TokenFirst {
  readonly #options: TokenFirstOptions;
  /** Those whose first token is waited for. */
  readonly #strangers = new Set<Guest>();

  constructor(options: TokenFirstOptions) {
    this.#options = options;
  }

  /**
   * Whether this is how a client without any other right may come in: on crossbar's paths, raw, with nothing in
   * `Authorization` or among the subprotocols. `perch.1` has better ways (docs/reference/wire.md).
   */
  expects(path: TopicPath, headers: IncomingHttpHeaders): boolean {
    const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
    return path.kind !== 'session' && authorization(headers) === undefined && !offered.includes(PERCH_1);
  }

  get hasRoom(): boolean {
    return this.#strangers.size < MOST_STRANGERS;
  }

  begin(arrived: Arrived): void {
    const guest: Guest = new Guest({
      ...this.#options,
      arrived,
      onKnown: () => void this.#strangers.delete(guest),
    });
    this.#strangers.add(guest);
    guest.begin();
  }
}

/** One client that shows tokens by message. */
class Guest {
  readonly #options: TokenFirstOptions;
  readonly #arrived: Arrived;
  readonly #path: string;
  readonly #onKnown: () => void;
  readonly #cap: (chunk: Buffer) => void;
  /** The one thing that is waited for: the token, its end, or the peer's hanging up. */
  #timer: Timer | undefined;
  #bytesBefore = 0;
  #isStranger = true;

  constructor(options: TokenFirstOptions & { arrived: Arrived; onKnown: () => void }) {
    this.#options = options;
    this.#arrived = options.arrived;
    this.#path = crossbarPath(options.arrived.path);
    this.#onKnown = options.onKnown;
    this.#cap = (chunk) => {
      this.#bytesBefore += chunk.length;
      if (this.#isStranger && this.#bytesBefore > MOST_BYTES_BEFORE) this.#arrived.webSocket.terminate();
    };
  }

  begin(): void {
    const { connection, webSocket, socket } = this.#arrived;
    this.#options.topics.wait(connection);
    webSocket.once('close', () => this.#isKnown());
    // After ws, which looks at each chunk first: what comes with an accepted token is not counted.
    socket.on('data', this.#cap);
    connection.divert((bytes) => this.#judge(bytes));
    this.#timer = this.#options.clock.after(TOKEN_WAIT, () => {
      const seconds = TOKEN_WAIT / 1_000;
      this.#deny({ kind: 'denied', reason: `Error reading token: none came within ${seconds} s` });
    });
  }

  #judge(bytes: Buffer): void {
    const { tokens, topics, clock } = this.#options;
    const { connection, webSocket } = this.#arrived;
    const verdict = tokens.judge(bytes.toString(), this.#path);
    if (verdict.kind === 'denied') {
      this.#deny(verdict);
      return;
    }
    if (!topics.hasRoom(connection.topic)) {
      this.#deny({ kind: 'denied', reason: 'this relay has as many topics as it takes' });
      return;
    }
    this.#isKnown();
    webSocket.send(authMessage(this.#path, verdict));
    connection.divert(undefined);
    topics.join(connection);
    this.#timer = whenItIs(clock, verdict.expires, () => {
      topics.suspend(connection);
      connection.divert((next) => this.#judge(next));
    });
  }

  #deny(verdict: CrossbarVerdict & { kind: 'denied' }): void {
    const { connection, webSocket, socket } = this.#arrived;
    const { logger, refusals } = this.#options;
    logger.debug('a token was denied', { path: this.#path, reason: verdict.reason });
    const what = connection.path === 'in' ? 'publish' : 'view';
    refusals.note({ what, topic: connection.topic, from: connection.from, detail: verdict.reason });
    this.#isKnown();
    connection.divert(() => {
      // nothing that it says is of interest any more
    });
    webSocket.send(authMessage(this.#path, verdict));
    socket.end();
    this.#timer = this.#options.clock.after(PATIENCE, () => webSocket.terminate());
  }

  /** It is no stranger any more: judged, or gone. */
  #isKnown(): void {
    this.#isStranger = false;
    this.#timer?.cancel();
    this.#arrived.socket.off('data', this.#cap);
    this.#onKnown();
  }
}
