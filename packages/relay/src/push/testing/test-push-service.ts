import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '@perch/testkit';
import { TestBrowser } from './test-browser.ts';

/** One push as it came. */
export interface Pushed {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What it answers next; `hang`: nothing. */
export type Reply = { readonly status: number; readonly headers?: Record<string, string> } | 'hang';

/** A push service as browsers' makers run them, over TLS with a certificate of its own, on a free port of loopback. */
export class TestPushService {
  readonly origin: string;
  /** What its certificate is to be trusted by, PEM. */
  readonly ca: string;
  readonly pushed: Pushed[] = [];
  /** Answers, first for the next push; then 201 for all. */
  readonly replies: Reply[] = [];
  readonly #server: Server;
  #wake: (() => void)[] = [];
  #made = 0;

  static async open(): Promise<TestPushService> {
    const { cert, key } = await certificate();
    const server = createServer({ cert, key });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TestPushService(server, cert);
  }

  private constructor(server: Server, ca: string) {
    this.#server = server;
    this.ca = ca;
    this.origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { url: path = '', headers } = request;
        this.pushed.push({ path, headers, body: Buffer.concat(parts) });
        const reply = this.replies.shift() ?? { status: 201 };
        if (reply !== 'hang') response.writeHead(reply.status, reply.headers).end();
        for (const wake of this.#wake.splice(0)) wake();
      });
    });
  }

  /** A browser that is reached here. */
  browser(): TestBrowser {
    return new TestBrowser(`${this.origin}/push/${++this.#made}`);
  }

  /** Resolves when so many pushes have come in all. */
  async got(count: number): Promise<readonly Pushed[]> {
    while (this.pushed.length < count) await new Promise<void>((resolve) => this.#wake.push(resolve));
    return this.pushed;
  }

  /** What came for a browser, decrypted, in order. */
  readBy(browser: TestBrowser): unknown[] {
    const { pathname } = new URL(browser.endpoint);
    return this.pushed
      .filter(({ path }) => path === pathname)
      .map(({ body }) => JSON.parse(browser.read(body)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function certificate(): Promise<{ cert: string; key: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'perch-push-'));
  try {
    return await makeCertificate(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
