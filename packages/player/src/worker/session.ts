import type { ConnectionState, OpenSocket } from '@perch/client';
import { type Clock, millis, type Timer } from '@perch/runtime';
import type { LoadSoftware } from '../decode/open.ts';
import { RelaySource } from '../source/relay-source.ts';
import type { PlayerStats } from '../state.ts';
import type { FromWorker, StreamSound, StreamState } from './messages.ts';
import { Meter } from './meter.ts';
import { Painter } from './painter.ts';
import { Pipeline } from './pipeline.ts';
import { SoundOut } from './sound-out.ts';

export interface SessionOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly canvas: OffscreenCanvas;
  readonly clock: Clock;
  readonly openSocket: OpenSocket;
  readonly fetch: typeof fetch;
  readonly loadSoftware: LoadSoftware;
  /** The page's `performance.timeOrigin`. */
  readonly pageOrigin: number;
  post(message: FromWorker): void;
}

const STATS_PERIOD = millis(500);
/** Nothing for so long on an open line: the sender has stopped, whatever the relay says. */
const QUIET_MS = 3_000;
/** A hidden page without sound gives its line back after this, and takes it up again when it is seen. */
const REST_AFTER = millis(20_000);
/** After a failure of the decoder the start group of a new connection is the quickest way back, but not too often. */
const RENEW_MS = 10_000;

/** One player from address to canvas, in the worker. */
export class Session {
  readonly #options: SessionOptions;
  readonly #clock: Clock;
  readonly #painter: Painter;
  readonly #soundOut: SoundOut;
  readonly #meter = new Meter();
  readonly #ticking: Timer;
  #source: RelaySource | undefined;
  #pipeline: Pipeline | undefined;
  #token: string | undefined;
  #state: StreamState | undefined;
  #isOpen = false;
  /** Somebody publishes, as far as the relay says. */
  #hasPublisher = true;
  #visible = true;
  #resting: Timer | undefined;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #opened = 0;
  #broken = 0;
  #firstPictureMs: number | undefined;
  #size = { width: 0, height: 0 };

  /** Starts to connect. */
  constructor(options: SessionOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#token = options.token;
    this.#painter = new Painter(options.canvas, (width, height) => {
      this.#size = { width, height };
      options.post({ type: 'size', width, height });
    });
    this.#soundOut = new SoundOut(options.clock);
    this.#ticking = options.clock.every(STATS_PERIOD, () => this.#tick());
    this.#connect();
  }

  set token(token: string | undefined) {
    this.#token = token;
  }

  connectSound(port: MessagePort): void {
    this.#soundOut.connect(port);
  }

  setSound(on: boolean, outputLatencyMs: number): void {
    this.#soundOut.set(on, millis(outputLatencyMs));
    this.#considerRest();
  }

  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.#considerRest();
    if (!visible) return;
    if (!this.#source) this.#connect();
    // A page that was frozen does not know yet that its line is dead.
    else if (this.#source.quietFor > QUIET_MS) this.#source.reconnect();
  }

  reconnect(): void {
    this.#source?.reconnect();
  }

  async close(): Promise<void> {
    this.#ticking.cancel();
    this.#resting?.cancel();
    this.#pipeline?.close();
    this.#soundOut.close();
    await this.#source?.close();
  }

  #connect(): void {
    const source = new RelaySource({
      url: this.#options.url,
      token: () => this.#token,
      openSocket: this.#options.openSocket,
      fetch: this.#options.fetch,
      clock: this.#clock,
    });
    this.#source = source;
    source.events.on('connection', (state) => this.#follow(state));
    source.events.on('open', () => {
      this.#opened += 1;
      this.#hasPublisher = true;
      this.#renewPipeline();
    });
    source.events.on('publisher', (present) => {
      this.#hasPublisher = present;
      if (!present) this.#set({ kind: 'waiting' });
    });
    source.events.on('arrival', (arrival) => {
      // What comes after `waiting` says as much as `live`.
      this.#hasPublisher = true;
      this.#pipeline?.push(arrival);
    });
    source.start();
  }

  #follow(state: ConnectionState): void {
    this.#isOpen = state.kind === 'open';
    switch (state.kind) {
      case 'connecting':
        this.#set({ kind: 'connecting', attempt: state.attempt });
        break;
      case 'open':
        this.#set({ kind: 'waiting' });
        break;
      case 'waiting':
        this.#set({
          kind: 'lost',
          reason: state.error.message,
          nextTryIn: millis(state.nextTryAt - this.#clock.now()),
        });
        break;
      default:
        break; // before the start, and after our own close
    }
  }

  #renewPipeline(): void {
    this.#pipeline?.close();
    const { post } = this.#options;
    this.#pipeline = new Pipeline({
      clock: this.#clock,
      soundOut: this.#soundOut,
      loadSoftware: this.#options.loadSoftware,
      senderNow: () => wallNow() + (this.#source?.wall.offset ?? 0),
      draw: (frame) => this.#draw(frame),
      playing: () => {
        // Pictures in hand are shown to the end, also when the line or the sender is gone; that is not live.
        const isLive = this.#isOpen && this.#hasPublisher;
        if (isLive && this.#state?.kind !== 'live' && this.#state?.kind !== 'refused')
          this.#set({ kind: 'live' });
      },
      pictureRefused: (reason) => this.#set({ kind: 'refused', reason }),
      soundChanged: (sound: StreamSound) => post({ type: 'streamSound', sound }),
      data: ({ pid, format, bytes, pts }) =>
        post({ type: 'data', pid, format, bytes, mediaMs: pts, shownAt: wallNow() }),
      broke: (error) => this.#broke(error),
    });
  }

  #draw(frame: VideoFrame): void {
    if (this.#visible) this.#painter.draw(frame);
    this.#firstPictureMs ??= wallNow() - this.#options.pageOrigin;
    // A picture is the proof that whatever was refused before is over.
    if (this.#state?.kind === 'refused') this.#set({ kind: 'live' });
  }

  #broke(error: Error): void {
    this.#broken += 1;
    this.#options.post({ type: 'error', message: error.message });
    if (this.#clock.now() - this.#renewedAt < RENEW_MS) return;
    this.#renewedAt = this.#clock.now();
    this.#source?.reconnect();
  }

  /** A hidden page without sound shows nothing to anybody: after a while it stops asking for a stream. */
  #considerRest(): void {
    this.#resting?.cancel();
    if (this.#visible || this.#soundOut.isOn) return;
    this.#resting = this.#clock.after(REST_AFTER, () => {
      const source = this.#source;
      this.#source = undefined;
      this.#pipeline?.close();
      this.#pipeline = undefined;
      void source?.close('the page is hidden');
    });
  }

  #set(state: StreamState): void {
    this.#state = state;
    this.#options.post({ type: 'state', state });
  }

  #tick(): void {
    const source = this.#source;
    const pipeline = this.#pipeline;
    if (!source || !pipeline) return;
    if (this.#state?.kind === 'live' && source.quietFor > QUIET_MS) this.#set({ kind: 'waiting' });
    const figures = pipeline.figures;
    const report = this.#soundOut.report;
    const { bytes, droppedMessages, damagedMessages } = source.received;
    const rates = this.#meter.rates(this.#clock.now(), { bytes, shown: figures.framesShown });
    const stats: PlayerStats = {
      latencyMs: figures.latency,
      bufferMs: report?.bufferedMs ?? 0,
      targetMs: report?.targetMs ?? 0,
      rate: report?.rate ?? 1,
      framesDecoded: figures.framesDecoded,
      framesShown: figures.framesShown,
      framesDropped: figures.framesDropped,
      framesPerSecond: Math.max(0, rates.shown),
      ...this.#size,
      videoCodec: figures.codecs.video,
      audioCodec: figures.codecs.audio,
      transport: source.transport,
      kbitPerSecond: Math.max(0, (rates.bytes * 8) / 1000),
      roundTripMs: source.wall.roundTrip,
      messagesDropped: droppedMessages,
      damaged: figures.damaged + damagedMessages + this.#broken,
      soundLevel: this.#soundOut.takeLevel(),
      soundUnderruns: report?.underruns ?? 0,
      soundSkippedMs: report?.skippedMs ?? 0,
      reconnects: Math.max(0, this.#opened - 1),
      firstPictureMs: this.#firstPictureMs,
    };
    this.#options.post({ type: 'stats', stats });
  }
}

/** Wall clock in ms with fractions. */
const wallNow = (): number => performance.timeOrigin + performance.now();
