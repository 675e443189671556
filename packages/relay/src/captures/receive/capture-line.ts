import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type CaptureEvent,
  type CaptureName,
  captureLimits,
  closeCodes,
  decodeFromDevice,
  encodeCaptureMessage,
  FRAME_HEADER_BYTES,
  type FromRelay,
  ProtocolError,
  readFrameHeader,
} from '@perch/protocol';
import { type Clock, type Logger, millis } from '@perch/runtime';
import type { WebSocket } from 'ws';
import type { CaptureFacts } from '../capture.ts';
import type { Library } from '../library.ts';
import type { SegmentStore } from '../store/segment-store.ts';
import { type Offer, Upload } from './upload.ts';

/** A device that is silent for so long is asked whether it is there; after so long it is gone. */
const QUIET = millis(20_000);
const SILENCE = millis(60_000);
/** Answers that a device does not read. */
const MOST_UNREAD_BYTES = 1024 * 1024;
/** Streams that one connection may have had. Whoever needs more connects anew. */
const MOST_STREAMS = 1_000_000;

export interface CaptureLineOptions {
  readonly webSocket: WebSocket;
  readonly socket: Duplex;
  readonly device: string;
  readonly household: string;
  readonly store: SegmentStore;
  readonly library: Library;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onClosed: () => void;
}

/** One connection on which a device brings films: `perch.captures.1`, as `docs/reference/captures-wire.md` has it. */
export class CaptureLine {
  readonly #options: CaptureLineOptions;
  readonly #uploads = new Map<number, Upload>();
  /** All streams that were ever offered here. */
  readonly #known = new Set<number>();
  /** Work that is not done yet. */
  readonly #busy = new Set<Promise<void>>();
  #events = 0;
  /** Bytes that came and are not confirmed. */
  #unconfirmed = 0;
  #isGreeted = false;
  #isOver = false;
  #bytesRead = 0;
  #heardAt: number;
  #pingedAt: number;

  constructor(options: CaptureLineOptions) {
    const { webSocket, clock, logger } = options;
    this.#options = options;
    this.#heardAt = clock.now();
    this.#pingedAt = this.#heardAt;
    webSocket.on('message', (data, isBinary) => this.#read(data as Buffer, isBinary));
    webSocket.on('error', (error) => logger.debug('a device with films broke off', { error: error.message }));
    webSocket.on('close', () => {
      void this.stopped();
      options.onClosed();
    });
  }

  /** Lets the device begin. */
  greet(): void {
    if (this.#isOver) return;
    this.#isGreeted = true;
    this.#say({ type: 'hello', window: captureLimits.windowBytes, streams: captureLimits.streams });
  }

  /** Takes nothing more, and says why. Resolves when all that came is let go of: another connection may go on with it. */
  end(code: number, reason: string): Promise<void> {
    this.#options.webSocket.close(code, reason);
    return this.stopped();
  }

  /** Takes nothing more. Resolves when all that came is let go of. Idempotent. */
  async stopped(): Promise<void> {
    this.#isOver = true;
    for (const upload of [...this.#uploads.values()]) this.#follow(upload.close());
    while (this.#busy.size > 0) await Promise.all(this.#busy);
  }

  terminate(): void {
    this.#options.webSocket.terminate();
  }

  /** Asks a quiet device whether it is there, and ends what is gone. Called about once a second. */
  tick(): void {
    const { clock, socket, webSocket } = this.#options;
    const now = clock.now();
    const read = socket instanceof Socket ? socket.bytesRead : 0;
    if (read !== this.#bytesRead) {
      this.#bytesRead = read;
      this.#heardAt = now;
    }
    if (now - this.#heardAt >= SILENCE) webSocket.terminate();
    else if (now - this.#heardAt >= QUIET && now - this.#pingedAt >= QUIET) {
      this.#pingedAt = now;
      if (webSocket.readyState === webSocket.OPEN) webSocket.ping();
    }
  }

  #read(bytes: Buffer, isBinary: boolean): void {
    if (this.#isOver) return;
    try {
      if (isBinary) this.#takeBytes(bytes);
      else this.#takeText(bytes.toString());
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#options.logger.warn('a device with films broke the protocol', { error: error.message });
      void this.end(closeCodes.protocolError, error.message.slice(0, 120));
    }
  }

  #takeBytes(message: Buffer): void {
    const { stream, offset } = readFrameHeader(message);
    if (!this.#known.has(stream))
      throw new ProtocolError('bad-capture-frame', `nobody offered stream ${stream}`);
    const upload = this.#uploads.get(stream);
    // Bytes that were on their way when their stream ended.
    if (!upload) return;
    const payload = message.subarray(FRAME_HEADER_BYTES);
    this.#unconfirmed += payload.byteLength;
    if (this.#unconfirmed > captureLimits.windowBytes + captureLimits.frameBytes) {
      void this.end(closeCodes.policy, 'more bytes are on their way than were allowed');
      return;
    }
    upload.take(offset, payload);
  }

  #takeText(text: string): void {
    const message = decodeFromDevice(text);
    if (!message) return;
    if (!this.#isGreeted) throw new ProtocolError('bad-capture-message', 'wait for hello');
    switch (message.type) {
      case 'offer':
        this.#offer(message);
        break;
      case 'withdraw': {
        const upload = this.#uploads.get(message.stream);
        if (upload) this.#follow(upload.close());
        break;
      }
      case 'event':
        if (this.#events >= captureLimits.eventsInFlight) {
          void this.end(closeCodes.policy, 'more events are on their way than were allowed');
          return;
        }
        this.#events++;
        this.#follow(this.#note(message.id, message.event).finally(() => void this.#events--));
        break;
    }
  }

  #offer(offer: Offer): void {
    const { store, library, clock, logger } = this.#options;
    const { stream } = offer;
    if (this.#known.has(stream))
      throw new ProtocolError('bad-capture-message', `stream ${stream} is used again`);
    if (this.#uploads.size >= captureLimits.streams) {
      void this.end(closeCodes.policy, 'more segments are offered than were allowed');
      return;
    }
    if (this.#known.size >= MOST_STREAMS) {
      void this.end(closeCodes.tryAgainLater, 'so many streams on one connection: connect anew');
      return;
    }
    this.#known.add(stream);
    const upload: Upload = new Upload({
      offer,
      of: this.#factsOf(offer.capture),
      store,
      library,
      clock,
      logger,
      say: (message) => this.#say(message),
      onReceived: (bytes) => {
        this.#unconfirmed -= bytes;
      },
      onEnded: () => this.#uploads.delete(stream),
    });
    this.#uploads.set(stream, upload);
  }

  async #note(id: string, event: CaptureEvent): Promise<void> {
    const { library, device, household, logger } = this.#options;
    try {
      switch (event.kind) {
        case 'alarm': {
          const { timestamp, gpio, capture } = event;
          await library.raiseAlarm(
            { household, device, id, timestamp, gpio },
            capture && this.#factsOf(capture),
          );
          break;
        }
        case 'end':
          await library.end(this.#factsOf(event.capture), event.segments);
          break;
        case 'lost':
          logger.warn('a segment is lost on the device', {
            ...{ capture: event.capture.id, segment: event.segment },
            reason: event.reason,
          });
          await library.loseSegment(this.#factsOf(event.capture), event.segment, event.reason);
          break;
      }
    } catch (error) {
      // Without an answer the device says it again on its next connection.
      logger.error('an event of a device cannot be kept now', { error: (error as Error).message });
      void this.end(closeCodes.tryAgainLater, 'the relay cannot write now');
      return;
    }
    this.#say({ type: 'noted', id });
  }

  #factsOf({ id, trigger, timestamp }: CaptureName): CaptureFacts {
    const { device, household } = this.#options;
    const cause = trigger === 'cap' ? 'asked' : 'motion';
    return { household, device, name: id, source: 'perch', cause, timestamp };
  }

  #say(message: FromRelay): void {
    const { webSocket, socket } = this.#options;
    if (this.#isOver || webSocket.readyState !== webSocket.OPEN) return;
    if (socket.writableLength > MOST_UNREAD_BYTES) webSocket.terminate();
    else webSocket.send(encodeCaptureMessage(message));
  }

  #follow(work: Promise<void>): void {
    this.#busy.add(work);
    void work.finally(() => this.#busy.delete(work));
  }
}
