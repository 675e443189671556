import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { isTopicName } from '@perch/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isHost } from '../auth/trusted-proxies.ts';
import { RelayError } from '../errors.ts';
import { type PageNeeds, pageHeaders } from './page-headers.ts';
import { embedPage, statsPage, statsScript } from './pages.ts';

interface WebFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

/**
 * The app's files, the player and our two small pages, for everybody: none of them holds a secret. Files are read once
 * at start, so a request names a file or it does not; no path is ever put together from what a request says.
 *
 * @throws {RelayError} `web-root-unreadable` where the directory cannot be read.
 */
export function webRoutes(
  app: FastifyInstance,
  options: { webRoot?: string; embedOrigin?: readonly string[] },
): void {
  const { embedOrigin = [] } = options;
  checkOrigins(embedOrigin);
  const config = { permit: { to: 'everyone' } } as const;
  const route = (
    path: string,
    answer: (request: FastifyRequest, reply: FastifyReply) => FastifyReply | undefined,
  ) =>
    app.get(path, { config, schema: { hide: true } }, async (request, reply) => {
      return answer(request, reply) ?? reply.callNotFound();
    });

  const files = options.webRoot === undefined ? new Map<string, WebFile>() : readAll(options.webRoot);
  for (const [path, file] of files) {
    // Any page may load the player: it is public code, and what it may show is another question.
    const needs = isPlayer(path) ? { isPublic: true } : {};
    route(path, (request, reply) => send(request, reply, file, needs));
  }
  const stats = page(statsPage);
  const script = fileOf(Buffer.from(statsScript), types['.js'] as string);
  route('/stats', (request, reply) => send(request, reply, stats, { inline: inlineOf(statsPage) }));
  route('/stats.js', (request, reply) => send(request, reply, script));
  const framedBy = ["'self'", ...embedOrigin];
  route('/embed/*', (request, reply) => {
    const topic = decode((request.url.split('?', 1)[0] as string).slice('/embed/'.length));
    if (topic === undefined || !isTopicName(topic)) return undefined;
    const html = embedPage(topic);
    return send(request, reply, page(html), { framedBy, inline: inlineOf(html) });
  });
}

/** @throws {TypeError} naming `embedOrigin` and the one that is no origin of web pages. */
export function checkOrigins(origins: readonly string[]): void {
  for (const origin of origins) {
    const url = URL.parse(origin);
    // A host name that is one: others could say more than a host in the policy.
    if (url && /^https?:$/.test(url.protocol) && url.origin === origin && isHost(url.host)) continue;
    throw new TypeError(`embedOrigin: "${origin}" is no origin such as https://lab.example:8443`);
  }
}

/** The player, and the part of it that is fetched when a stream needs it. */
const isPlayer = (path: string): boolean => /^\/player[\w-]*\.js$/.test(path);

const page = (html: string): WebFile => fileOf(Buffer.from(html), types['.html'] as string);

const fileOf = (body: Buffer, type: string): WebFile => ({
  body,
  type,
  etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
});

function send(request: FastifyRequest, reply: FastifyReply, file: WebFile, needs?: PageNeeds): FastifyReply {
  reply.headers({ ...pageHeaders(request, needs), 'Cache-Control': 'no-cache', ETag: file.etag });
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
  return reply.type(file.type).send(file.body);
}

/** What stands in `<style>` and `<script>` of a page. */
const inlineOf = (html: string): string[] =>
  [...html.matchAll(/<(style|script)(?: type="module")?>(.*?)<\/\1>/gs)].map(([, , text = '']) => text);

function readAll(root: string): Map<string, WebFile> {
  const files = new Map<string, WebFile>();
  let names: string[];
  try {
    names = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    for (const name of names) {
      const type = types[extname(name)];
      if (!type) continue;
      const path = `/${relative(root, name).split(sep).join('/')}`;
      const file = fileOf(readFileSync(name), type);
      files.set(path, file);
      if (path === '/index.html') files.set('/', file);
    }
  } catch (cause) {
    throw new RelayError(
      'web-root-unreadable',
      `The web app in ${root} cannot be read. Run "npm run build", or install Perch again.`,
      { cause },
    );
  }
  return files;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text).replace(/\/+$/, '');
  } catch {
    return undefined; // a broken percent escape names nothing
  }
}
