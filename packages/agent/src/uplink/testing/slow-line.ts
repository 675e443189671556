import { EventEmitter } from 'node:events';
import { type Clock, millis } from '@perch/runtime';
import type { WebSocket } from 'ws';

/** What is on its way, or asks whether all before it was read. */
interface OnTheLine {
  readonly bytes: number;
  readonly arrives: (at: number) => void;
}

const STEP_MS = 5;
const HEADER_BYTES = 4;

/**
 * A WebSocket over a line that carries so many bytes a second, on a clock of the test. Its kernel takes whatever it is
 * given, as real ones do for megabytes.
 */
export class SlowLine {
  /** Bytes a second. */
  rate: number;
  readonly #way: number;
  readonly #clock: Clock;
  readonly #waiting: OnTheLine[] = [];
  readonly #events = new EventEmitter();
  #room = 0;
  readonly #onMessage: (data: Uint8Array, at: number) => void;

  constructor(options: {
    clock: Clock;
    rate: number;
    wayMs: number;
    onMessage: (data: Uint8Array, at: number) => void;
  }) {
    this.#clock = options.clock;
    this.rate = options.rate;
    this.#way = options.wayMs;
    this.#onMessage = options.onMessage;
    options.clock.every(millis(STEP_MS), () => this.#carry());
  }

  /** The near end. */
  readonly socket = this.#makeSocket();

  readonly tcp = { cork: () => undefined, uncork: () => undefined };

  /** Bytes that were given and have not left yet. */
  get queued(): number {
    return this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #makeSocket(): WebSocket {
    const near = {
      readyState: 1,
      OPEN: 1,
      bufferedAmount: 0,
      send: (data: Uint8Array, _options: object, taken: () => void) => {
        this.#waiting.push({
          bytes: data.byteLength + HEADER_BYTES,
          arrives: (at) => this.#onMessage(data, at),
        });
        queueMicrotask(taken);
      },
      ping: (token: Buffer) =>
        this.#waiting.push({
          bytes: token.length + HEADER_BYTES,
          // The answer takes its way back.
          arrives: () => void this.#clock.after(millis(this.#way), () => this.#events.emit('pong', token)),
        }),
      on: (event: string, listener: (...args: never[]) => void) =>
        this.#events.on(event, listener as (...args: unknown[]) => void),
      terminate: () => undefined,
    };
    return near as unknown as WebSocket;
  }

  #carry(): void {
    const step = (this.rate * STEP_MS) / 1000;
    // What was not used is not saved up.
    this.#room = this.#waiting.length === 0 ? 0 : this.#room + step;
    for (let next = this.#waiting[0]; next && next.bytes <= this.#room; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#room -= next.bytes;
      const { arrives } = next;
      this.#clock.after(millis(this.#way), () => arrives(this.#clock.now()));
    }
  }
}
