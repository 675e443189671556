import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { isTopicName } from '@perch/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RelayError } from '../errors.ts';
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

const CSP = [
  "default-src 'none'",
  // The player brings its worker and its audio worklet inside it; a worklet counts as a script.
  "script-src 'self' blob: 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self' ws: wss:",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
];

/**
 * The app's files, the player and our two small pages, for everybody: none of them holds a secret. Files are read once
 * at start, so a request names a file or it does not; no path is ever put together from what a request says.
 *
 * @throws {RelayError} `web-root-unreadable` where the directory cannot be read.
 */
export function webRoutes(app: FastifyInstance, options: { webRoot?: string }): void {
  const config = { permit: { to: 'everyone' } } as const;
  const files = options.webRoot === undefined ? new Map<string, WebFile>() : readAll(options.webRoot);
  for (const [path, file] of files) {
    if (path === '/embed.html') continue;
    app.get(path, { config, schema: { hide: true } }, async (request, reply) => {
      // Any page may load the player: it is public code, and what it may show is another question.
      if (isPlayer(path)) reply.header('Access-Control-Allow-Origin', '*');
      return send(request, reply, file, "'self'");
    });
  }
  const stats = { page: page(statsPage), script: fileOf(Buffer.from(statsScript), types['.js'] as string) };
  app.get('/stats', { config, schema: { hide: true } }, async (request, reply) =>
    send(request, reply, stats.page, "'self'"),
  );
  app.get('/stats.js', { config, schema: { hide: true } }, async (request, reply) =>
    send(request, reply, stats.script, "'self'"),
  );
  // Other sites may frame a player; what it may show there is another question.
  app.get('/embed/*', { config, schema: { hide: true } }, async (request, reply) => {
    const topic = decode((request.url.split('?', 1)[0] as string).slice('/embed/'.length));
    if (topic === undefined || !isTopicName(topic)) return reply.callNotFound();
    return send(request, reply, files.get('/embed.html') ?? page(embedPage(topic)), '*');
  });
}

/** The player, and the part of it that is fetched when a stream needs it. */
const isPlayer = (path: string): boolean => /^\/player[\w-]*\.js$/.test(path);

const page = (html: string): WebFile => fileOf(Buffer.from(html), types['.html'] as string);

const fileOf = (body: Buffer, type: string): WebFile => ({
  body,
  type,
  etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
});

function send(request: FastifyRequest, reply: FastifyReply, file: WebFile, framedBy: string) {
  reply
    .header('Content-Security-Policy', [...CSP, `frame-ancestors ${framedBy}`].join('; '))
    .header('Cache-Control', 'no-cache')
    .header('ETag', file.etag);
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
  return reply.type(file.type).send(file.body);
}

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
