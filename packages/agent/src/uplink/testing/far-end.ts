import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { numbersOf } from '@perch/testkit';
import { type WebSocket, WebSocketServer } from 'ws';

/** A destination: what came, and how it ended. */
export class FarEnd {
  readonly url: string;
  readonly sockets: WebSocket[] = [];
  readonly messages: { readonly data: Buffer; readonly binary: boolean }[] = [];
  readonly codes: number[] = [];

  private constructor(url: string) {
    this.url = url;
  }

  /** @param options.delay holds the handshake up until it resolves. */
  static async open(
    t: TestContext,
    options: { protocol?: string; delay?: Promise<void>; onOpen?: (socket: WebSocket) => void } = {},
  ): Promise<FarEnd> {
    const { protocol = false, delay } = options;
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      handleProtocols: () => protocol,
      ...(delay && { verifyClient: (_info, answer) => void delay.then(() => answer(true)) }),
    });
    await once(server, 'listening');
    const far = new FarEnd(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/in/v`);
    server.on('connection', (socket) => {
      far.sockets.push(socket);
      socket.on('message', (data: Buffer, binary: boolean) => far.messages.push({ data, binary }));
      socket.on('close', (code) => far.codes.push(code));
      options.onOpen?.(socket);
    });
    t.after(() => {
      for (const client of server.clients) client.terminate();
      server.close();
    });
    return far;
  }

  /** The pictures that came. */
  get numbers(): number[] {
    return this.messages.flatMap(({ data, binary }) => (binary ? numbersOf(data) : []));
  }
}

/** Resolves when `holds`, looked at each turn of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
