import type { HubMessage, TopicMessage } from '@perch/hub';
import { beginsGroup, countPictures } from '@perch/mpegts';
import { limits } from '@perch/protocol';
import type { Clock, Logger, Millis, Timer } from '@perch/runtime';
import { Meter } from '../ingest/meter.ts';
import type { FeedInput, Switchboard } from '../ingest/switchboard.ts';
import type { DestinationRule } from '../rules/rule.ts';
import type { Dialer } from './dial.ts';
import { type Drops, DropTally } from './drops.ts';
import { Line, type LineState } from './line.ts';
import { Tap } from './tap.ts';

export type UplinkState = LineState;

export interface UplinkOptions {
  readonly rule: DestinationRule;
  readonly switchboard: Switchboard;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly random?: () => number;
  readonly logger: Logger;
}

/** How the way out of a stream stands. */
export interface UplinkPressure {
  /** How old the oldest is that waits here or in the network, in ms. */
  readonly delayMs: number;
  /** Left out so far; counts up. */
  readonly droppedMessages: number;
  /** Bits per second that leave. */
  readonly bitRate: number;
}

/** A destination that is being made while the old one goes on. */
export interface Moving {
  readonly to: string;
  /** On the agent's clock. */
  readonly since: Millis;
  readonly state: LineState;
  readonly lastError: string | undefined;
}

interface Move {
  readonly line: Line;
  /** The old one's where the topic stays the same. */
  readonly tap: Tap;
  readonly since: Millis;
  /** Runs from when the new line is ready. */
  patience: Timer | undefined;
}

/**
 * Sends what a topic carries to one destination, and what comes back to the topic. `move` makes another destination
 * before this one is broken (DESIGN, media rule 5); `close` ends it with 1000.
 */
export class Uplink {
  readonly meter = new Meter();
  readonly #options: Omit<UplinkOptions, 'rule'>;
  /** Opened by the first message that comes back. */
  #input: FeedInput | undefined;
  #line: Line;
  #tap: Tap;
  #move: Move | undefined;
  /** Lines that were left and still have something to deliver, and when each is gone. */
  readonly #leaving = new Map<Line, Promise<void>>();
  readonly #droppedBefore = new DropTally();
  #reconnectsBefore = 0;
  #frames = 0;

  constructor({ rule, ...options }: UplinkOptions) {
    this.#options = options;
    this.#tap = this.#makeTap(rule.stream);
    this.#line = this.#makeLine(rule);
  }

  /** The rule that holds; that of a move in progress is not in force yet. */
  get rule(): DestinationRule {
    return this.#line.rule;
  }

  /** The rule that was given last. */
  get wanted(): DestinationRule {
    return (this.#move?.line ?? this.#line).rule;
  }

  get state(): UplinkState {
    return this.#line.state;
  }

  /** Another destination that is being made, if one is. */
  get moving(): Moving | undefined {
    if (!this.#move) return undefined;
    const { line, since } = this.#move;
    return { to: line.rule.destination, since, state: line.state, lastError: line.lastError };
  }

  /** How often a connection was opened again. */
  get reconnects(): number {
    return this.#reconnectsBefore + this.#line.reconnects;
  }

  /** Why the last connection failed or ended, in words. */
  get lastError(): string | undefined {
    return this.#line.lastError;
  }

  /** How many watch at the other end, where it says so; 0: nothing is sent. */
  get viewers(): number | undefined {
    return this.#line.viewers;
  }

  get dropped(): Drops {
    const leaving = [...this.#leaving.keys()].map(({ dropped }) => dropped);
    return new DropTally(this.#droppedBefore, ...leaving, this.#line.dropped);
  }

  /** Pictures that left, those of a replay included. */
  get frames(): number {
    return this.#frames;
  }

  /** Bytes waiting or unconfirmed. */
  get backlog(): number {
    return this.#line.backlog;
  }

  /** How old the oldest is that waits or is on its way, in ms. */
  get delayMs(): number {
    return this.#line.delayMs;
  }

  /** Undefined while nothing is sent. */
  get pressure(): UplinkPressure | undefined {
    if (!this.#line.isOpen || this.#line.viewers === 0) return undefined;
    return {
      delayMs: this.#line.delayMs,
      droppedMessages: this.dropped.messages,
      bitRate: this.meter.bitRate(this.#options.clock.now()),
    };
  }

  start(): void {
    this.#line.start();
  }

  /**
   * Makes a new destination and leaves the old one when the new one is open and a random access point has come: the old
   * gets everything before it, the new one everything from it on. As long as the new one cannot be reached the old one
   * goes on. Where the old one is not open the new one takes its place at once, with the last group of pictures.
   */
  move(rule: DestinationRule): void {
    this.#giveUpMove('replaced');
    const tap = rule.stream === this.#tap.topic ? this.#tap : this.#makeTap(rule.stream);
    const line = this.#makeLine(rule);
    const move: Move = { line, tap, since: this.#options.clock.now(), patience: undefined };
    this.#move = move;
    if (!this.#line.isOpen) this.#goOver(move);
    line.start();
  }

  /** Stops at once: the far end gets close code 1000. Resolves when the sockets are gone. */
  async close(reason = 'the rule is gone'): Promise<void> {
    this.#giveUpMove(reason);
    this.#tap.close();
    this.#input?.close();
    const lines = [this.#line, ...this.#leaving.keys()];
    await Promise.all([...lines.map((line) => line.close(reason)), ...this.#leaving.values()]);
  }

  #makeTap(topic: string): Tap {
    const { switchboard } = this.#options;
    const tap: Tap = new Tap({
      topic,
      switchboard,
      self: this,
      onMessages: (messages) => this.#take(tap, messages),
    });
    return tap;
  }

  #makeLine(rule: DestinationRule): Line {
    const { dialer, clock, random, logger } = this.#options;
    const line: Line = new Line({
      rule,
      dialer,
      clock,
      ...(random && { random }),
      logger,
      group: () => (line === this.#line ? this.#tap.group : undefined),
      // While the old one goes on there is time.
      dialTimeout: () => (line === this.#move?.line ? limits.moveDialTimeout : limits.dialTimeout),
      onReady: () => this.#onReady(line),
      onMessage: (message) => this.#publish(line, message),
      onSent: (bytes, message) => this.#onSent(bytes, message),
    });
    return line;
  }

  #take(tap: Tap, messages: readonly TopicMessage[]): void {
    const move = this.#move;
    const isAwaited = move?.tap === tap && move.line.isReady;
    if (isAwaited && !this.#line.isOpen) this.#goOver(move);
    let begin = 0;
    for (const [i, message] of messages.entries()) {
      tap.group.add(message);
      if (!isAwaited || this.#move !== move) continue;
      const first = beginning(tap, message);
      if (!first) continue;
      // The old one gets what is before it, the new one what is from it on.
      if (tap === this.#tap) this.#line.send(messages.slice(0, i));
      this.#switch(move);
      this.#line.send([first]);
      begin = i + 1;
    }
    if (tap === this.#tap) this.#line.send(begin === 0 ? messages : messages.slice(begin));
  }

  #onReady(line: Line): void {
    const move = this.#move;
    if (!move || line !== move.line) return;
    move.patience?.cancel();
    // A topic that has no random access points can be gone on with anywhere.
    if (move.tap === this.#tap && move.tap.group.state === 'none') this.#switch(move);
    else if (!this.#line.isOpen) this.#goOver(move);
    else {
      move.patience = this.#options.clock.after(limits.switchWait, () => {
        if (this.#move === move && line.isReady) this.#goOver(move);
      });
    }
  }

  /** Leaves the old one in the middle of a group: the new one begins with what there is of it. */
  #goOver(move: Move): void {
    this.#switch(move);
    this.#line.beginWithGroup();
  }

  #switch(move: Move): void {
    move.patience?.cancel();
    this.#move = undefined;
    const [old, oldTap] = [this.#line, this.#tap];
    this.#line = move.line;
    this.#tap = move.tap;
    if (oldTap !== move.tap) {
      oldTap.close();
      this.#input?.close();
      this.#input = undefined;
    }
    this.#reconnectsBefore += old.reconnects;
    const isSame = old.rule.destination === move.line.rule.destination;
    this.#leave(old, old.retire(isSame ? move.line : undefined));
  }

  #giveUpMove(reason: string): void {
    const move = this.#move;
    if (!move) return;
    this.#move = undefined;
    move.patience?.cancel();
    if (move.tap !== this.#tap) move.tap.close();
    this.#leave(move.line, move.line.close(reason));
  }

  #leave(line: Line, closing: Promise<void>): void {
    const left = closing.finally(() => {
      this.#leaving.delete(line);
      this.#droppedBefore.add(line.dropped);
    });
    this.#leaving.set(line, left);
  }

  #onSent(bytes: number, { bytes: content, mark }: TopicMessage): void {
    this.meter.add(bytes, this.#options.clock.now());
    if (mark.class === 'video') this.#frames += countPictures(content);
  }

  #publish(line: Line, message: HubMessage): void {
    if (line !== this.#line) return;
    this.#input ??= this.#options.switchboard.open(this.#tap.topic, { isFar: true });
    this.#input.publish(message, this);
  }
}

/** What a new destination gets first if it begins with this message; undefined where it cannot. */
function beginning(tap: Tap, message: TopicMessage): TopicMessage | undefined {
  const { group } = tap;
  if (beginsGroup(message.mark)) return group.state === 'whole' ? group.messages[0] : undefined;
  return group.state === 'none' && message.mark.randomAccess ? message : undefined;
}
