import { captureLimits, type FromDevice, type FromRelay, ProtocolError } from '@perch/protocol';
import { type Clock, type Logger, millis, type Timer } from '@perch/runtime';
import type { CaptureFacts } from '../capture.ts';
import type { Library } from '../library.ts';
import type { Arriving } from '../store/arriving.ts';
import type { SegmentStore } from '../store/segment-store.ts';

export type Offer = Extract<FromDevice, { type: 'offer' }>;

/** Where there is no room now there may be some in a minute. */
const NO_ROOM_PAUSE = millis(60_000);
/** What no waiting will mend is asked again tomorrow. */
const HOPELESS_PAUSE = millis(86_400_000);
/** So often bytes may differ from what was offered before we stop asking for them. */
const MOST_AGAIN = 3;

export interface UploadOptions {
  readonly offer: Offer;
  readonly of: CaptureFacts;
  readonly store: SegmentStore;
  readonly library: Library;
  readonly say: (message: FromRelay) => void;
  /** It was confirmed that so many bytes have come. */
  readonly onReceived: (bytes: number) => void;
  /** Nothing more of this stream is waited for. */
  readonly onEnded: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One stream of one connection: a segment from its offer to the promise that it is safe. */
export class Upload {
  readonly #options: UploadOptions;
  #arriving: Arriving | undefined;
  /** Up to where the device has sent. */
  #taken = 0;
  /** Up to where we said `received`. */
  #said = 0;
  #pending: Uint8Array[] = [];
  #isEnded = false;
  #sayLater: Timer | undefined;
  #differed = 0;
  #work: Promise<void>;

  constructor(options: UploadOptions) {
    this.#options = options;
    this.#work = this.#guard(() => this.#begin());
  }

  /** Takes bytes; they are the upload's from now on. @throws {ProtocolError} where they leave a gap, or are too many. */
  take(offset: number, bytes: Uint8Array): void {
    const { stream, size } = this.#options.offer;
    if (!this.#arriving) throw bad(`bytes of stream ${stream} came before they were asked for`);
    if (offset !== this.#taken)
      throw bad(`bytes of stream ${stream} came from ${offset}, not from ${this.#taken}`);
    if (offset + bytes.byteLength > size) throw bad(`stream ${stream} has more bytes than its offer says`);
    this.#taken += bytes.byteLength;
    this.#pending.push(bytes);
    if (this.#pending.length === 1) this.#work = this.#work.then(() => this.#guard(() => this.#write()));
  }

  /** Lets go of it, and keeps what came. Resolves when nothing of it goes on. Idempotent. */
  close(): Promise<void> {
    this.#end();
    this.#work = this.#work.then(() => this.#arriving?.close());
    return this.#work;
  }

  async #begin(): Promise<void> {
    const { offer, of, store, library } = this.#options;
    const { segment: number, extension, size, sha256 } = offer;
    const known = await library.segmentOf(of.device, of.name, number);
    if (known?.file && known.state !== 'cut') {
      if (known.file.sha256 === sha256) this.#promise();
      else this.#refuse('another file with this number of this film is here already', HOPELESS_PAUSE);
      return;
    }
    const place = { device: of.device, capture: of.name, segment: number };
    const bytes = `${sha256} ${size} ${extension}`;
    if (await store.has({ ...place, extension, sha256 }, size)) {
      await store.forget(place, bytes);
      await this.#keep();
      return;
    }
    if (size > (await store.free())) {
      this.#refuse('the disk of the relay is full', NO_ROOM_PAUSE);
      return;
    }
    const arriving = await store.begin(place, bytes);
    this.#arriving = arriving;
    if (arriving.size > size) await arriving.restart();
    this.#startFrom(arriving.size);
    if (arriving.size === size) await this.#finish(arriving);
    else if (!this.#isEnded) this.#say({ type: 'send', stream: offer.stream, offset: arriving.size });
  }

  async #write(): Promise<void> {
    const arriving = this.#arriving;
    if (!arriving || this.#isEnded) return;
    const parts = this.#pending;
    this.#pending = [];
    await arriving.append(parts);
    const isAll = arriving.size === this.#options.offer.size;
    if (isAll || arriving.size - this.#said >= captureLimits.receivedEveryBytes) this.#sayReceived();
    else this.#sayLater ??= this.#options.clock.after(captureLimits.receivedEvery, () => this.#sayReceived());
    if (isAll) await this.#finish(arriving);
  }

  async #finish(arriving: Arriving): Promise<void> {
    const { offer, of, logger } = this.#options;
    if (arriving.contents.sha256 === offer.sha256) {
      const { segment, extension } = offer;
      await arriving.finish({ device: of.device, capture: of.name, segment, extension });
      await this.#keep();
      return;
    }
    const reason = 'the bytes that came have another SHA-256 than was offered';
    logger.warn('a segment is not what was offered', { capture: of.name, segment: offer.segment });
    await arriving.restart();
    this.#differed++;
    if (this.#differed > MOST_AGAIN) {
      this.#refuse(reason, HOPELESS_PAUSE);
      return;
    }
    this.#startFrom(0);
    if (!this.#isEnded) this.#say({ type: 'again', stream: offer.stream, reason });
  }

  /** The file is in its place: note it, then promise it. */
  async #keep(): Promise<void> {
    const { offer, of, library } = this.#options;
    const { segment, extension, size, sha256 } = offer;
    await library.keepSegment(of, segment, { extension, size, sha256 });
    this.#promise();
  }

  #promise(): void {
    const { stream, sha256 } = this.#options.offer;
    if (!this.#isEnded) this.#say({ type: 'persisted', stream, sha256 });
    this.#end();
  }

  #refuse(reason: string, after: number): void {
    const { stream } = this.#options.offer;
    if (!this.#isEnded) this.#say({ type: 'refused', stream, reason, after });
    this.#end();
  }

  /** What fails here is ours, the disk's or the database's; the device comes back with it later. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { offer, of, logger } = this.#options;
      logger.error('a segment cannot be kept now', {
        ...{ capture: of.name, segment: offer.segment },
        error: (error as Error).message,
      });
      this.#refuse('the relay cannot write it to its disk now', captureLimits.refusedPause);
    }
    // Whoever ended it meanwhile left the file to us.
    if (this.#isEnded) await this.#arriving?.close();
  }

  #startFrom(offset: number): void {
    this.#taken = offset;
    this.#said = offset;
  }

  #sayReceived(): void {
    this.#sayLater?.cancel();
    this.#sayLater = undefined;
    const offset = this.#arriving?.size ?? 0;
    if (this.#isEnded || offset <= this.#said) return;
    this.#options.onReceived(offset - this.#said);
    this.#said = offset;
    this.#say({ type: 'received', stream: this.#options.offer.stream, offset });
  }

  #say(message: FromRelay): void {
    this.#options.say(message);
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#sayLater?.cancel();
    this.#pending = [];
    // What was not confirmed of it is on nobody's account any more.
    this.#options.onReceived(this.#taken - this.#said);
    this.#options.onEnded();
  }
}

const bad = (message: string) => new ProtocolError('bad-capture-frame', message);
