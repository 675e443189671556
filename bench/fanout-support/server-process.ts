/**
 * A server to be measured, in a process of its own: `server-process.ts relay|loop [tls]`.
 * It tells its port over IPC and answers `usage` with its processor time and memory.
 */
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { silentLogger } from '@perch/runtime';
import { type WebSocket, WebSocketServer } from 'ws';
import { startRelay } from '../../packages/relay/src/index.ts';

export type Question = 'usage' | 'gc' | 'stop';
export type Answer =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'usage'; readonly cpuMs: number; readonly rss: number };

const [kind, dir, secure] = process.argv.slice(2);
if (!dir) throw new Error('usage: server-process.ts relay|loop DIR [tls]');
const tls = secure === 'tls' ? { cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') } : undefined;
const say = (answer: Answer) => process.send?.(answer);

if (kind === 'relay') {
  const relay = await startRelay({
    listen: { host: '127.0.0.1', port: 0 },
    data: dir,
    open: ['**'],
    ...(tls && { tls }),
    logger: silentLogger,
  });
  say({ kind: 'ready', port: relay.port });
} else {
  // The plain loop that everybody writes first: for each message, for each client, send.
  const viewers = new Set<WebSocket>();
  const http = tls
    ? createHttpsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) })
    : createHttpServer();
  const server = new WebSocketServer({ server: http, perMessageDeflate: false });
  server.on('connection', (socket, request) => {
    if (request.url?.startsWith('/out/')) viewers.add(socket);
    else
      socket.on('message', (data, isBinary) => {
        for (const viewer of viewers) viewer.send(data, { binary: isBinary });
      });
    socket.on('close', () => viewers.delete(socket));
  });
  http.listen(0, '127.0.0.1', () => say({ kind: 'ready', port: (http.address() as AddressInfo).port }));
}

process.on('message', (question: Question) => {
  switch (question) {
    case 'usage': {
      const { user, system } = process.cpuUsage();
      say({ kind: 'usage', cpuMs: (user + system) / 1000, rss: process.memoryUsage.rss() });
      break;
    }
    case 'gc':
      globalThis.gc?.();
      break;
    case 'stop':
      process.exit(0);
  }
});
process.on('disconnect', () => process.exit(0));
