import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

/** What a route answers: a body, a status without one, or both. */
export interface FakeAnswer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers `VERB /path`; `:name` in the path stands for one part of it. */
export type FakeRoutes = Record<string, (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>>;

export interface FakeRequest {
  /** What the `:names` of the path stood for, in their order. */
  readonly names: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
}

/** A relay's HTTP API as the app sees it, answered by a test; for states that a real relay is seldom in. */
export interface FakeRelay extends AsyncDisposable {
  readonly url: string;
  /** Every call that changes something, as it came: `POST /path {"json":…}`. */
  readonly deeds: string[];
  /** Resolves with the n-th of them, from 0, when it has come: a page may show what it wants before the relay hears of it. */
  deed(n: number): Promise<string>;
  /** May be changed at any time. */
  readonly routes: FakeRoutes;
  /** Sends an event to everybody who listens at `…/events` of devices; `state` to those too who come later. */
  tell(news: unknown, kind?: string): void;
  /** Sends an event to everybody who listens to news of captures. */
  tellOfCaptures(news: unknown, kind: string): void;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

/** As strict as the relay's own, or stricter: what runs here runs there. */
const CSP = [
  "default-src 'none'",
  "script-src 'self' blob: 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  // The player's own sheet is in its shadow root.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "connect-src 'self' ws: wss:",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ');

/** Starts one on a free loopback port. */
export async function startFakeRelay(webRoot: string, routes: FakeRoutes): Promise<FakeRelay> {
  const deeds: string[] = [];
  let wake: (() => void)[] = [];
  const note = (deed: string) => {
    deeds.push(deed);
    for (const each of wake) each();
    wake = [];
  };
  const listeners = new Set<ServerResponse>();
  const watchers = new Set<ServerResponse>();
  let latest: string | undefined;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
    const method = request.method ?? 'GET';
    if (/^\/api\/v1\/devices\/[^/]+\/events$/.test(pathname)) return listen(response, listeners, latest);
    if (pathname === '/api/v1/captures/events') return listen(response, watchers);
    const text = await bodyOf(request);
    if (pathname.startsWith('/api/') || pathname.startsWith('/session/')) {
      // A player asks for its stream by POST, which changes nothing.
      if (method !== 'GET' && pathname.startsWith('/api/'))
        note(`${method} ${pathname}${text && ` ${text}`}`);
      const found = find(routes, method, pathname);
      if (!found) return send(response, { status: 404, body: { code: 404, message: 'no such thing' } });
      const { handler, names } = found;
      return send(response, await handler({ names, query, body: text ? JSON.parse(text) : undefined }));
    }
    const file = pathname === '/' ? '/index.html' : pathname;
    const body = pathname.includes('..')
      ? undefined
      : await readFile(path.join(webRoot, file)).catch(() => undefined);
    if (!body) return void response.writeHead(404).end();
    const type = types[path.extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'content-security-policy': CSP }).end(body);
  }

  function listen(response: ServerResponse, listening: Set<ServerResponse>, first = ': hello\n\n'): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(first);
    listening.add(response);
    response.once('close', () => listening.delete(response));
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      note(`the fake relay failed: ${error.message}`);
      response.writeHead(500).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    deeds,
    async deed(n) {
      for (;;) {
        const deed = deeds[n];
        if (deed !== undefined) return deed;
        await new Promise<void>((resolve) => wake.push(resolve));
      }
    },
    routes,
    tell(news, kind = 'state') {
      const event = eventOf(news, kind);
      if (kind === 'state') latest = event;
      for (const listener of listeners) listener.write(event);
    },
    tellOfCaptures(news, kind) {
      for (const watcher of watchers) watcher.write(eventOf(news, kind));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const eventOf = (news: unknown, kind: string): string => `event: ${kind}\ndata: ${JSON.stringify(news)}\n\n`;

function find(routes: FakeRoutes, method: string, pathname: string) {
  const parts = pathname.split('/');
  for (const [key, handler] of Object.entries(routes)) {
    const [verb, pattern = ''] = key.split(' ');
    const wanted = pattern.split('/');
    if (verb !== method || wanted.length !== parts.length) continue;
    if (!wanted.every((part, i) => part.startsWith(':') || part === parts[i])) continue;
    const names = parts.filter((_, i) => wanted[i]?.startsWith(':')).map(decodeURIComponent);
    return { handler, names };
  }
  return undefined;
}

function send(response: ServerResponse, { status, body, headers }: FakeAnswer): void {
  if (body === undefined) {
    response.writeHead(status ?? 204, headers).end();
    return;
  }
  response
    .writeHead(status ?? 200, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
