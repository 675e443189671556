import { Connection, type ConnectionState, type Greeting } from '@perch/client';
import { type DropCount, type HubMessage, TakerQueue, type TopicMessage } from '@perch/hub';
import type { StartGroup } from '@perch/mpegts';
import { type Control, encodeControl, limits, PERCH_1, ProtocolError } from '@perch/protocol';
import { type Clock, type Logger, millis, type Timer } from '@perch/runtime';
import { type Framing, framingOf } from '../framing.ts';
import { Outbox } from '../outbox.ts';
import type { DestinationRule } from '../rules/rule.ts';
import type { Dialer, Dialled } from './dial.ts';

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
  readonly onOpen: () => void;
  readonly onMessage: (message: HubMessage) => void;
  readonly onSent: (bytes: number) => void;
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
  #asking: Timer | undefined;
  #viewers: number | undefined;
  #saidStandby = false;
  #opened = 0;
  #isClosed = false;
  #lastError: string | undefined;
  /** Left out by outboxes of connections that have ended, or because there was no connection. */
  #droppedBefore = { messages: 0, bytes: 0 };

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

  get dropped(): DropCount {
    return sum(this.#droppedBefore, this.#held.dropped, this.#outbox?.dropped);
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
    if (this.#outbox) {
      if (this.#demand === 'flowing') this.#outbox.sendAll(messages);
      else if (this.#demand === 'asking') this.#hold(messages);
      else this.#standBy();
    } else if (this.state.kind === 'connecting') this.#hold(messages);
    else for (const { bytes } of messages) this.#countDropped(1, bytes.byteLength);
  }

  /** Gives the other side what it needs to begin. */
  replay(group: StartGroup<TopicMessage>): void {
    if (this.#demand === 'flowing') this.#outbox?.sendReplay(group.messages);
  }

  /**
   * Ends with 1000; the far end still gets what waits if `drains`, within two seconds. Resolves when the socket is gone.
   */
  async close(reason: string, { drains = false } = {}): Promise<void> {
    if (drains && this.#demand === 'flowing') await this.#outbox?.emptied(DRAIN);
    this.#isClosed = true;
    this.#endOutbox();
    this.#held.clear();
    await this.#connection?.close(reason);
    this.#dialled?.socket.terminate();
  }

  #connect(): Connection {
    const { rule, dialer, clock, random } = this.#options;
    // An access address is posted to with the token; a Perch relay takes it in the handshake.
    const isToken = /^https?:/i.test(rule.destination) || rule.protocol !== undefined;
    const connection = new Connection({
      url: rule.destination,
      clock,
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
    this.#demand = socket.protocol === PERCH_1 ? 'asking' : 'flowing';
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
    if (this.#demand === 'asking') {
      this.#asking = clock.after(ASKING, () => this.#flow());
    } else this.#sendHeld();
    this.#options.onOpen();
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
    this.#asking?.cancel();
    const before = this.#demand;
    if (before === 'flowing') return;
    this.#demand = 'flowing';
    const group = this.#options.group();
    if (group?.state === 'whole') {
      // It holds what was held, from where a decoder can begin.
      this.#held.clear();
      this.#outbox?.sendReplay(group.messages);
    } else this.#sendHeld();
  }

  #idle(): void {
    this.#asking?.cancel();
    this.#demand = 'idle';
    this.#held.clear();
    const group = this.#options.group();
    if (group && group.state !== 'none') this.#standBy();
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
    if (state.kind !== 'waiting') return;
    const { messages, bytes } = { messages: this.#held.length, bytes: this.#held.bytes };
    this.#held.clear();
    this.#countDropped(messages, bytes);
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
    this.#droppedBefore = sum(this.#droppedBefore, outbox.dropped);
    outbox.close();
  }

  #countDropped(messages: number, bytes: number): void {
    this.#droppedBefore = sum(this.#droppedBefore, { messages, bytes });
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

/** Counts added up. */
export function sum(...counts: readonly (DropCount | undefined)[]): { messages: number; bytes: number } {
  let messages = 0;
  let bytes = 0;
  for (const count of counts) {
    messages += count?.messages ?? 0;
    bytes += count?.bytes ?? 0;
  }
  return { messages, bytes };
}
