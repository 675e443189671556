import type { Batch, Taker } from '@perch/hub';
import { closeCodes, limits, ProtocolError } from '@perch/protocol';
import type { Clock, Logger } from '@perch/runtime';
import type { WebSocket } from 'ws';
import { framingOf } from '../framing.ts';
import { type Corkable, Outbox } from '../outbox.ts';
import { Meter } from './meter.ts';
import type { FeedInput, Switchboard } from './switchboard.ts';

export interface MemberOptions {
  readonly topic: string;
  readonly socket: WebSocket;
  readonly tcp: Corkable;
  readonly switchboard: Switchboard;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * One WebSocket on `/ws/<topic>`: hears what the topic carries and is heard by its other members (COMPAT 1.4). It
 * lives as long as its socket, which it takes over.
 */
export class Member implements Taker {
  readonly topic: string;
  readonly meter = new Meter();
  readonly #outbox: Outbox;
  readonly #socket: WebSocket;

  constructor({ topic, socket, tcp, switchboard, clock, logger }: MemberOptions) {
    this.topic = topic;
    this.#socket = socket;
    const framing = framingOf(socket.protocol);
    this.#outbox = new Outbox({
      socket,
      tcp,
      framing,
      clock,
      pingPeriod: limits.pingPeriod,
      deadline: limits.readDeadline,
      onSent: (bytes) => this.meter.add(bytes, clock.now()),
    });
    /** Opened by the first message: who only listens publishes nothing. */
    let input: FeedInput | undefined;
    const leave = switchboard.join(topic, this);
    socket.on('message', (data: Buffer, binary: boolean) => {
      try {
        const received = framing.decode(data, binary, clock.wall());
        if (received.kind === 'message') {
          input ??= switchboard.open(topic);
          input.publish(received.message, this);
        } else if (received.kind === 'answer') socket.send(received.text);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        socket.close(closeCodes.protocolError, error.message.slice(0, 120));
      }
    });
    // 1009 for a message over the limit, 1007 for text that is none: `ws` has closed by then, and `close` follows.
    socket.on('error', (error) => logger.warn('member broke the protocol', { topic, error: error.message }));
    socket.on('close', (code) => {
      leave[Symbol.dispose]();
      input?.close();
      this.#outbox.close();
      logger.debug('member left', { topic, code });
    });
    logger.debug('member came', { topic });
  }

  /** What it was not given, because it was too slow. */
  get dropped() {
    return this.#outbox.dropped;
  }

  take(batch: Batch): void {
    this.#outbox.send(batch, this);
  }

  /** Says goodbye; whoever does not answer is cut off after `ws`'s close time-out. */
  close(): void {
    this.#socket.close(closeCodes.goingAway, 'the agent is closing');
  }
}
