/** Child process of `agent-delay.ts`: an agent, or the least that could do its work. Says its port, then its CPU time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAgent } from '@perch/agent';
import { silentLogger } from '@perch/runtime';
import { WebSocketServer } from 'ws';

async function startPerch(): Promise<number> {
  const data = mkdtempSync(join(tmpdir(), 'perch-bench-agent-'));
  process.on('exit', () => rmSync(data, { recursive: true, force: true }));
  const agent = await startAgent({ listen: { host: '127.0.0.1', port: 0 }, data, logger: silentLogger });
  return agent.port;
}

/** Sends each read to every WebSocket, and knows nothing of packets, rules or slow takers. */
function startBare(): Promise<number> {
  const server = createServer({ requestTimeout: 0, noDelay: true });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  server.on('request', (request, response) => {
    request.on('data', (read: Buffer) => {
      for (const socket of sockets.clients) socket.send(read);
    });
    request.on('end', () => response.end());
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

const port = process.argv[2] === 'agent' ? await startPerch() : await startBare();
process.send?.({ port });
process.on('message', () =>
  process.send?.({ cpuMs: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000 }),
);
process.on('disconnect', () => process.exit());
