import {
  CLOUD_FRAME_BYTES,
  CLOUD_STATE_PERIODS,
  type CloudState,
  cloudStateDefaults,
  decodeCloudState,
  encodeFromCloudtalker,
  type FromCloudtalker,
  ProtocolError,
  toCloudTrigger,
} from '@perch/protocol';
import { millis, sleep, type Timer } from '@perch/runtime';
import type { Camera } from '../captures/camera.ts';
import type { CheckedOut } from '../spool/index.ts';
import type { SessionEnd, SessionOptions } from './session.ts';

/** A cloudtalker pings so often (COMPAT 4.4), and a cloud that is silent for two of them is gone. */
const PING = millis(55_000);
const SILENT = 110_000;
const READ_BYTES = 64 * 1024;
const UNREADABLE_PAUSE = 60_000;
const PERIODS = { least: 1, most: 3_600 };

/** Something that leaves the spool when the cloud has read all that was sent up to a ping. */
interface Unconfirmed {
  readonly confirm: () => Promise<void>;
  /** The connection ended first. */
  readonly giveBack: () => Promise<void>;
  /** A segment counts only when a text message has ended it. */
  ping: number | undefined;
}

/**
 * One connection to a cloud of cloudtalker's own kind (COMPAT 4.4), from the device's side. That protocol knows no
 * acknowledgement, so a segment leaves the spool when the cloud has answered a ping that was sent after the segment and
 * the text that ended it; what was not is sent again by the next connection. A text message ends a segment, so nothing is
 * said while the bytes of one are sent.
 */
export class CloudSession {
  readonly #options: SessionOptions;
  readonly #camera: Camera;
  readonly #closed = Promise.withResolvers<SessionEnd>();
  readonly #unconfirmed: Unconfirmed[] = [];
  readonly #events = new Set<string>();
  readonly #lost = new Map<string, number>();
  #state: CloudState = cloudStateDefaults;
  #sending: { readonly segment: CheckedOut['segment']; sent: number } | undefined;
  #isStateDue = true;
  #heartbeat: Timer | undefined;
  #pings: Timer | undefined;
  #lastPing = 0;
  #heardAt: number;
  #isOver = false;
  #isAwake = false;
  #wake: (() => void) | undefined;
  #wasUseful = false;

  constructor(options: SessionOptions, camera: Camera) {
    this.#options = options;
    this.#camera = camera;
    this.#heardAt = options.clock.now();
  }

  get closed(): Promise<SessionEnd> {
    return this.#closed.promise;
  }

  start(): void {
    const { socket, spool, clock } = this.#options;
    socket.on('message', (data: Buffer) => this.#onMessage(data.toString()));
    socket.on('pong', (data: Buffer) => this.#onPong(data));
    const news = spool.news.on('waiting', () => this.#rouse());
    this.#pings = clock.every(PING, () => {
      if (clock.now() - this.#heardAt > SILENT) socket.terminate();
      else if (socket.readyState === socket.OPEN) socket.ping();
    });
    socket.once('close', (code: number, reason: Buffer) => {
      news[Symbol.dispose]();
      void this.#finish({ code, reason: reason.toString(), wasUseful: this.#wasUseful });
    });
    void this.#run();
    socket.resume();
  }

  async close(): Promise<void> {
    const { socket } = this.#options;
    if (socket.readyState === socket.OPEN) socket.close(1001);
    await this.closed;
  }

  dump() {
    const now = this.#sending;
    if (!now) return [];
    const { capture, segment, size } = now.segment;
    return [{ capture: capture.id, segment, size, sent: now.sent }];
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isOver) {
        this.#isAwake = false;
        if ((await this.#step()) || this.#isAwake) continue;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } catch (error) {
      if (!this.#isOver) this.#options.logger.error('films cannot be sent from the spool', { error });
      this.#options.socket.terminate();
    }
  }

  /** @returns whether something was said. */
  async #step(): Promise<boolean> {
    if (this.#isStateDue) {
      this.#isStateDue = false;
      this.#say({ type: 'state', ...this.#state });
      this.#restartHeartbeat();
      return true;
    }
    if (await this.#sayEvents()) return true;
    const out = await this.#options.spool.checkOut();
    if (!out) return false;
    if (this.#isOver) await out.putBack();
    else await this.#sendSegment(out);
    return true;
  }

  async #sayEvents(): Promise<boolean> {
    const { spool } = this.#options;
    for (const { id, event } of await spool.pendingEvents(64, this.#events)) {
      if (this.#isOver) return false;
      if (event.kind === 'lost') {
        this.#lost.set(event.capture.id, (this.#lost.get(event.capture.id) ?? 0) + 1);
        // This protocol has no word for it.
        await spool.noted(id);
        continue;
      }
      if (event.kind === 'alarm') this.#say({ type: 'alarm', trigger_timestamp: event.timestamp });
      else {
        const { capture, segments } = event;
        if ((this.#lost.get(capture.id) ?? 0) >= segments) {
          // Nothing of it was ever said.
          this.#lost.delete(capture.id);
          await spool.noted(id);
          continue;
        }
        // All of it comes before its end.
        if (spool.waitingOf(capture.id) > 0) continue;
        this.#lost.delete(capture.id);
        this.#say({ type: 'capture_end', ...this.#filmed(capture) });
      }
      this.#events.add(id);
      this.#expect({
        confirm: () => spool.noted(id),
        giveBack: async () => undefined,
        ping: undefined,
      });
      this.#ask();
      return true;
    }
    return false;
  }

  async #sendSegment(out: CheckedOut): Promise<void> {
    const { counts, socket, logger } = this.#options;
    const { capture, segment, size, file } = out.segment;
    const film = this.#filmed(capture);
    if (segment === 0) this.#say({ type: 'capture_start', ...film });
    this.#say({ type: 'capture_segment', ...film, seg_no: segment });
    this.#sending = { segment: out.segment, sent: 0 };
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    try {
      while (this.#sending.sent < size) {
        const read = await out.file.read(buffer, this.#sending.sent);
        if (read === 0) throw new Error(`it ends at byte ${this.#sending.sent} of ${size}`);
        await this.#paced(read);
        if (this.#isOver || socket.readyState !== socket.OPEN) {
          await out.putBack();
          return;
        }
        await this.#sendBytes(buffer.subarray(0, read));
        this.#sending.sent += read;
        counts.bytes += read;
      }
    } catch (error) {
      if (!this.#isOver)
        logger.error('a segment in the spool cannot be read; it is tried again', { file, error: `${error}` });
      await out.putBack(UNREADABLE_PAUSE);
      return;
    } finally {
      this.#sending = undefined;
    }
    this.#expect({
      confirm: async () => {
        counts.persisted++;
        await out.persisted();
      },
      giveBack: () => out.putBack(),
      ping: undefined,
    });
  }

  /** Resolves when the kernel has them: nothing piles up here. */
  #sendBytes(bytes: Buffer): Promise<void> {
    const { socket } = this.#options;
    return new Promise((resolve) => {
      for (let at = 0; at < bytes.length; at += CLOUD_FRAME_BYTES) {
        // The buffer is used again.
        const frame = Buffer.from(bytes.subarray(at, at + CLOUD_FRAME_BYTES));
        const isLast = at + CLOUD_FRAME_BYTES >= bytes.length;
        socket.send(frame, { binary: true }, isLast ? () => resolve() : undefined);
      }
    });
  }

  async #paced(bytes: number): Promise<void> {
    const { pace, clock } = this.#options;
    for (let wait = pace.wait(bytes); wait > 0 && !this.#isOver; wait = pace.wait(bytes))
      await sleep(clock, wait);
  }

  #filmed({ timestamp, trigger }: CheckedOut['segment']['capture']) {
    return { trigger_timestamp: timestamp, trigger: toCloudTrigger(trigger) };
  }

  /** Says something; that ends the segment before it, if there is one. */
  #say(message: FromCloudtalker): void {
    const { socket } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    socket.send(encodeFromCloudtalker(message));
    this.#ask();
  }

  #expect(unconfirmed: Unconfirmed): void {
    if (this.#isOver) void unconfirmed.giveBack();
    else this.#unconfirmed.push(unconfirmed);
  }

  /** Asks by a ping how far the cloud has read, where that matters. */
  #ask(): void {
    const { socket } = this.#options;
    const open = this.#unconfirmed.filter(({ ping }) => ping === undefined);
    if (open.length === 0 || socket.readyState !== socket.OPEN) return;
    this.#lastPing++;
    for (const one of open) one.ping = this.#lastPing;
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(this.#lastPing);
    socket.ping(payload);
  }

  #onPong(data: Buffer): void {
    const { clock, logger, socket } = this.#options;
    this.#heardAt = clock.now();
    if (data.length !== 4) return;
    const ping = data.readUInt32BE();
    while (this.#unconfirmed[0]?.ping !== undefined && this.#unconfirmed[0].ping <= ping) {
      this.#wasUseful = true;
      const confirmed = this.#unconfirmed.shift() as Unconfirmed;
      confirmed.confirm().then(
        () => this.#rouse(),
        (error: Error) => {
          if (this.#isOver) return;
          logger.error('the spool cannot write down what the cloud has', { error: error.message });
          socket.terminate();
        },
      );
    }
  }

  #onMessage(text: string): void {
    const { clock, logger } = this.#options;
    this.#heardAt = clock.now();
    let wanted: CloudState;
    try {
      wanted = decodeCloudState(text);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      logger.warn('the cloud said something that is no state', { why: error.message });
      return;
    }
    const before = this.#state;
    const { least, most } = PERIODS;
    this.#state = { ...wanted, heartbeat_period: Math.min(most, Math.max(least, wanted.heartbeat_period)) };
    if (wanted.pir_armed !== before.pir_armed) this.#tell(wanted.pir_armed ? 'arm' : 'disarm');
    // Once for each wish; that it is fulfilled is no wish.
    if (wanted.capture_asap && !before.capture_asap) this.#tell('capture');
    this.#isStateDue = true;
    this.#rouse();
  }

  #tell(command: 'arm' | 'disarm' | 'capture'): void {
    this.#camera.tell(command).catch(() => {
      // the camera's own log says so
    });
  }

  #restartHeartbeat(): void {
    this.#heartbeat?.cancel();
    this.#heartbeat = this.#options.clock.after(
      millis(this.#state.heartbeat_period * CLOUD_STATE_PERIODS * 1_000),
      () => {
        this.#isStateDue = true;
        this.#rouse();
      },
    );
  }

  #rouse(): void {
    this.#isAwake = true;
    this.#wake?.();
    this.#wake = undefined;
  }

  async #finish(end: SessionEnd): Promise<void> {
    this.#isOver = true;
    this.#heartbeat?.cancel();
    this.#pings?.cancel();
    this.#rouse();
    await Promise.allSettled(this.#unconfirmed.splice(0).map(({ giveBack }) => giveBack()));
    this.#closed.resolve(end);
  }
}
