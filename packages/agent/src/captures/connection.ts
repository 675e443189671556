import type { Socket } from 'node:net';
import type { Logger } from '@perch/runtime';
import { Film, type FilmOptions } from './film.ts';
import { isWhiteSpace, ObjectStream, type Parsed } from './object-stream.ts';

/** Longest JSON object that a camera program may send. In bytes. */
export const OBJECT_BYTES = 64 * 1024;
/** While so many segments are being taken nothing more is read. */
const TAKING_MOST = 64;
const OPEN_BRACE = 0x7b;
const DAMAGE_SAID = 5;

/**
 * One connection of a camera program: what it says becomes films (COMPAT 4.2). No reply is ever written. It is closed
 * at once where its first byte is neither white space nor `{`: a browser's page, perhaps, that posts to every port.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #film: Film;
  readonly #objects = new ObjectStream({ mostBytes: OBJECT_BYTES });
  readonly #logger: Logger;
  readonly #ended = Promise.withResolvers<void>();
  #hasBegun = false;
  #damage = 0;

  constructor(socket: Socket, options: FilmOptions) {
    this.#socket = socket;
    this.#logger = options.logger;
    this.#film = new Film(options);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    // A peer that is cut off ends its film like one that closes.
    socket.on('error', (error) =>
      this.#logger.debug('a camera program was cut off', { error: error.message }),
    );
    socket.once('close', () => {
      for (const parsed of this.#objects.end()) this.#take(parsed);
      void this.#film.end().then(this.#ended.resolve);
    });
  }

  /** Resolves when it is closed and all that it said is in the spool. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Ends the connection, and with it the film. */
  async close(): Promise<void> {
    this.#socket.destroy();
    await this.#ended.promise;
  }

  #onData(chunk: Buffer): void {
    if (!this.#hasBegun) {
      const first = chunk.find((byte) => !isWhiteSpace(byte));
      if (first === undefined) return;
      if (first !== OPEN_BRACE) {
        this.#logger.warn(
          'the capture socket takes JSON objects; a connection that began with something else was closed',
        );
        this.#socket.destroy();
        return;
      }
      this.#hasBegun = true;
    }
    for (const parsed of this.#objects.push(chunk)) this.#take(parsed);
    if (this.#film.taking < TAKING_MOST) return;
    this.#socket.pause();
    void this.#film.settled(TAKING_MOST / 2).then(() => this.#socket.resume());
  }

  #take(parsed: Parsed): void {
    if (parsed.kind === 'damage') {
      if (this.#damage++ < DAMAGE_SAID)
        this.#logger.warn('a camera program said something that is no JSON object', { why: parsed.why });
      return;
    }
    const { segment, event, gpio } = parsed.value;
    if (typeof segment === 'string' && segment !== '' && !segment.includes('\0')) this.#film.segment(segment);
    if (event === 'alarm')
      this.#film.alarm(typeof gpio === 'number' && Number.isInteger(gpio) ? gpio : undefined);
  }
}
