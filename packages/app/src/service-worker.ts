// The shell of the app, kept so that it opens at once and without a network. Live data and sign-in never pass here.
import { type PushWorld, showPushes } from './push/worker.ts';

declare const __PERCH_VERSION__: string;

interface WorkerScope {
  addEventListener(type: 'install' | 'activate', listener: (event: LifecycleEvent) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchLikeEvent) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
  readonly location: Location;
}
interface LifecycleEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchLikeEvent extends LifecycleEvent {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

// TypeScript has the worker's own types only in a library that clashes with the page's.
const worker = self as unknown as WorkerScope & PushWorld;
const CACHE = `perch-shell-${__PERCH_VERSION__}`;
const SHELL = ['/', '/app.js', '/app.css', '/player.js', '/icon.svg', '/manifest.webmanifest'];

showPushes(worker);

worker.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(SHELL))
      .then(() => worker.skipWaiting()),
  );
});

worker.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => worker.clients.claim()),
  );
});

worker.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (
    event.request.method !== 'GET' ||
    url.origin !== worker.location.origin ||
    !SHELL.includes(url.pathname)
  )
    return;
  event.respondWith(freshOrKept(event.request));
});

/** The network's answer where there is one, so that an update shows at once; else the kept one. */
async function freshOrKept(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}
