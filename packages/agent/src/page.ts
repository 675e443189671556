import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from '@perch/runtime';
import { text } from './api/answer.ts';
import type { Route } from './api/router.ts';

/** Beside this file in the sources, beside the bundle in `dist` (`packages/agent/build.mjs` puts them there). */
const PAGE_ROOT = fileURLToPath(new URL('./page/', import.meta.url));

const HTML = 'text/html; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const STRICT = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The player brings its worker and its audio worklet inside it, and styles of its own. */
const WITH_PLAYER = [
  "default-src 'none'",
  "script-src 'self' blob: 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * The agent's own page, and with the built player (`webRoot`) a preview of each feed and stream. Files are read once,
 * so no path is ever put together from what a request says. An agent without its page still does its work.
 */
export async function readPages(options: {
  readonly webRoot?: string;
  readonly logger: Logger;
}): Promise<Pages> {
  const { webRoot, logger } = options;
  try {
    const routes = await ownPage();
    if (webRoot === undefined) return { routes, preview: false };
    return { routes: [...routes, ...(await previewPages(webRoot))], preview: true };
  } catch (error) {
    logger.warn('pages are missing: run `npm run build`', { error: (error as Error).message });
    return { routes: [], preview: false };
  }
}

/** What the agent shows to browsers. */
export interface Pages {
  readonly routes: readonly Route[];
  /** Whether there is `/preview/<topic>`. */
  readonly preview: boolean;
}

const own = (name: string): Promise<string> => readFile(join(PAGE_ROOT, name), 'utf8');

async function ownPage(): Promise<Route[]> {
  return [
    file('/', HTML, await own('index.html'), STRICT),
    file('/page.js', SCRIPT, await own('page.js'), STRICT),
    file('/page.css', STYLE, await own('page.css'), STRICT),
  ];
}

async function previewPages(webRoot: string): Promise<Route[]> {
  const player = (name: string) => readFile(join(webRoot, name), 'utf8');
  return [
    file('/player.js', SCRIPT, await player('player.js'), WITH_PLAYER),
    file('/player-mpeg1.js', SCRIPT, await player('player-mpeg1.js'), WITH_PLAYER),
    file('/preview.js', SCRIPT, await own('preview.js'), WITH_PLAYER),
    file('/preview/', HTML, await own('preview.html'), WITH_PLAYER),
  ];
}

function file(path: string, type: string, body: string, policy: string): Route {
  const headers = {
    'Content-Security-Policy': policy,
    'Cache-Control': 'no-cache',
    'Referrer-Policy': 'no-referrer',
  };
  return { path, verbs: { GET: (_, response) => text(response, type, body, headers) } };
}
