import { randomBytes } from 'node:crypto';
import { type Batch, Confirmations, TakerQueue, type TopicMessage } from '@perch/hub';
import { limits } from '@perch/protocol';
import { type Clock, type Millis, millis, type Timer } from '@perch/runtime';
import type { WebSocket } from 'ws';
import type { Framing } from './framing.ts';
import { type Drops, dropsOf } from './uplink/drops.ts';
import { FlowWindow } from './uplink/flow-window.ts';

/** Once so much waits inside this process for the kernel, the rest waits where it can still be left out. */
const HIGH_WATER_BYTES = 256 * 1024;
/** While something is on its way it is asked so often how far it has come. */
const ASK_EVERY = 50;
/** And so often in what may be on its way at once. */
const ASK_PARTS = 4;

/**
 * A picture waits here at most so long that, with its way as long as ways were of late, it is there within this. And at
 * least so long as it takes to see that a line is slow. In ms.
 */
const NO_LATER = limits.backlogAge - 250;
const LEAST_AGE = 400;

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
  /** How old what waits may get, in ms; pictures wait less on a long way. Default `limits.backlogAge`. */
  readonly age?: Millis;
  /** Called for each message that was handed to the socket. */
  readonly onSent: (bytes: number, message: TopicMessage) => void;
}

/** Somebody who waits for something to become true. */
interface Waiter {
  readonly holds: () => boolean;
  readonly resolve: () => void;
}

/**
 * What one WebSocket is given, so that a slow one harms only itself: the backlog (sent and not confirmed, and queued)
 * is bounded in bytes and age, and over it whole messages are left out up to the next random access point, sound last.
 * What is on its way is kept to what the line delivers in a moment, so that what waits can still be left out. A turn's
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
  readonly #window = new FlowWindow();
  readonly #queue: TakerQueue<TopicMessage>;
  readonly #keepAlive: Timer;
  readonly #tick: Millis;
  readonly #pump = () => this.#drain();
  #heardAt: Millis;
  #probedAt = millis(Number.NEGATIVE_INFINITY);
  #probedTotal = 0;
  /** The window kept something back since the last answer. */
  #wasFull = false;
  readonly #waiters = new Set<Waiter>();
  #isClosed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    const { socket, clock, pingPeriod, deadline, age = limits.backlogAge } = options;
    this.#queue = new TakerQueue<TopicMessage>({
      limits: {
        bytes: limits.backlogBytes,
        hardBytes: limits.backlogHardBytes,
        age,
        pictureAge: () => millis(Math.min(age, Math.max(LEAST_AGE, NO_LATER - this.#window.longest))),
      },
      onTheWay: this.#confirmations,
    });
    this.#heardAt = clock.now();
    socket.on('message', () => this.#heard());
    socket.on('ping', () => this.#heard());
    socket.on('pong', (data: Buffer) => this.#confirmed(data));
    this.#tick = millis(Math.min(pingPeriod / 2, deadline - pingPeriod));
    this.#keepAlive = clock.every(this.#tick, () => this.#checkPeer());
  }

  /** All that was left out since the beginning. */
  get dropped(): Drops {
    return dropsOf(this.#queue);
  }

  /** Bytes sent and not confirmed, and waiting. */
  get backlog(): number {
    return this.#queue.backlog;
  }

  /** How old the oldest is that waits here or in the network, in ms; 0 where nothing does. */
  delay(now: Millis): number {
    return Math.max(this.#queue.age(now), this.#confirmations.age(now), this.#window.delay);
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

  /** Sends messages for the other side to begin with, before all others and outside the budget. */
  sendReplay(messages: readonly TopicMessage[]): void {
    if (this.#options.socket.readyState !== this.#options.socket.OPEN) return;
    this.#options.tcp.cork();
    for (const message of messages) this.#write(message, true);
    this.#probe(this.#options.clock.now());
    this.#options.tcp.uncork();
  }

  /** Forgets what waits here: nobody wants it any more. */
  forget(): void {
    this.#queue.clear();
    this.#look();
  }

  /** Resolves when nothing waits here any more, or after `most`, or when this is closed. */
  emptied(most: Millis): Promise<void> {
    return this.#until(() => this.#queue.length === 0, most);
  }

  /** Resolves when the other side has read all that it was given so far, or after `most`, or when this is closed. */
  async settled(most: Millis): Promise<void> {
    const { clock } = this.#options;
    const end = clock.now() + most;
    await this.emptied(most);
    const { written } = this.#confirmations;
    const isRead = () => this.#confirmations.confirmed >= written;
    if (!isRead()) this.#probe(clock.now());
    await this.#until(isRead, millis(Math.max(0, end - clock.now())));
  }

  /** Resolves when the other side has read something of this, or after `most`, or when this is closed. */
  heard(most: Millis): Promise<void> {
    return this.#until(() => this.#confirmations.confirmed > 0, most);
  }

  /** Counts what still waits as left out. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#keepAlive.cancel();
    this.#queue.discard();
    this.#look();
  }

  async #until(holds: () => boolean, most: Millis): Promise<void> {
    if (this.#isClosed || most <= 0 || holds()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { holds, resolve };
    this.#waiters.add(waiter);
    const late = this.#options.clock.after(most, resolve);
    await promise;
    late.cancel();
    this.#waiters.delete(waiter);
  }

  /** Something has left, was confirmed, or will never be. */
  #look(): void {
    for (const { holds, resolve } of this.#waiters) if (this.#isClosed || holds()) resolve();
  }

  #drain(): void {
    const { socket, tcp, clock } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    const now = clock.now();
    if (this.#queue.length > 0) {
      tcp.cork();
      while (this.#hasRoom(now)) {
        const next = this.#queue.shift(now);
        if (!next) break;
        this.#write(next.message, false);
      }
      // In the write that carries media anyway.
      if (this.#isProbeDue(now)) this.#probe(now);
      tcp.uncork();
    }
    this.#look();
  }

  #hasRoom(now: Millis): boolean {
    const { socket } = this.#options;
    const { allBytes: bytes, openBytes: asked } = this.#confirmations;
    const isFull = this.#window.isFull({ bytes, asked, owed: this.#confirmations.age(now) });
    if (isFull && this.#queue.length > 0) this.#wasFull = true;
    return !isFull && socket.bufferedAmount < HIGH_WATER_BYTES;
  }

  #write(message: TopicMessage, replay: boolean): void {
    const { socket, framing, onSent } = this.#options;
    const { data, binary } = framing.encode(message, replay);
    // The callback comes when the kernel has it.
    socket.send(data, { binary }, this.#pump);
    const bytes = message.bytes.byteLength;
    this.#confirmations.wrote(bytes);
    onSent(bytes, message);
  }

  #isProbeDue(now: Millis): boolean {
    return (
      this.#confirmations.openSince === undefined ||
      now - this.#probedAt >= ASK_EVERY ||
      this.#confirmations.written - this.#probedTotal >= this.#window.bytes / ASK_PARTS ||
      this.#confirmations.isDue(now)
    );
  }

  #probe(now: Millis): void {
    const { socket } = this.#options;
    const isFull = this.#confirmations.leeway().bytes === Number.POSITIVE_INFINITY;
    if (isFull || socket.readyState !== socket.OPEN) return;
    this.#probedAt = now;
    this.#probedTotal = this.#confirmations.written;
    const token = randomBytes(TOKEN_BYTES);
    this.#confirmations.probe(token.readUIntBE(0, TOKEN_BYTES), now);
    socket.ping(token);
  }

  #confirmed(token: Buffer): void {
    this.#heard();
    if (token.length !== TOKEN_BYTES) return;
    const now = this.#options.clock.now();
    const confirmed = this.#confirmations.answer(token.readUIntBE(0, TOKEN_BYTES), now);
    if (!confirmed) return;
    this.#window.confirmed(confirmed, now, this.#wasFull);
    this.#wasFull = false;
    this.#drain();
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
