import { Hub, type HubMessage, type Taker } from '@perch/hub';
import { closeCodes } from '@perch/protocol';
import type { Clock } from '@perch/runtime';
import type { Presence } from './audit/presence.ts';
import type { Connection } from './connection.ts';
import { LiveTopic, type TopicInfo } from './live-topic.ts';

/** A part of the relay that lives on a topic. */
export interface Inhabitant extends Disposable {
  say(message: HubMessage): void;
}

/** All topics that somebody is connected to, and all connections. */
export class Topics {
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #startGroupBytes: number;
  readonly #mostTopics: number;
  readonly #live = new Map<string, LiveTopic>();
  readonly #connections = new Set<Connection>();
  /** Connections that are on no topic now: they have no right yet, or none any more and may bring a new one. */
  readonly #waiting = new Set<Connection>();
  readonly #presence: Presence;
  #onEmpty: (() => void) | undefined;

  constructor(options: {
    clock: Clock;
    startGroupBytes: number;
    mostTopics: number;
    presence: Presence;
  }) {
    this.#clock = options.clock;
    this.#startGroupBytes = options.startGroupBytes;
    this.#mostTopics = options.mostTopics;
    this.#presence = options.presence;
    this.#hub = new Hub({ clock: options.clock, endOfTurn: (flush) => void setImmediate(flush) });
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /** Those on topics of a household. */
  connectionsOf(household: string): Connection[] {
    return [...this.#connections].filter(({ place }) => place.household === household);
  }

  /** Whether a device is connected. */
  hasDevice(id: string): boolean {
    return [...this.#connections].some(({ authority: by }) => by.kind === 'device' && by.id === id);
  }

  /** How many connections there are, those that wait for a right included. */
  get connectionCount(): number {
    return this.#connections.size + this.#waiting.size;
  }

  get size(): number {
    return this.#live.size;
  }

  list(): TopicInfo[] {
    return [...this.#live.values()].map((topic) => topic.info);
  }

  /** Whether somebody is connected to this topic. */
  has(topic: string): boolean {
    return this.#live.has(topic);
  }

  /** Lets a part of the relay hear a topic and speak there. It is no connection, and does not hear itself. */
  inhabit(name: string, taker: Taker): Inhabitant {
    const topic = this.#hub.topic(name);
    const stay = topic.take(taker);
    return {
      say: (message) => topic.publish(message, taker),
      [Symbol.dispose]: () => stay[Symbol.dispose](),
    };
  }

  /** Whether a connection to this topic can be taken. */
  hasRoom(topic: string): boolean {
    return this.#live.has(topic) || this.#live.size < this.#mostTopics;
  }

  /** Looks after a connection that may not be on its topic yet. */
  wait(connection: Connection): void {
    this.#waiting.add(connection);
  }

  /** Takes a connection off its topic; it may join again. */
  suspend(connection: Connection): void {
    this.#waiting.add(connection);
    this.#connections.delete(connection);
    this.#live.get(connection.topic)?.leave(connection);
    this.#presence.left(connection);
    connection.outlet.clear();
  }

  join(connection: Connection): void {
    this.#waiting.delete(connection);
    this.#connections.add(connection);
    let live = this.#live.get(connection.topic);
    if (!live) {
      live = new LiveTopic({
        name: connection.topic,
        place: connection.place,
        hub: this.#hub,
        clock: this.#clock,
        startGroupBytes: this.#startGroupBytes,
        onEmpty: () => void this.#live.delete(connection.topic),
      });
      this.#live.set(connection.topic, live);
    }
    live.join(connection);
    this.#presence.joined(connection);
  }

  leave(connection: Connection): void {
    const wasOnTopic = this.#connections.delete(connection);
    this.#waiting.delete(connection);
    if (wasOnTopic) this.#live.get(connection.topic)?.leave(connection);
    this.#presence.left(connection);
    if (this.connectionCount === 0) this.#onEmpty?.();
  }

  publish(message: HubMessage, from: Connection): void {
    this.#live.get(from.topic)?.publish(message, from);
  }

  /** A publisher has media that it holds back until somebody watches. */
  standBy(connection: Connection): void {
    if (this.#connections.has(connection)) this.#live.get(connection.topic)?.standBy(connection);
  }

  /** About once a second: who is gone, who may no longer be here, how much flows. */
  tick(mayStay: (connection: Connection) => boolean): void {
    for (const topic of this.#live.values()) topic.tick();
    for (const connection of this.#connections) {
      if (!mayStay(connection)) connection.dismiss(closeCodes.unauthorised, RIGHT_ENDED);
      connection.checkSilence();
    }
    for (const connection of this.#waiting) connection.checkSilence();
  }

  /** Ends at once whoever's right has ended. */
  dismiss(hasEnded: (connection: Connection) => boolean): void {
    for (const connection of this.#connections) {
      if (hasEnded(connection)) connection.dismiss(closeCodes.unauthorised, RIGHT_ENDED);
    }
  }

  /** Tells everybody that the relay goes; resolves when all are gone, the unwilling after `patienceMs`. */
  async close(patienceMs: number): Promise<void> {
    if (this.connectionCount === 0) return;
    const { promise: empty, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    const all = [...this.#connections, ...this.#waiting];
    for (const connection of all) connection.close(closeCodes.goingAway, 'the relay stops');
    const impatience = setTimeout(() => {
      for (const connection of all) connection.terminate();
    }, patienceMs);
    await empty;
    clearTimeout(impatience);
  }
}

/** The reason of a close with 4401. */
export const RIGHT_ENDED = 'the right to be here has ended';
