/**
 * A server to be measured, in a process of its own: `server-process.ts relay|loop|floor DIR [tls]`.
 * It tells its port over IPC and answers `usage` with its processor time and memory.
 */
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { silentLogger } from '@perch/runtime';
import { WebSocket, WebSocketServer } from 'ws';
import { startRelay } from '../../packages/relay/src/index.ts';
import { frame, opcode } from '../../packages/relay/src/view/frames.ts';

export type Question = 'usage' | 'gc' | 'stop';
export type Answer =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'usage'; readonly cpuMs: number; readonly rss: number };

const [kind, dir, secure] = process.argv.slice(2);
if (!dir) throw new Error('usage: server-process.ts relay|loop|floor DIR [tls]');
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
} else if (kind === 'floor') {
  // The least that Node can do: one frame for all, one plain write for each, nothing bounded and nothing known.
  const viewers = new Set<Duplex>();
  const http = createHttpServer();
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  http.on('upgrade', (request, socket, head) => {
    server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => undefined);
      if (request.url?.startsWith('/out/')) viewers.add(socket);
      webSocket.on('close', () => viewers.delete(socket));
      webSocket.on('message', (data: Buffer) => {
        const whole = frame(opcode.binary, data);
        for (const viewer of viewers) viewer.write(whole);
      });
    });
  });
  http.listen(0, '127.0.0.1', () => say({ kind: 'ready', port: (http.address() as AddressInfo).port }));
} else {
  // The broadcast of the ws README: for each message, for each client, send.
  const http = tls
    ? createHttpsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) })
    : createHttpServer();
  const server = new WebSocketServer({ server: http, perMessageDeflate: false });
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data, isBinary) => {
      server.clients.forEach((client) => {
        if (client !== socket && client.readyState === WebSocket.OPEN) {
          client.send(data, { binary: isBinary });
        }
      });
    });
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
