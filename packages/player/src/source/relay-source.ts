import { Connection, type ConnectionState, type FetchLike, type OpenSocket } from '@perch/client';
import {
  type Control,
  decodeControl,
  encodeControl,
  PERCH_1,
  ProtocolError,
  readWireHeader,
  WIRE_HEADER_BYTES,
} from '@perch/protocol';
import { type Clock, Emitter, type Millis, millis, type Timer } from '@perch/runtime';
import { Offer } from './offer.ts';
import { WallOffset } from './wall-offset.ts';

/** Some bytes of a stream, with what the relay says about them. */
export interface Arrival {
  readonly bytes: Uint8Array;
  /** Out of the relay's cache: decode it, do not show it late. */
  readonly replay: boolean;
  /** When it was captured, by the agent's wall clock, in ms; where the relay says so. */
  readonly capturedAt: Millis | undefined;
}

export interface RelaySourceEvents {
  connection: ConnectionState;
  /** A new socket is open: what arrives from here on does not continue what came before. */
  open: undefined;
  /** Whether somebody publishes. */
  publisher: boolean;
  arrival: Arrival;
}

export interface RelaySourceOptions {
  /** `ws(s)://…/out/…` or `http(s)://…/session/…`. */
  readonly url: string;
  readonly token: () => string | undefined;
  readonly openSocket: OpenSocket;
  readonly fetch: FetchLike;
  readonly clock: Clock;
}

const PING_PERIOD = millis(2_000);
/** Without an answer for this long the line is dead, whatever TCP believes. */
const PONG_TIMEOUT = millis(7_000);

/** A topic of a relay, ours or a raw one: bytes out, for as long as it takes. */
export class RelaySource implements AsyncDisposable {
  readonly events = new Emitter<RelaySourceEvents>();
  readonly wall = new WallOffset();
  readonly #clock: Clock;
  readonly #connection: Connection;
  readonly #offer = new Offer();
  #pinging: Timer | undefined;
  #isPerch = false;
  #lastPong: Millis = millis(0);
  #lastArrival: Millis = millis(0);
  #bytes = 0;
  #dropped = 0;
  #damaged = 0;

  /** @throws {TypeError} where the address cannot be one of a topic. */
  constructor(options: RelaySourceOptions) {
    this.#clock = options.clock;
    this.#connection = new Connection({
      url: options.url,
      token: options.token,
      openSocket: this.#offer.dialler(options.openSocket),
      fetch: options.fetch,
      clock: options.clock,
    });
    this.#connection.events.on('state', (state) => this.#follow(state));
    this.#connection.events.on('message', (message) => this.#take(message));
  }

  /** `websocket`, and the subprotocol where one is spoken. */
  get transport(): string {
    return this.#isPerch ? `websocket, ${PERCH_1}` : 'websocket';
  }

  /** Bytes received so far; messages that the relay left out for us, because we were too slow. */
  get received(): {
    readonly bytes: number;
    readonly droppedMessages: number;
    readonly damagedMessages: number;
  } {
    return { bytes: this.#bytes, droppedMessages: this.#dropped, damagedMessages: this.#damaged };
  }

  /** Since when nothing came. */
  get quietFor(): Millis {
    return millis(this.#clock.now() - this.#lastArrival);
  }

  start(): void {
    this.#connection.start();
  }

  /** Dials anew at once. */
  reconnect(): void {
    this.#connection.reconnect();
  }

  async close(reason?: string): Promise<void> {
    this.#pinging?.cancel();
    await this.#connection.close(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #follow(state: ConnectionState): void {
    this.#pinging?.cancel();
    if (state.kind === 'open') {
      this.#isPerch = state.protocol === PERCH_1;
      this.#lastArrival = this.#clock.now();
      if (this.#isPerch) this.#startPings();
      this.events.emit('open', undefined);
    }
    if (state.kind === 'waiting' && this.#offer.takeRetry()) {
      this.#connection.reconnect();
      return;
    }
    this.events.emit('connection', state);
  }

  #startPings(): void {
    this.#lastPong = this.#clock.now();
    const ping = () => {
      if (this.#clock.now() - this.#lastPong > PONG_TIMEOUT) this.#connection.reconnect();
      else this.#connection.send(encodeControl({ type: 'ping', t: this.#clock.wall() }));
    };
    this.#pinging = this.#clock.every(PING_PERIOD, ping);
    ping();
  }

  #take(message: string | Uint8Array): void {
    this.#lastArrival = this.#clock.now();
    this.#bytes += message.length;
    if (!this.#isPerch) {
      // A raw topic may carry text beside the stream; it is nobody's picture.
      if (typeof message !== 'string')
        this.events.emit('arrival', { bytes: message, replay: false, capturedAt: undefined });
      return;
    }
    try {
      if (typeof message === 'string') this.#control(decodeControl(message));
      else this.#unwrap(message);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#damaged += 1; // counted and shown; one bad message does not end a stream
    }
  }

  #unwrap(message: Uint8Array): void {
    const header = readWireHeader(message);
    if (header.text) return;
    this.events.emit('arrival', {
      bytes: message.subarray(WIRE_HEADER_BYTES),
      replay: header.replay,
      capturedAt: header.capturedAt === undefined ? undefined : millis(header.capturedAt / 1000),
    });
  }

  #control(control: Control | undefined): void {
    switch (control?.type) {
      case 'ping':
        this.#connection.send(encodeControl({ type: 'pong', t: control.t, now: this.#clock.wall() }));
        break;
      case 'pong':
        this.#lastPong = this.#clock.now();
        this.wall.learn(control.t, this.#clock.wall(), control.now);
        break;
      case 'waiting':
        this.events.emit('publisher', false);
        break;
      case 'live':
        this.events.emit('publisher', true);
        break;
      case 'dropped':
        this.#dropped += control.messages;
        break;
      default:
        break; // of a later version, or for publishers
    }
  }
}
