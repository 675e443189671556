import { randomBytes } from 'node:crypto';
import { type Batch, Confirmations, type DropCount, TakerQueue, type TopicMessage } from '@perch/hub';
import { limits } from '@perch/protocol';
import { type Clock, type Millis, millis, type Timer } from '@perch/runtime';
import type { WebSocket } from 'ws';
import type { Framing } from './framing.ts';

/** Once so much waits inside this process for the kernel, the rest waits where it can still be left out. */
const HIGH_WATER_BYTES = 256 * 1024;

/** A ping's payload: unpredictable, so that only reading it answers it. */
const TOKEN_BYTES = 6;

/** What the TCP or TLS socket below a WebSocket can do: put several writes into one. */
export interface Corkable {
  cork(): void;
  uncork(): void;
}

export interface OutboxOptions {
  readonly socket: WebSocket;
  readonly tcp: Corkable;
  readonly framing: Framing;
  readonly clock: Clock;
  /** How often to ask a quiet peer whether it is there. */
  readonly pingPeriod: Millis;
  /** A peer silent for this long is gone: the socket is destroyed. */
  readonly deadline: Millis;
  /** Called for each message that was handed to the socket. */
  readonly onSent: (bytes: number) => void;
}

/**
 * What one WebSocket is given, so that a slow one harms only itself: the backlog (sent and not confirmed, and queued)
 * is bounded in bytes and age, and over it whole messages are left out up to the next random access point. A turn's
 * messages leave in one write. It also notices a peer that has gone without a word.
 *
 * Owns neither socket; `close` stops its timer. A closed socket is simply given nothing more.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #confirmations = new Confirmations({
    period: limits.confirmPeriod,
    periodLate: limits.confirmPeriodLate,
    everyBytes: limits.backlogBytes / 4,
  });
  readonly #queue = new TakerQueue<TopicMessage>({
    limits: { bytes: limits.backlogBytes, age: limits.backlogAge, hardBytes: limits.backlogHardBytes },
    onTheWay: this.#confirmations,
  });
  readonly #keepAlive: Timer;
  readonly #tick: Millis;
  readonly #pump = () => this.#drain();
  #heardAt: Millis;

  constructor(options: OutboxOptions) {
    this.#options = options;
    const { socket, clock, pingPeriod, deadline } = options;
    this.#heardAt = clock.now();
    socket.on('message', () => this.#heard());
    socket.on('ping', () => this.#heard());
    socket.on('pong', (data: Buffer) => this.#confirmed(data));
    this.#tick = millis(Math.min(pingPeriod / 2, deadline - pingPeriod));
    this.#keepAlive = clock.every(this.#tick, () => this.#checkPeer());
  }

  /** All that was left out since the beginning. */
  get dropped(): DropCount {
    return this.#queue.dropped;
  }

  /** Bytes sent and not confirmed, and waiting. */
  get backlog(): number {
    return this.#queue.backlog;
  }

  /** Sends what of the batch is not from `self`, as far as the backlog allows. */
  send(batch: Batch, self: unknown): void {
    const messages = batch.isFrom(self) ? batch.messages.filter(({ from }) => from !== self) : batch.messages;
    this.sendAll(messages);
  }

  sendAll(messages: readonly TopicMessage[]): void {
    const now = this.#options.clock.now();
    for (const message of messages) this.#queue.offer(message, message.bytes.byteLength, now);
    this.#drain();
  }

  /** Idempotent. */
  close(): void {
    this.#keepAlive.cancel();
    this.#queue.clear();
  }

  #drain(): void {
    const { socket, tcp, framing, onSent } = this.#options;
    if (this.#queue.length === 0 || socket.readyState !== socket.OPEN) return;
    tcp.cork();
    while (socket.bufferedAmount < HIGH_WATER_BYTES) {
      const next = this.#queue.shift();
      if (!next) break;
      const { data, binary } = framing.encode(next.message);
      // The callback comes when the kernel has it.
      socket.send(data, { binary }, this.#pump);
      this.#confirmations.wrote(next.size);
      onSent(next.size);
    }
    this.#probeIfDue();
    tcp.uncork();
  }

  /** Asks how far the peer has read, in the write that carries media anyway. */
  #probeIfDue(): void {
    const now = this.#options.clock.now();
    if (this.#confirmations.isDue(now)) this.#probe(now);
  }

  #probe(now: Millis): void {
    const token = randomBytes(TOKEN_BYTES);
    this.#confirmations.probe(token.readUIntBE(0, TOKEN_BYTES), now);
    this.#options.socket.ping(token);
  }

  #confirmed(token: Buffer): void {
    this.#heard();
    if (token.length !== TOKEN_BYTES) return;
    const now = this.#options.clock.now();
    if (this.#confirmations.answer(token.readUIntBE(0, TOKEN_BYTES), now)) this.#drain();
  }

  #heard(): void {
    this.#heardAt = this.#options.clock.now();
  }

  #checkPeer(): void {
    const { socket, clock, deadline, pingPeriod } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    const now = clock.now();
    if (now - this.#heardAt > deadline) {
      socket.terminate();
      return;
    }
    const { openSince } = this.#confirmations;
    if (now - this.#heardAt >= pingPeriod - 1 && openSince === undefined) this.#probe(now);
  }
}
