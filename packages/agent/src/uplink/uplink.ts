import { Connection, type ConnectionState, type Greeting } from '@perch/client';
import {
  type Batch,
  type DropCount,
  type HubMessage,
  type Taker,
  TakerQueue,
  type TopicMessage,
} from '@perch/hub';
import { limits, ProtocolError } from '@perch/protocol';
import type { Clock, Logger } from '@perch/runtime';
import { framingOf } from '../framing.ts';
import { Meter } from '../ingest/meter.ts';
import type { FeedInput, Switchboard } from '../ingest/switchboard.ts';
import { Outbox } from '../outbox.ts';
import type { DestinationRule } from '../rules/rule.ts';
import type { Dialer, Dialled } from './dial.ts';

/** While the far end is being dialled so much is kept for it; more would be stale when it answers. */
const HELD_BYTES = 1024 * 1024;

/** Where a destination stands. `invalid`: its rule can never work, and says why. */
export type UplinkState = ConnectionState | { readonly kind: 'invalid'; readonly error: Error };

export interface UplinkOptions {
  readonly rule: DestinationRule;
  readonly switchboard: Switchboard;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly random?: () => number;
  readonly logger: Logger;
}

/**
 * Sends what a topic carries to one destination, and what comes back to the topic. Dials for as long as its rule
 * holds; `close` ends it with 1000.
 */
export class Uplink implements Taker {
  readonly rule: DestinationRule;
  readonly meter = new Meter();
  readonly #options: UplinkOptions;
  /** Opened by the first message that comes back. */
  #input: FeedInput | undefined;
  readonly #leave: Disposable;
  readonly #held: TakerQueue<TopicMessage>;
  #connection: Connection | undefined;
  #invalid: Error | undefined;
  #dialled: Dialled | undefined;
  #outbox: Outbox | undefined;
  #opened = 0;
  #isClosed = false;
  #lastError: string | undefined;
  /** Left out by outboxes of connections that have ended, or because there was no connection. */
  #droppedBefore = { messages: 0, bytes: 0 };

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.rule = options.rule;
    this.#held = new TakerQueue({
      limits: { bytes: HELD_BYTES, age: limits.backlogAge, hardBytes: limits.backlogHardBytes },
      onTheWay: { bytes: 0, allBytes: 0, age: () => 0 },
    });
    this.#leave = options.switchboard.join(this.rule.stream, this);
    try {
      this.#connection = this.#connect();
    } catch (error) {
      this.#fails(error as Error);
    }
  }

  get state(): UplinkState {
    if (this.#connection) return this.#connection.state;
    return { kind: 'invalid', error: this.#invalid ?? new Error('not connected') };
  }

  /** How often the connection was opened again. */
  get reconnects(): number {
    return Math.max(0, this.#opened - 1);
  }

  /** Why the last connection failed or ended, in words. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  get dropped(): DropCount {
    return sum(this.#droppedBefore, this.#held.dropped, this.#outbox?.dropped);
  }

  /** Bytes waiting or unconfirmed. */
  get backlog(): number {
    return this.#outbox?.backlog ?? this.#held.bytes;
  }

  start(): void {
    this.#connection?.start();
  }

  take(batch: Batch): void {
    if (this.#outbox) {
      this.#outbox.send(batch, this);
      return;
    }
    const now = this.#options.clock.now();
    const isDialling = this.#connection?.state.kind === 'connecting';
    for (const message of batch.messages) {
      if (message.from === this) continue;
      if (isDialling) this.#held.offer(message, message.bytes.byteLength, now);
      else this.#countDropped(1, message.bytes.byteLength);
    }
  }

  /** Stops at once: the far end gets close code 1000. Resolves when the socket is gone. */
  async close(reason = 'the rule is gone'): Promise<void> {
    this.#isClosed = true;
    this.#leave[Symbol.dispose]();
    this.#input?.close();
    this.#endOutbox();
    this.#held.clear();
    await this.#connection?.close(reason);
    this.#dialled?.socket.terminate();
  }

  #connect(): Connection {
    const { rule, dialer, clock, random } = this.#options;
    const isAccessAddress = /^https?:/i.test(rule.destination);
    const connection = new Connection({
      url: rule.destination,
      clock,
      fetch: dialer.fetch,
      ...(random && { random }),
      ...(rule.protocol && { protocols: [rule.protocol] }),
      // COMPAT 1.7: the scheme tells the two meanings of `token` apart.
      ...(rule.token !== '' &&
        (isAccessAddress ? { token: () => rule.token } : { greeting: greet(rule.token) })),
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
    const { clock, logger, rule } = this.#options;
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
      onSent: (bytes) => this.meter.add(bytes, clock.now()),
    });
    socket.on('message', (data: ArrayBuffer | Buffer, binary: boolean) => {
      const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
      try {
        const received = framing.decode(bytes, binary, clock.wall());
        if (received.kind === 'message') this.#publish(received.message);
        else if (received.kind === 'answer') socket.send(received.text);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        logger.warn('destination broke the protocol', { id: rule.id, error: error.message });
        socket.close(1002, error.message.slice(0, 120));
      }
    });
    const held: TopicMessage[] = [];
    for (let next = this.#held.shift(); next; next = this.#held.shift()) held.push(next.message);
    this.#outbox.sendAll(held);
  }

  #publish(message: HubMessage): void {
    // A socket that is being closed may still deliver; what it says has no place any more.
    if (this.#isClosed) return;
    this.#input ??= this.#options.switchboard.open(this.rule.stream, { isFar: true });
    this.#input.publish(message, this);
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

function sum(...counts: readonly (DropCount | undefined)[]): { messages: number; bytes: number } {
  let messages = 0;
  let bytes = 0;
  for (const count of counts) {
    messages += count?.messages ?? 0;
    bytes += count?.bytes ?? 0;
  }
  return { messages, bytes };
}
