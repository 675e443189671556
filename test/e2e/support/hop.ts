// A program of its own: a relay and an agent that sends `video0` to it, as `perch up` runs them. Tells its parent where.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startAgent } from '@perch/agent';
import { startRelay } from '@perch/relay';
import type { LogFields, Logger } from '@perch/runtime';

const say = (level: string) => (message: string, fields?: LogFields) => {
  if (level === 'error' || level === 'warn' || process.env.DEBUG) console.error(level, message, fields ?? '');
};
const logger: Logger = {
  error: say('error'),
  warn: say('warn'),
  info: say('info'),
  debug: say('debug'),
  child: () => logger,
};

const data = mkdtempSync(path.join(tmpdir(), 'perch-hop-'));
const listen = { host: '127.0.0.1', port: 0 };
const relay = await startRelay({
  listen,
  data: path.join(data, 'relay'),
  open: ['video0'],
  webRoot: process.argv[2] ?? '',
  logger,
});
const agent = await startAgent({
  listen,
  data: path.join(data, 'agent'),
  destinations: [
    {
      id: 'relay',
      stream: 'video0',
      destination: `${relay.url.replace('http', 'ws')}/in/video0`,
      protocol: 'perch.1',
    },
  ],
  httpWaitMs: 0,
  logger,
});
process.send?.({ relay: relay.url, agent: agent.url });

const end = async () => {
  await agent.close();
  await relay.close();
  rmSync(data, { recursive: true, force: true });
  process.exit(0);
};
process.on('SIGTERM', () => void end());
process.on('disconnect', () => void end());
