import { randomUUID } from 'node:crypto';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type CloudTrigger,
  captureLimits,
  closeCodes,
  decodeFromCloudtalker,
  type FromCloudtalker,
  fromCloudTrigger,
  ProtocolError,
} from '@perch/protocol';
import { type Clock, type Logger, millis } from '@perch/runtime';
import type { WebSocket } from 'ws';
import type { CaptureFacts } from '../capture.ts';
import type { Library } from '../library.ts';
import type { Arriving } from '../store/arriving.ts';
import type { SegmentStore } from '../store/segment-store.ts';
import { CloudCamera } from './cloud-camera.ts';
import { containerOf } from './container.ts';

/** A cloudtalker pings every 55 s. One that is silent for so long is gone. */
const SILENCE = millis(180_000);
/** So much may wait for the disk before the device is made to wait. */
const MOST_WAITING_BYTES = 1024 * 1024;

export interface CloudLineOptions {
  readonly webSocket: WebSocket;
  readonly socket: Duplex;
  readonly device: string;
  readonly household: string;
  readonly store: SegmentStore;
  readonly library: Library;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether the camera is to be armed; `undefined`: nobody ever said. */
  readonly wanted: () => Promise<boolean | undefined>;
  /** The device said whether it is armed; `isHere`: for the first time, and from now on {@link CloudLine.camera} can be told. */
  readonly onArmed: (isArmed: boolean, isHere: boolean) => void;
  readonly onClosed: () => void;
}

/** A segment that is coming: it ends with the next text. */
interface Coming {
  readonly of: CaptureFacts;
  readonly number: number;
  /** None: it is here already, and its bytes are passed over. */
  readonly arriving: Arriving | undefined;
  start: Buffer;
}

/**
 * One connection of an unmodified cloudtalker (COMPAT 4.4): what it says in its order, without any promise to it. A film
 * whose start was not told is taken all the same; the same segment again is passed over, unless the first was cut.
 */
export class CloudLine {
  /** What it can be told. */
  readonly camera: CloudCamera;
  readonly #options: CloudLineOptions;
  #work: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  #coming: Coming | undefined;
  /** The film that has begun and was not said to be over. */
  #film: CaptureFacts | undefined;
  #isOver = false;
  #bytesRead = 0;
  #heardAt: number;

  constructor(options: CloudLineOptions) {
    const { webSocket, clock, logger } = options;
    this.#options = options;
    this.#heardAt = clock.now();
    this.camera = new CloudCamera({
      send: (state) => {
        if (webSocket.readyState === webSocket.OPEN) webSocket.send(JSON.stringify(state));
      },
      wanted: options.wanted,
      onHeard: options.onArmed,
      clock,
    });
    webSocket.on('message', (data, isBinary) => this.#read(data as Buffer, isBinary));
    webSocket.on('error', (error) => logger.debug('a cloudtalker broke off', { error: error.message }));
    webSocket.on('close', () => {
      this.camera.close();
      void this.stopped();
      options.onClosed();
    });
  }

  /** Says goodbye. Resolves when all that came is on the disk; a segment that was coming is cut. */
  end(code: number, reason: string): Promise<void> {
    this.#options.webSocket.close(code, reason);
    return this.stopped();
  }

  terminate(): void {
    this.#options.webSocket.terminate();
  }

  /** Ends it when the device is gone. Called about once a second. */
  tick(): void {
    const { clock, socket, webSocket } = this.#options;
    const read = socket instanceof Socket ? socket.bytesRead : 0;
    if (read !== this.#bytesRead) {
      this.#bytesRead = read;
      this.#heardAt = clock.now();
    }
    if (clock.now() - this.#heardAt >= SILENCE) webSocket.terminate();
  }

  /** Takes nothing more. Resolves when what came is kept. Idempotent. */
  stopped(): Promise<void> {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#then(() => this.#finish(true));
    }
    return this.#work;
  }

  #read(bytes: Buffer, isBinary: boolean): void {
    if (this.#isOver) return;
    const { webSocket, logger } = this.#options;
    if (isBinary) {
      this.#waitingBytes += bytes.byteLength;
      if (this.#waitingBytes > MOST_WAITING_BYTES) webSocket.pause();
      this.#then(async () => {
        await this.#append(bytes).finally(() => {
          this.#waitingBytes -= bytes.byteLength;
          if (webSocket.isPaused && this.#waitingBytes < MOST_WAITING_BYTES / 2) webSocket.resume();
        });
      });
      return;
    }
    try {
      const message = decodeFromCloudtalker(bytes.toString());
      // Nobody who waits for its answer waits for the disk.
      if (message?.type === 'state') this.camera.heard(message);
      this.#then(() => this.#take(message));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      logger.warn('a cloudtalker broke the protocol', { error: error.message });
      void this.end(closeCodes.protocolError, error.message.slice(0, 120));
    }
  }

  /** One after the other, in the order in which it came. What cannot be kept is said, and does not stop the rest. */
  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: Error) => {
      this.#options.logger.error('what a cloudtalker brings cannot be kept now', { error: error.message });
    });
  }

  async #take(message: FromCloudtalker | undefined): Promise<void> {
    await this.#finish(false);
    if (!message || message.type === 'state') return;
    const { library, device, household } = this.#options;
    switch (message.type) {
      case 'alarm': {
        const { trigger_timestamp: timestamp } = message;
        await library.raiseAlarm({ household, device, id: `cloudtalker-${timestamp}`, timestamp });
        break;
      }
      case 'capture_start':
        await this.#turnTo(this.#factsOf(message));
        break;
      case 'capture_segment':
        await this.#turnTo(this.#factsOf(message));
        await this.#begin(this.#factsOf(message), message.seg_no);
        break;
      case 'capture_end':
        this.#film = undefined;
        await library.end(this.#factsOf(message));
        break;
    }
  }

  /** A segment of another film ends the one before. */
  async #turnTo(film: CaptureFacts): Promise<void> {
    const before = this.#film;
    this.#film = film;
    if (before && before.name !== film.name) await this.#options.library.end(before);
  }

  async #begin(of: CaptureFacts, number: number): Promise<void> {
    const { library, store } = this.#options;
    const known = await library.segmentOf(of.device, of.name, number);
    const isHere = known?.state === 'here' || known?.state === 'removed';
    const place = { device: of.device, capture: of.name, segment: number };
    const arriving = isHere ? undefined : await store.begin(place, randomUUID());
    this.#coming = { of, number, arriving, start: Buffer.alloc(0) };
  }

  async #append(bytes: Buffer): Promise<void> {
    const coming = this.#coming;
    if (!coming?.arriving) return;
    if (coming.arriving.size + bytes.byteLength > captureLimits.segmentBytes) return;
    if (coming.start.byteLength < 16) coming.start = Buffer.concat([coming.start, bytes.subarray(0, 16)]);
    await coming.arriving.append([bytes]);
  }

  /** The segment that was coming is all here, or cut. */
  async #finish(isCut: boolean): Promise<void> {
    const coming = this.#coming;
    this.#coming = undefined;
    if (!coming?.arriving) return;
    const { library, store } = this.#options;
    const { of, number, arriving, start } = coming;
    const known = await library.segmentOf(of.device, of.name, number);
    // Of two that were cut the longer is kept.
    const isLess = isCut && (known?.file?.size ?? 0) >= arriving.size;
    if (arriving.size === 0 || isLess) {
      await arriving.discard();
      if (!known) await library.loseSegment(of, number, 'no byte of it came');
      return;
    }
    const extension = containerOf(start);
    const place = { device: of.device, capture: of.name, segment: number };
    const arrived = await arriving.finish({ ...place, extension });
    await library.keepSegment(of, number, { extension, ...arrived, isCut });
    if (known?.file && known.file.sha256 !== arrived.sha256)
      await store.remove([{ ...place, ...known.file }]);
  }

  #factsOf({
    trigger,
    trigger_timestamp: timestamp,
  }: {
    readonly trigger: CloudTrigger;
    readonly trigger_timestamp: number;
  }): CaptureFacts {
    const { device, household } = this.#options;
    const word = fromCloudTrigger(trigger);
    const cause = word === 'cap' ? 'asked' : 'motion';
    return {
      household,
      device,
      name: `cloudtalker-${word}-${timestamp}`,
      source: 'cloudtalker',
      cause,
      timestamp,
    };
  }
}
