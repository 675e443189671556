import { Playout } from '../sync/playout.ts';
import type { FromWorklet, ToWorklet } from './messages.ts';

// The AudioWorkletGlobalScope, of which TypeScript's DOM library knows nothing.
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** A report each so many quanta of 128 samples: 10.7 ms at 48 kHz. */
const REPORT_QUANTA = 4;

/** Plays what the worker sends over the port that the page hands in first. */
class PerchSound extends AudioWorkletProcessor {
  readonly #playout = new Playout({ outputRate: sampleRate });
  #worker: MessagePort | undefined;
  #quanta = 0;
  #closed = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<MessagePort | 'close'>) => {
      this.#worker?.close();
      if (data === 'close') {
        this.#closed = true;
        return;
      }
      this.#worker = data;
      data.onmessage = (event: MessageEvent<ToWorklet>) => this.#take(event.data);
    };
  }

  process(_inputs: unknown, outputs: Float32Array[][]): boolean {
    const [left, right] = outputs[0] ?? [];
    if (left && right) this.#playout.read(left, right);
    this.#quanta += 1;
    if (this.#quanta >= REPORT_QUANTA) {
      this.#quanta = 0;
      const report: FromWorklet = this.#playout.report();
      this.#worker?.postMessage(report);
    }
    return !this.#closed;
  }

  #take(message: ToWorklet): void {
    switch (message.type) {
      case 'chunk':
        this.#playout.push(message.chunk);
        break;
      case 'extra':
        this.#playout.extraMs = message.ms;
        break;
      case 'clear':
        this.#playout.clear();
        break;
    }
  }
}

registerProcessor('perch-sound', PerchSound);
