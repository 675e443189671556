import type { SocketLike } from '@perch/client';

type Listener = (event: never) => void;

/** A WebSocket whose other end is the test. */
export class TestSocket implements SocketLike {
  binaryType = 'blob';
  readyState = 0;
  bufferedAmount = 0;
  protocol = '';
  readonly url: string;
  readonly offered: readonly string[];
  readonly sent: (string | Uint8Array)[] = [];
  readonly #listeners: { readonly type: string; readonly listener: Listener }[] = [];

  constructor(url: string, offered: readonly string[]) {
    this.url = url;
    this.offered = offered;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push({ type, listener });
  }

  send(data: string | Uint8Array): void {
    this.sent.push(data);
  }

  close(): void {
    this.end(1000);
  }

  /** The server accepts, choosing `protocol`. */
  open(protocol = ''): void {
    this.readyState = 1;
    this.protocol = protocol;
    this.#emit('open', {});
  }

  receive(data: string | ArrayBuffer): void {
    this.#emit('message', { data });
  }

  end(code = 1006): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.#emit('close', { code, reason: '' });
  }

  #emit(type: string, event: object): void {
    for (const entry of this.#listeners) if (entry.type === type) entry.listener(event as never);
  }
}
