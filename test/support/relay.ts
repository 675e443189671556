import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@perch/runtime';
import { WebSocket } from 'ws';
import { type Relay, type RelayOptions, startRelay } from '../../packages/relay/src/index.ts';

/** What came over a WebSocket: text as a string, binary as bytes. */
export type Heard = string | Buffer;

/** A WebSocket client that remembers what it hears and can be waited for. */
export class Peer implements Disposable {
  readonly webSocket: WebSocket;
  readonly heard: Heard[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  #wake: (() => void)[] = [];

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    webSocket.on('message', (data, isBinary) => {
      this.heard.push(isBinary ? (data as Buffer) : String(data));
      for (const wake of this.#wake.splice(0)) wake();
    });
    webSocket.on('error', () => undefined);
    this.closed = new Promise((resolve) =>
      webSocket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
    );
  }

  /** Connects; rejects with `HTTP <status>` where it is refused. */
  static async open(
    url: string,
    options: {
      protocols?: string[];
      headers?: Record<string, string>;
      ca?: string;
      /** What it shows itself, PEM. */
      cert?: string;
      key?: string;
      /** Takes any certificate. */
      insecure?: boolean;
    } = {},
  ): Promise<Peer> {
    const { protocols = [], insecure = false, ...shown } = options;
    const webSocket = new WebSocket(url.replace(/^http/, 'ws'), protocols, {
      perMessageDeflate: false,
      ...shown,
      ...(insecure && { rejectUnauthorized: false }),
    });
    const peer = new Peer(webSocket);
    await new Promise<void>((resolve, reject) => {
      webSocket.once('open', resolve);
      webSocket.once('error', reject);
      webSocket.once('unexpected-response', (_request, response) => {
        reject(new Error(`HTTP ${response.statusCode}`));
        webSocket.terminate();
      });
    });
    return peer;
  }

  send(data: string | Uint8Array): void {
    this.webSocket.send(data);
  }

  /** Resolves when so many messages were heard in all. */
  async hears(count: number): Promise<Heard[]> {
    await this.until(() => this.heard.length >= count);
    return this.heard;
  }

  /** Resolves when `condition` holds; looked at after each message. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  /**
   * Resolves when all that the relay was sent before by anybody has been handled: a WebSocket ping goes and comes
   * back in order with everything else on this connection.
   */
  async settled(): Promise<void> {
    const pong = once(this.webSocket, 'pong');
    this.webSocket.ping();
    await pong;
  }

  [Symbol.dispose](): void {
    this.webSocket.terminate();
  }
}

/** A relay on a free port with a directory of its own, both gone afterwards. */
export async function openRelay(
  options: Partial<RelayOptions> = {},
): Promise<Relay & { readonly data: string; readonly ws: string }> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'perch-relay-'));
  const relay = await startRelay({
    listen: { host: '127.0.0.1', port: 0 },
    data,
    logger: silentLogger,
    ...options,
  });
  const close = async () => {
    await relay.close();
    if (options.data === undefined) rmSync(data, { recursive: true, force: true });
  };
  return { ...relay, data, ws: relay.url.replace(/^http/, 'ws'), close, [Symbol.asyncDispose]: close };
}

export const read = (text: string | undefined): unknown => JSON.parse(text ?? 'undefined');
