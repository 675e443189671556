import workerSource from 'perch-player:worker';
import { Emitter, millis } from '@perch/runtime';
import { insecure, missing } from '../decode/words.ts';
import type { PlayerState, PlayerStats, SoundState } from '../state.ts';
import type { FromWorker, StreamSound, StreamState, ToWorker } from '../worker/messages.ts';
import type { Engine, EngineEvents, EngineOptions } from './engine.ts';
import { SoundGraph } from './sound-graph.ts';

/** Where the chunk with the MPEG-1 decoders is: beside this script. */
const softwareUrl = new URL('player-mpeg1.js', import.meta.url).href;

/** A worker that does not say goodbye in this time is ended. */
const GOODBYE_MS = 1_000;

/** Plays by WebSocket, WebCodecs (or WebAssembly) and AudioWorklet; all but the buttons runs in a worker. */
export class WorkerEngine implements Engine {
  readonly events = new Emitter<EngineEvents>();
  readonly picture: HTMLCanvasElement;
  readonly #worker: Worker;
  #graph: SoundGraph | undefined;
  #stream: StreamState = { kind: 'connecting', attempt: 1 };
  #streamSound: StreamSound = { kind: 'none' };
  #state: PlayerState = { kind: 'connecting', attempt: 1 };
  #stats: PlayerStats | undefined;
  #muted: boolean;
  #volume: number;
  #hasBegun = false;
  #lostUntil = millis(0);
  #closing: Promise<void> | undefined;
  #goodbye: () => void = () => undefined;

  constructor(options: EngineOptions) {
    this.#muted = options.muted;
    this.#volume = options.volume;
    this.picture = document.createElement('canvas');
    const url = URL.createObjectURL(new Blob([workerSource], { type: 'text/javascript' }));
    this.#worker = new Worker(url, { type: 'module', name: 'perch-player' });
    URL.revokeObjectURL(url);
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#take(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const reason = event.message || 'the page’s security policy forbids it';
      this.#set({ kind: 'refused', reason: `The player’s worker could not start: ${reason}.` });
    };
    const canvas = this.picture.transferControlToOffscreen();
    this.#post(
      {
        type: 'start',
        url: options.url,
        token: options.token,
        canvas,
        softwareUrl,
        pageOrigin: performance.timeOrigin,
      },
      [canvas],
    );
  }

  get state(): PlayerState {
    return this.#state;
  }

  get stats(): PlayerStats | undefined {
    return this.#stats;
  }

  setToken(token: string | undefined): void {
    this.#post({ type: 'token', token });
  }

  setMuted(muted: boolean): void {
    this.#muted = muted;
    this.#followSound();
  }

  setVolume(volume: number): void {
    this.#volume = volume;
    if (this.#graph) this.#graph.volume = volume;
  }

  unlock(): void {
    if (!this.#muted) this.#graph?.resume();
  }

  setVisible(visible: boolean): void {
    this.#post({ type: 'visible', visible });
  }

  reconnect(): void {
    this.#post({ type: 'reconnect' });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      this.#goodbye = resolve;
      setTimeout(resolve, GOODBYE_MS);
    });
    this.#post({ type: 'close' });
    await this.#graph?.close();
    await gone;
    this.#worker.terminate();
  }

  #take(message: FromWorker): void {
    switch (message.type) {
      case 'state':
        this.#stream = message.state;
        if (message.state.kind === 'lost')
          this.#lostUntil = millis(performance.now() + message.state.nextTryIn);
        // Sound is set up after the first picture, which it would delay.
        if (!this.#hasBegun && (message.state.kind === 'live' || message.state.kind === 'refused')) {
          this.#hasBegun = true;
          this.#followSound();
        }
        this.#update();
        break;
      case 'streamSound':
        this.#streamSound = message.sound;
        this.#followSound();
        break;
      case 'stats':
        this.#stats = message.stats;
        this.#tellSound(); // the device's latency changes while it plays
        this.events.emit('stats', message.stats);
        break;
      case 'data': {
        const { pid, format, bytes, mediaMs, shownAt } = message;
        const presentationTime = shownAt - performance.timeOrigin;
        this.events.emit('data', {
          pid,
          format,
          bytes,
          text: textOf(format, bytes),
          mediaMs,
          presentationTime,
        });
        break;
      }
      case 'error':
        this.events.emit('error', new Error(message.message));
        break;
      case 'closed':
        this.#goodbye();
        break;
      case 'size':
        this.picture.style.aspectRatio = `${message.width} / ${message.height}`;
        break;
    }
  }

  /** Brings the page's sound to where the stream and the person want it. */
  #followSound(): void {
    if (this.#closing) return;
    const wanted =
      this.#hasBegun && !this.#muted && this.#streamSound.kind === 'playable' && SoundGraph.isSupported;
    if (wanted && !this.#graph) this.#makeGraph();
    else if (wanted) this.#graph?.resume();
    else this.#graph?.suspend();
    this.#tellSound();
    this.#update();
  }

  #makeGraph(): void {
    const graph = new SoundGraph(this.#volume, () => {
      this.#tellSound();
      this.#update();
    });
    this.#graph = graph;
    this.#post({ type: 'soundPort', port: graph.port }, [graph.port]);
    graph.load().catch((cause) => {
      this.#streamSound = {
        kind: 'unsupported',
        reason: `Sound could not start: ${(cause as Error).message}`,
      };
      this.events.emit('error', cause as Error);
      this.#update();
    });
  }

  #tellSound(): void {
    const on = !this.#muted && this.#streamSound.kind === 'playable' && this.#graph?.state === 'running';
    this.#post({ type: 'sound', on, outputLatencyMs: this.#graph?.outputLatencyMs ?? 0 });
  }

  get #sound(): SoundState {
    if (this.#streamSound.kind !== 'playable') return this.#streamSound;
    if (!SoundGraph.isSupported)
      return { kind: 'unsupported', reason: isSecureContext ? missing('sound') : insecure('sound') };
    if (this.#muted) return { kind: 'off' };
    return this.#graph?.state === 'blocked' ? { kind: 'blocked' } : { kind: 'on' };
  }

  #update(): void {
    const stream = this.#stream;
    switch (stream.kind) {
      case 'live':
        this.#set({ kind: 'live', sound: this.#sound });
        break;
      case 'lost':
        this.#set({ kind: 'lost', reason: stream.reason, nextTryAt: this.#lostUntil });
        break;
      default:
        this.#set(stream);
    }
  }

  #set(state: PlayerState): void {
    if (this.#closing || JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    this.events.emit('state', state);
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Messages of an agent's WebSocket as text, where they are UTF-8. */
function textOf(format: string, bytes: Uint8Array): string | undefined {
  if (format !== 'perch_data') return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined; // it is binary
  }
}
