import { Hub, type HubMessage } from '@perch/hub';
import { closeCodes } from '@perch/protocol';
import type { Clock } from '@perch/runtime';
import type { Connection } from './connection.ts';
import { LiveTopic, type TopicInfo } from './live-topic.ts';

/** All topics that somebody is connected to, and all connections. */
export class Topics {
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #startGroupBytes: number;
  readonly #mostTopics: number;
  readonly #live = new Map<string, LiveTopic>();
  readonly #connections = new Set<Connection>();
  #onEmpty: (() => void) | undefined;

  constructor(options: { clock: Clock; startGroupBytes: number; mostTopics: number }) {
    this.#clock = options.clock;
    this.#startGroupBytes = options.startGroupBytes;
    this.#mostTopics = options.mostTopics;
    this.#hub = new Hub({ clock: options.clock, endOfTurn: (flush) => void setImmediate(flush) });
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  get size(): number {
    return this.#live.size;
  }

  list(): TopicInfo[] {
    return [...this.#live.values()].map((topic) => topic.info);
  }

  /** Whether a connection to this topic can be taken. */
  hasRoom(topic: string): boolean {
    return this.#live.has(topic) || this.#live.size < this.#mostTopics;
  }

  join(connection: Connection): void {
    this.#connections.add(connection);
    let live = this.#live.get(connection.topic);
    if (!live) {
      live = new LiveTopic({
        name: connection.topic,
        hub: this.#hub,
        clock: this.#clock,
        startGroupBytes: this.#startGroupBytes,
        onEmpty: () => void this.#live.delete(connection.topic),
      });
      this.#live.set(connection.topic, live);
    }
    live.join(connection);
  }

  leave(connection: Connection): void {
    this.#connections.delete(connection);
    this.#live.get(connection.topic)?.leave(connection);
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  publish(message: HubMessage, from: Connection): void {
    this.#live.get(from.topic)?.publish(message, from);
  }

  /** About once a second: who is gone, who may no longer be here, how much flows. */
  tick(mayStay: (connection: Connection) => boolean): void {
    for (const topic of this.#live.values()) topic.tick();
    for (const connection of this.#connections) {
      if (!mayStay(connection)) connection.close(closeCodes.unauthorised, 'the right to be here has ended');
      connection.checkSilence();
    }
  }

  /** Tells everybody that the relay goes; resolves when all are gone, the unwilling after `patienceMs`. */
  async close(patienceMs: number): Promise<void> {
    if (this.#connections.size === 0) return;
    const { promise: empty, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    for (const connection of this.#connections) connection.close(closeCodes.goingAway, 'the relay stops');
    const impatience = setTimeout(() => {
      for (const connection of this.#connections) connection.terminate();
    }, patienceMs);
    await empty;
    clearTimeout(impatience);
  }
}
