import type { AddressInfo } from 'node:net';
import { MessageCutter, type MessageMark, ProgramTables } from '@perch/mpegts';
import { decodeControl, encodeControl, PERCH_1, WIRE_HEADER_BYTES, writeWireHeader } from '@perch/protocol';
import { type WebSocket, WebSocketServer } from 'ws';

interface Kept {
  readonly bytes: Uint8Array;
  readonly mark: MessageMark;
  readonly capturedAt: number;
}

export interface StubRelayOptions {
  /** Whether `perch.1` is spoken; else messages are raw, as older relays send them. */
  readonly perch: boolean;
}

/**
 * A relay small enough to see through, for tests of the player alone: one topic, a start group, no queues. It can be
 * told to misbehave.
 */
export class StubRelay implements AsyncDisposable {
  readonly #server: WebSocketServer;
  readonly #perch: boolean;
  readonly #viewers = new Set<WebSocket>();
  #cutter = this.#newCutter();
  #tables = new ProgramTables();
  #group: Kept[] = [];
  #sequence = 0;
  #held: Kept[] | undefined;

  static async start(options: StubRelayOptions): Promise<StubRelay> {
    const server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      handleProtocols: (offered) => (options.perch && offered.has(PERCH_1) ? PERCH_1 : false),
    });
    await new Promise((resolve) => server.once('listening', resolve));
    return new StubRelay(server, options);
  }

  private constructor(server: WebSocketServer, options: StubRelayOptions) {
    this.#server = server;
    this.#perch = options.perch;
    server.on('connection', (socket) => this.#arrived(socket));
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/out/test`;
  }

  /** How many watch now. */
  get viewers(): number {
    return this.#viewers.size;
  }

  /** Takes an encoder's bytes. */
  publish = (bytes: Uint8Array): void => {
    this.#cutter.push(bytes);
  };

  /** Another encoder takes over: nothing continues. */
  newPublisher(): void {
    this.#cutter = this.#newCutter();
    this.#tables = new ProgramTables();
    this.#group = [];
  }

  /** Ends all connections, like a relay that is started again. */
  dropViewers(): void {
    for (const socket of this.#viewers) socket.terminate();
  }

  /** From here on nothing is sent; `release` sends at once all that came meanwhile. */
  hold(): void {
    this.#held = [];
  }

  /** Ends {@link hold}. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const kept of held) this.#send(kept);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dropViewers();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #newCutter(): MessageCutter {
    return new MessageCutter({ onMessage: (bytes, mark) => this.#take(bytes, mark) });
  }

  #take(bytes: Uint8Array, mark: MessageMark): void {
    this.#tables.push(bytes);
    if (mark.randomAccess && mark.class === 'video') this.#group = [];
    const kept: Kept = { bytes: bytes.slice(), mark, capturedAt: Date.now() * 1000 };
    this.#group.push(kept);
    if (this.#held) this.#held.push(kept);
    else this.#send(kept);
  }

  #send(kept: Kept): void {
    for (const socket of this.#viewers) socket.send(this.#framed(kept, false));
  }

  #framed({ bytes, mark, capturedAt }: Kept, replay: boolean): Uint8Array {
    if (!this.#perch) return bytes;
    const message = new Uint8Array(WIRE_HEADER_BYTES + bytes.length);
    writeWireHeader(message, 0, {
      ...mark,
      capturedAt,
      text: false,
      replay,
      sequence: this.#sequence++,
    });
    message.set(bytes, WIRE_HEADER_BYTES);
    return message;
  }

  #arrived(socket: WebSocket): void {
    socket.on('close', () => this.#viewers.delete(socket));
    socket.on('message', (data, isBinary) => {
      if (isBinary) return;
      const control = decodeControl(String(data));
      if (control?.type === 'ping')
        socket.send(encodeControl({ type: 'pong', t: control.t, now: Date.now() }));
    });
    if (this.#perch) {
      socket.send(encodeControl({ type: 'hello', topic: 'test', now: Date.now() }));
      if (this.#group.length === 0) socket.send(encodeControl({ type: 'waiting' }));
    }
    const tables = this.#tables.packets();
    if (tables) {
      const mark: MessageMark = { randomAccess: false, class: 'data' };
      socket.send(this.#framed({ bytes: tables, mark, capturedAt: 0 }, true));
      for (const kept of this.#group) socket.send(this.#framed(kept, true));
    }
    this.#viewers.add(socket);
  }
}
