import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HubMessage } from '@perch/hub';
import { type Access, type Control, closeCodes, PERCH_1, ProtocolError } from '@perch/protocol';
import { type Clock, type Logger, type Millis, millis } from '@perch/runtime';
import type { WebSocket } from 'ws';
import type { Authority, TopicPlace } from './auth/codes.ts';
import { PerchReader, RawReader, type Reader } from './publish/inbound.ts';
import { type Framing, perchFraming, rawFraming } from './view/frames.ts';
import { type FlowMeter, Outlet, type OutletLimits } from './view/outlet.ts';

/** What a connection is told to do when the peer is silent. */
export interface SilenceLimits {
  /** A viewer to whom nothing was sent for this long is pinged. */
  readonly pingPeriod: Millis;
  /** Without a byte from it, pongs included, for this long it is gone. */
  readonly readDeadline: Millis;
  /** The same for a connection that has published; it is pinged after half of that. */
  readonly publisherIdle: Millis;
}

export interface ConnectionOptions {
  readonly id: number;
  readonly webSocket: WebSocket;
  readonly socket: Duplex;
  readonly path: 'in' | 'out' | 'bi' | 'session';
  readonly topic: string;
  readonly access: Access;
  readonly authority: Authority;
  /** Whose the topic is. */
  readonly place: TopicPlace;
  readonly remoteAddress: string;
  /** The same for the audit: with the connection's own address, where a proxy names another. */
  readonly from: string;
  readonly userAgent: string;
  readonly limits: OutletLimits & SilenceLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onMessage: (message: HubMessage, from: Connection) => void;
  /** It has media, which it holds back until somebody watches. */
  readonly onStandby: (connection: Connection) => void;
  readonly onClosed: (connection: Connection) => void;
}

/** So much is read of one connection before the event loop turns to the others. */
const TURN_BYTES = 256 * 1024;

/** One WebSocket on a topic: who it is, what it may do, and both its directions. */
export class Connection {
  readonly id: number;
  readonly path: 'in' | 'out' | 'bi' | 'session';
  readonly topic: string;
  readonly access: Access;
  readonly authority: Authority;
  readonly place: TopicPlace;
  readonly remoteAddress: string;
  readonly from: string;
  readonly userAgent: string;
  /** Wall clock and the relay's clock, when it opened. */
  readonly openedAtWall: Millis;
  readonly openedAt: Millis;
  readonly framing: Framing;
  readonly outlet: Outlet;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  readonly #clock: Clock;
  readonly #limits: SilenceLimits;
  readonly #logger: Logger;
  readonly #reader: Reader;
  readonly #onMessage: (message: HubMessage, from: Connection) => void;
  readonly #onStandby: (connection: Connection) => void;
  #received: FlowMeter = { messages: 0, bytes: 0, firstAt: 0, lastAt: 0 };
  #bytesRead: number;
  #heardAt: Millis;
  #pingedAt = millis(Number.NEGATIVE_INFINITY);
  #watched = -1;
  #turnBytes = 0;
  #divertTo: ((bytes: Buffer) => void) | undefined;

  constructor(options: ConnectionOptions) {
    const { webSocket, socket, clock } = options;
    const speaksPerch = webSocket.protocol === PERCH_1;
    this.id = options.id;
    this.path = options.path;
    this.topic = options.topic;
    this.access = options.access;
    this.authority = options.authority;
    this.place = options.place;
    this.remoteAddress = options.remoteAddress;
    this.from = options.from;
    this.userAgent = options.userAgent;
    this.openedAtWall = clock.wall();
    this.openedAt = clock.now();
    this.#heardAt = clock.now();
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#bytesRead = bytesRead(socket);
    this.#clock = clock;
    this.#limits = options.limits;
    this.#logger = options.logger;
    this.#onMessage = options.onMessage;
    this.#onStandby = options.onStandby;
    this.#reader = speaksPerch ? new PerchReader() : new RawReader();
    this.framing = speaksPerch ? perchFraming : rawFraming;
    this.outlet = new Outlet({
      socket,
      framing: this.framing,
      speaksControl: speaksPerch,
      self: this,
      webSocket,
      onOverflow: () => {
        options.logger.warn('a viewer is too far behind and is closed', { backlog: this.outlet.backlog });
        this.close(closeCodes.tryAgainLater, 'too far behind');
      },
      limits: options.limits,
      clock,
    });
    webSocket.on('message', (data, isBinary) => this.#read(data as Buffer, isBinary));
    webSocket.on('ping', (payload) => this.outlet.pong(payload));
    webSocket.on('pong', (payload) => this.outlet.onPong(payload));
    // `close` follows each error and says as much; the rest is for whoever looks for the cause.
    webSocket.on('error', (error) => options.logger.debug('a connection failed', { error: error.message }));
    webSocket.on('close', () => {
      this.outlet.clear();
      options.onClosed(this);
    });
    this.outlet.control({ type: 'hello', topic: options.topic, now: clock.wall() });
  }

  /** What it sent. */
  get received(): FlowMeter {
    return this.#received;
  }

  /** It speaks `perch.1`. */
  get speaksPerch(): boolean {
    return this.framing === perchFraming;
  }

  /** Ends it, because another publisher took its place. */
  replace(): void {
    this.outlet.control({ type: 'replaced' });
    this.close(closeCodes.replaced, 'another publisher took over');
  }

  /** It came to watch; a connection on `/in` only hears the other publishers. */
  get isViewer(): boolean {
    return this.path !== 'in';
  }

  /** While there is somewhere to divert to, what the peer sends goes there and nowhere else. */
  divert(to: ((bytes: Buffer) => void) | undefined): void {
    this.#divertTo = to;
  }

  /** Tells a publisher how many watch, if that is news. */
  tellWatched(viewers: number): void {
    if (viewers === this.#watched) return;
    this.#watched = viewers;
    this.outlet.control({ type: 'watched', viewers });
  }

  /** Pings a silent peer, and ends the connection of one that is gone. Called about once a second. */
  checkSilence(): void {
    const now = this.#clock.now();
    const read = bytesRead(this.#socket);
    if (read !== this.#bytesRead) {
      this.#bytesRead = read;
      this.#heardAt = now;
    }
    const publishes = this.received.messages > 0;
    const silence = now - this.#heardAt;
    if (silence >= (publishes ? this.#limits.publisherIdle : this.#limits.readDeadline)) {
      this.#logger.info('a peer is gone: no byte for too long', { silenceMs: Math.round(silence) });
      this.#webSocket.terminate();
      return;
    }
    const pause = publishes ? this.#limits.publisherIdle / 2 : this.#limits.pingPeriod;
    if (silence >= pause && now - this.#pingedAt >= pause) {
      this.#pingedAt = now;
      this.outlet.ping();
    }
  }

  /** Says goodbye; a peer that does not answer in time is cut off. */
  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason);
  }

  /** Ends it without waiting for the peer's goodbye: the close frame if it can go out at once, then the line. */
  dismiss(code: number, reason: string): void {
    if (this.#socket.writableLength > 0) {
      this.terminate();
      return;
    }
    this.#webSocket.close(code, reason);
    this.#socket.end();
  }

  terminate(): void {
    this.#webSocket.terminate();
  }

  get #isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  #read(bytes: Buffer, isBinary: boolean): void {
    this.#takeTurns(bytes.length);
    if (this.#divertTo) {
      this.#divertTo(bytes);
      return;
    }
    let inbound: ReturnType<Reader['read']>;
    try {
      inbound = this.#reader.read(bytes, isBinary);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.close(closeCodes.protocolError, error.message);
      return;
    }
    switch (inbound.kind) {
      case 'message':
        // Without the right to write, messages are read and dropped (COMPAT 2.3, 3.5).
        if (this.access.write && this.#isOpen) {
          this.#count(bytes.length);
          this.#onMessage(inbound.message, this);
        }
        return;
      case 'control':
        this.#answer(inbound.control);
        return;
      case 'unknown':
        return;
    }
  }

  /** Node reads up to 2 MiB of one socket in a row; after each part of that the others, and their pongs, get a turn. */
  #takeTurns(bytes: number): void {
    this.#turnBytes += bytes;
    if (this.#turnBytes < TURN_BYTES) return;
    this.#turnBytes = 0;
    this.#webSocket.pause();
    setImmediate(() => this.#webSocket.resume());
  }

  #answer(control: Control): void {
    // Everything else is ours to say.
    if (control.type === 'ping') this.outlet.control({ type: 'pong', t: control.t, now: this.#clock.wall() });
    else if (control.type === 'standby' && this.access.write && this.#isOpen) this.#onStandby(this);
  }

  #count(bytes: number): void {
    const now = this.#clock.now();
    const { messages, bytes: before, firstAt } = this.#received;
    this.#received = {
      messages: messages + 1,
      bytes: before + bytes,
      firstAt: messages === 0 ? now : firstAt,
      lastAt: now,
    };
  }
}

/** Every byte of the peer is a sign of life, whatever it belongs to; Node counts them for us. */
const bytesRead = (socket: Duplex): number => (socket instanceof Socket ? socket.bytesRead : 0);
