import { Connection, type ConnectionState, type Greeting } from '@perch/client';
import { type HubMessage, TakerQueue, type TopicMessage } from '@perch/hub';
import type { StartGroup } from '@perch/mpegts';
import { type Control, encodeControl, limits, PERCH_1, ProtocolError } from '@perch/protocol';
import { type Clock, type Logger, type Millis, millis, type Timer } from '@perch/runtime';
import { type Framing, framingOf } from '../framing.ts';
import { Outbox } from '../outbox.ts';
import type { DestinationRule } from '../rules/rule.ts';
import type { Dialer, Dialled } from './dial.ts';
import { type Drops, DropTally, dropsOf } from './drops.ts';

/** While the far end is being dialled so much is kept for it; more would be stale when it answers. */
const HELD_BYTES = 1024 * 1024;
/** A relay that has not said by then whether somebody watches never says it. */
const ASKING = millis(1_000);
/** What is left for an old destination must be gone by then. */
const DRAIN = millis(2_000);

/** Where a destination stands. `invalid`: its rule can never work, and says why. */
export type LineState = ConnectionState | { readonly kind: 'invalid'; readonly error: Error };

export interface LineOptions {
  readonly rule: DestinationRule;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly random?: () => number;
  readonly logger: Logger;
  /** What a newcomer needs first, now. Undefined until this line is the one that is sent by. */
  readonly group: () => StartGroup<TopicMessage> | undefined;
  /** How long a dial may take now. */
  readonly dialTimeout: () => Millis;
  /** It is open, and what the other side wants is known. */
  readonly onReady: () => void;
  readonly onMessage: (message: HubMessage) => void;
  readonly onSent: (bytes: number, message: TopicMessage) => void;
}

/**
 * Whether the other side wants media. `asking`: a relay will say so in a moment. `idle`: nobody watches, so nothing is
 * sent (DESIGN, media rule 9).
 */
type Demand = 'asking' | 'idle' | 'flowing';

/** The connection to one destination: dials for as long as it is not closed, and sends what it is given. */
export class Line {
  readonly rule: DestinationRule;
  readonly #options: LineOptions;
  readonly #held: TakerQueue<TopicMessage>;
  #connection: Connection | undefined;
  #invalid: Error | undefined;
  #dialled: Dialled | undefined;
  #outbox: Outbox | undefined;
  #demand: Demand = 'flowing';
  /** The far end is to begin with the last group of pictures. */
  #needsGroup = false;
  /** Until it resolves what is given is held: the same far end is still reading another line. */
  #behind: Promise<void> | undefined;
  #asking: Timer | undefined;
  #viewers: number | undefined;
  #saidStandby = false;
  #opened = 0;
  #isLeaving = false;
  #isClosed = false;
  #lastError: string | undefined;
  /** Left out by outboxes of connections that have ended, or because there was no connection. */
  readonly #droppedBefore = new DropTally();

  constructor(options: LineOptions) {
    this.#options = options;
    this.rule = options.rule;
    this.#held = new TakerQueue({
      limits: { bytes: HELD_BYTES, age: limits.backlogAge, hardBytes: limits.backlogHardBytes },
      onTheWay: { bytes: 0, allBytes: 0, age: () => 0 },
    });
    try {
      this.#connection = this.#connect();
    } catch (error) {
      this.#fails(error as Error);
    }
  }

  get state(): LineState {
    if (this.#connection) return this.#connection.state;
    return { kind: 'invalid', error: this.#invalid ?? new Error('not connected') };
  }

  get isOpen(): boolean {
    return this.#outbox !== undefined;
  }

  /** Open, and what the other side wants is known. */
  get isReady(): boolean {
    return this.isOpen && this.#demand !== 'asking';
  }

  /** How often the connection was opened again. */
  get reconnects(): number {
    return Math.max(0, this.#opened - 1);
  }

  /** Why the last connection failed or ended, in words. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** How many watch, as the relay says; undefined where it does not. */
  get viewers(): number | undefined {
    return this.#viewers;
  }

  get dropped(): Drops {
    return new DropTally(this.#droppedBefore, dropsOf(this.#held), this.#outbox?.dropped);
  }

  /** Bytes waiting or unconfirmed. */
  get backlog(): number {
    return this.#outbox?.backlog ?? this.#held.bytes;
  }

  /** How old the oldest is that waits or is on its way, in ms. */
  get delayMs(): number {
    const now = this.#options.clock.now();
    return Math.max(this.#held.age(now), this.#outbox?.delay(now) ?? 0);
  }

  start(): void {
    this.#connection?.start();
  }

  /** Sends, or holds while it is being dialled. What comes while it waits for its next try is counted as left out. */
  send(messages: readonly TopicMessage[]): void {
    if (this.#outbox && this.#demand === 'idle') this.#standBy();
    else if (this.#outbox && this.#demand === 'flowing' && !this.#behind) this.#outbox.sendAll(messages);
    else if (this.#outbox || this.state.kind === 'connecting') this.#hold(messages);
    else for (const message of messages) this.#droppedBefore.addMessage(message);
  }

  /** Gives the other side the last group of pictures to begin with, as soon as it can have it. */
  beginWithGroup(): void {
    this.#needsGroup = true;
    this.#go();
  }

  /**
   * Ends with 1000 when what waits has left, within two seconds. Where an heir speaks to the same far end from now on,
   * its first message goes when all of this has been read, so that nothing overtakes, and this ends when that was read,
   * so that somebody always speaks.
   */
  async retire(heir?: Line): Promise<void> {
    this.#isLeaving = true;
    if (heir) {
      const read = this.#settled();
      heir.#follow(read);
      await read;
      await heir.#heard();
    } else {
      await this.#behind;
      if (this.#demand === 'flowing') await this.#outbox?.emptied(DRAIN);
    }
    await this.close('replaced');
  }

  /** Ends with 1000, at once. Resolves when the socket is gone. Idempotent. */
  async close(reason: string): Promise<void> {
    this.#isClosed = true;
    this.#endOutbox();
    this.#held.clear();
    await this.#connection?.close(reason);
    this.#dialled?.socket.terminate();
  }

  #connect(): Connection {
    const { rule, dialer, clock, random, dialTimeout } = this.#options;
    // An access address is posted to with the token; a Perch relay takes it in the handshake.
    const isToken = /^https?:/i.test(rule.destination) || rule.protocol !== undefined;
    const connection = new Connection({
      url: rule.destination,
      clock,
      dialTimeout,
      fetch: dialer.fetch,
      ...(random && { random }),
      ...(rule.protocol && { protocols: [rule.protocol] }),
      // COMPAT 1.7: the scheme tells the two meanings of `token` apart.
      ...(rule.token !== '' && (isToken ? { token: () => rule.token } : { greeting: greet(rule.token) })),
      openSocket: (url, protocols) => {
        this.#dialled = dialer.dial(url, protocols);
        return this.#dialled.socket;
      },
    });
    connection.events.on('state', (state) => this.#onState(state));
    connection.events.on('open', () => this.#onOpen());
    return connection;
  }

  #onOpen(): void {
    const dialled = this.#dialled;
    if (!dialled) return;
    const { clock, logger, rule, onMessage, onSent } = this.#options;
    const { socket } = dialled;
    const framing = framingOf(socket.protocol);
    this.#opened += 1;
    this.#outbox = new Outbox({
      socket,
      tcp: dialled.tcp(),
      framing,
      clock,
      pingPeriod: limits.uplinkPing,
      deadline: limits.uplinkDeadline,
      age: limits.uplinkAge,
      onSent,
    });
    this.#saidStandby = false;
    socket.on('message', (data: ArrayBuffer | Buffer, binary: boolean) => {
      const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
      try {
        this.#read(framing, bytes, binary, (text) => socket.send(text), onMessage);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        logger.warn('destination broke the protocol', { id: rule.id, error: error.message });
        socket.close(1002, error.message.slice(0, 120));
      }
    });
    if (socket.protocol === PERCH_1) {
      this.#demand = 'asking';
      this.#needsGroup = true;
      this.#asking = clock.after(ASKING, () => this.#flow());
    } else {
      this.#demand = 'flowing';
      this.#go();
      this.#options.onReady();
    }
  }

  #read(
    framing: Framing,
    bytes: Uint8Array,
    binary: boolean,
    answer: (text: string) => void,
    onMessage: (message: HubMessage) => void,
  ): void {
    const received = framing.decode(bytes, binary, this.#options.clock.wall());
    if (received.kind === 'answer') answer(received.text);
    else if (received.kind === 'told') this.#onTold(received.control);
    // A socket that is being closed may still deliver; what it says has no place any more.
    else if (received.kind === 'message' && !this.#isClosed) onMessage(received.message);
  }

  #onTold(control: Control): void {
    if (control.type === 'replaced') this.#lastError = 'another publisher took over';
    if (control.type !== 'watched') return;
    this.#viewers = control.viewers;
    if (control.viewers > 0) this.#flow();
    else this.#idle();
  }

  /** Somebody watches, or nobody will ever say so. */
  #flow(): void {
    const before = this.#demand;
    if (before === 'flowing') return;
    this.#asking?.cancel();
    this.#demand = 'flowing';
    this.#go();
    if (before === 'asking') this.#options.onReady();
  }

  /** Nobody watches. */
  #idle(): void {
    const before = this.#demand;
    this.#asking?.cancel();
    this.#demand = 'idle';
    this.#needsGroup = true;
    this.#held.clear();
    this.#outbox?.forget();
    const group = this.#options.group();
    if (group && group.state !== 'none') this.#standBy();
    if (before === 'asking') this.#options.onReady();
  }

  /** Sends from now on, if nothing stands against it: the last group where the far end is to begin, else what was held. */
  #go(): void {
    if (!this.#outbox || this.#demand !== 'flowing' || this.#behind) return;
    const group = this.#needsGroup ? this.#options.group() : undefined;
    this.#needsGroup = false;
    if (group?.state !== 'whole') {
      this.#sendHeld();
      return;
    }
    // It holds what was held, from where a decoder can begin.
    this.#held.clear();
    this.#outbox.sendReplay(group.messages);
  }

  #follow(read: Promise<void>): void {
    this.#behind = read.then(() => {
      this.#behind = undefined;
      this.#go();
    });
  }

  /** Resolves when the far end has read all that this was given so far, or does not read it in time. */
  async #settled(): Promise<void> {
    await this.#behind;
    if (this.#demand === 'flowing') await this.#outbox?.settled(DRAIN);
  }

  /** Resolves when the far end has read something of this, or does not in time. */
  async #heard(): Promise<void> {
    await this.#behind;
    if (this.#demand === 'flowing') await this.#outbox?.heard(DRAIN);
  }

  /** Tells the relay that there is something to watch. */
  #standBy(): void {
    if (this.#saidStandby) return;
    this.#saidStandby = true;
    this.#dialled?.socket.send(encodeControl({ type: 'standby' }));
  }

  #hold(messages: readonly TopicMessage[]): void {
    const now = this.#options.clock.now();
    for (const message of messages) this.#held.offer(message, message.bytes.byteLength, now);
  }

  /** All that was held, in the order in which it came. */
  #sendHeld(): void {
    const held: TopicMessage[] = [];
    const soon = millis(Number.NEGATIVE_INFINITY);
    for (let next = this.#held.shift(soon); next; next = this.#held.shift(soon)) held.push(next.message);
    this.#outbox?.sendAll(held);
  }

  #onState(state: ConnectionState): void {
    const { logger, rule } = this.#options;
    if (state.kind === 'open') logger.info('destination reached', { id: rule.id, stream: rule.stream });
    if (state.kind !== 'open') this.#endOutbox();
    if (this.#isLeaving && (state.kind === 'waiting' || state.kind === 'connecting')) {
      // It would be dialled anew; not in the middle of what the connection is telling.
      queueMicrotask(() => void this.close('replaced'));
      return;
    }
    if (state.kind !== 'waiting') return;
    this.#held.discard();
    const error = inWords(state.error);
    if (error !== this.#lastError) logger.warn('destination not reached', { id: rule.id, error });
    this.#lastError = error;
  }

  /** A rule that can never work is kept and shown with its error, as vw kept it. */
  #fails(error: Error): void {
    this.#invalid = error;
    this.#lastError = error.message;
    this.#options.logger.warn('destination cannot work', { id: this.rule.id, error: error.message });
  }

  #endOutbox(): void {
    this.#asking?.cancel();
    this.#viewers = undefined;
    const outbox = this.#outbox;
    this.#outbox = undefined;
    if (!outbox) return;
    outbox.close();
    this.#droppedBefore.add(outbox.dropped);
  }
}

/** COMPAT 1.7: the first text frame is the raw token, the answer an AuthMessage that says `authorised`. */
function greet(token: string): Greeting {
  return {
    send: token,
    accept(answer) {
      const text = typeof answer === 'string' ? answer : '';
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (cause) {
        throw new Error('it answered the token with something else than JSON', { cause });
      }
      const { authorised, reason } = (value ?? {}) as { authorised?: unknown; reason?: unknown };
      if (authorised === true) return;
      throw new Error(
        `it refused the token${typeof reason === 'string' && reason !== '' ? `: ${reason}` : ''}`,
      );
    },
  };
}

/** An error with what caused it, as far as that says more. */
function inWords(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause.message : '';
  return cause === '' || error.message.includes(cause) ? error.message : `${error.message}: ${cause}`;
}
