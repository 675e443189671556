import type { IncomingMessage, ServerResponse } from 'node:http';
import { MessageCutter } from '@perch/mpegts';
import { limits } from '@perch/protocol';
import type { Clock, Logger, Millis } from '@perch/runtime';
import { refuse } from '../api/answer.ts';
import type { FeedInput, Switchboard } from './switchboard.ts';

/** How often publishers are looked at for having gone quiet. */
const SWEEP = 1_000 as Millis;

/** One body that is coming in. */
interface Publisher {
  readonly feed: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  heardAt: Millis;
}

export interface PublishersOptions {
  readonly switchboard: Switchboard;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Media that comes in as the endless body of an HTTP request. Whole packets are on their way before the read that
 * brought them is over; a publisher that ends, breaks off or goes quiet is forgotten.
 */
export class Publishers {
  readonly #options: PublishersOptions;
  readonly #open = new Set<Publisher>();
  readonly #sweep: Disposable;
  #isClosed = false;

  constructor(options: PublishersOptions) {
    this.#options = options;
    this.#sweep = options.clock.every(SWEEP, () => this.#closeQuiet());
  }

  /** Takes the body of `request` as media of `feed`, until it ends. */
  accept(feed: string, request: IncomingMessage, response: ServerResponse): void {
    const { switchboard, clock, logger } = this.#options;
    if (this.#isClosed) {
      refuse(response, 503, 'the agent is closing');
      return;
    }
    request.socket.setNoDelay(true);
    const input = switchboard.open(feed);
    const publisher: Publisher = { feed, request, response, heardAt: clock.now() };
    this.#open.add(publisher);
    const cutter = cutInto(input, publisher, clock);
    request.on('data', (read: Buffer) => {
      publisher.heardAt = clock.now();
      cutter.push(read);
    });
    request.on('end', () => {
      cutter.end();
      response.writeHead(204).end();
    });
    request.on('error', (error) => logger.debug('publisher broke off', { feed, error: error.message }));
    request.on('close', () => {
      this.#open.delete(publisher);
      input.close();
      const { messages, bytes, skippedBytes, format } = cutter.stats;
      // The log tells one request from another only where media came.
      if (bytes > 0) logger.info('publisher left', { feed, messages, bytes, skippedBytes, format });
    });
    logger.debug('publisher came', { feed, remote: request.socket.remoteAddress });
  }

  /** Cuts all bodies off and takes no more. What was read of them is on its way. */
  close(): void {
    this.#isClosed = true;
    this.#sweep[Symbol.dispose]();
    for (const { request } of this.#open) request.destroy();
  }

  #closeQuiet(): void {
    const { clock, logger } = this.#options;
    const now = clock.now();
    for (const publisher of this.#open) {
      if (now - publisher.heardAt < limits.publisherIdle) continue;
      const { feed, request, response } = publisher;
      const seconds = limits.publisherIdle / 1000;
      logger.warn('publisher closed: it sent nothing', { feed, seconds });
      this.#open.delete(publisher);
      refuse(response, 408, `no byte came for ${seconds} s`);
      // With the answer out Node is done with the request, but for its endless body.
      response.once('finish', () => request.destroy());
    }
  }
}

function cutInto(input: FeedInput, from: Publisher, clock: Clock): MessageCutter {
  return new MessageCutter({
    onMessage: (bytes, mark) => {
      const capturedAt = clock.wall() * 1000;
      input.publish({ bytes, text: false, mark: { ...mark, capturedAt } }, from);
    },
  });
}
