import type { Duplex } from 'node:stream';
import { closeCodes } from '@perch/protocol';
import type { Clock } from '@perch/runtime';
import type { WebSocket } from 'ws';
import type { Authority } from '../auth/codes.ts';
import type { Onlooker } from '../auth/gate.ts';
import type { Topics } from '../topics.ts';
import { clientStats } from './client-stats.ts';

/** A page that asks faster than it reads is not answered beyond this. */
const MOST_BUFFERED_BYTES = 1024 * 1024;

/**
 * `/ws`: crossbar's statistics socket (COMPAT 2.2). It says nothing by itself; every message is answered by one text
 * message per connected client. Its own connections are not listed.
 */
export class StatsSockets {
  readonly #topics: Topics;
  readonly #clock: Clock;
  /** Each with what its right rests on. */
  readonly #open = new Map<WebSocket, Authority>();

  constructor(options: { topics: Topics; clock: Clock }) {
    this.#topics = options.topics;
    this.#clock = options.clock;
  }

  get size(): number {
    return this.#open.size;
  }

  /** @param whose the connections of which household it hears of, and by which right. */
  add(webSocket: WebSocket, socket: Duplex, whose: Onlooker): void {
    this.#open.set(webSocket, whose.by);
    webSocket.on('message', () => {
      if (socket.writableLength > MOST_BUFFERED_BYTES) return;
      // One write for all of them; each stays a message of its own.
      socket.cork();
      for (const connection of this.#topics.connectionsOf(whose.household)) {
        webSocket.send(JSON.stringify(clientStats(connection, this.#clock)));
      }
      socket.uncork();
    });
    webSocket.on('error', () => {
      // `close` follows and is all that matters here
    });
    webSocket.on('close', () => void this.#open.delete(webSocket));
  }

  /** Ends whoever's right has ended. */
  dismiss(hasEnded: (authority: Authority) => boolean): void {
    for (const [webSocket, authority] of this.#open) {
      if (hasEnded(authority)) webSocket.close(closeCodes.unauthorised, 'the right to be here has ended');
    }
  }

  close(): void {
    for (const webSocket of this.#open.keys()) webSocket.close(closeCodes.goingAway, 'the relay stops');
  }

  terminate(): void {
    for (const webSocket of this.#open.keys()) webSocket.terminate();
  }
}
