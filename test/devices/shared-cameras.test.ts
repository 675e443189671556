import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { on, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { startPostgres } from '@perch/testkit';
import { enrol, startAgent } from '../../packages/agent/src/index.ts';
import { openRelay } from '../support/relay.ts';
import { Owner } from './support/owner.ts';

// Two real relays on one PostgreSQL, a real agent at one of them, an owner at the other.

test('a camera is commanded at any of several relays, once, and all of them show what became of it', {
  timeout: 120_000,
}, async (t) => {
  await using server = await startPostgres();
  const database = server.createDatabase();
  await using near = await openRelay({ database });
  await using far = await openRelay({ database });
  const data = mkdtempSync(join(tmpdir(), 'perch-cameras-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const datagrams: string[] = [];
  socket.on('message', (text) => void datagrams.push(String(text)));
  const heard = on(socket, 'message');

  const owner = await Owner.signIn(far);
  const { device } = await enrol({ url: near.url, code: await near.createEnrolmentCode('yard'), data });
  const path = `devices/${device}`;
  // Asked before it was ever there.
  await owner.json(`${path}/camera`, { method: 'PUT', body: { armed: true } });
  await using _agent = await startAgent({
    ...{ listen: { host: '127.0.0.1', port: 0 }, data, logger: silentLogger, httpWaitMs: 100 },
    captures: { camera: { host: '127.0.0.1', port: socket.address().port } },
  });
  await heard.next();
  const handed = Owner.first(owner.cameraEvents(device), ({ last: [last] }) => {
    return last?.command === 'capture' && last.handed !== null;
  });
  await owner.fetch(`${path}/commands`, { method: 'POST', body: { command: 'capture' } });
  await heard.next();
  const { armed } = await handed;
  assert.deepEqual([armed.wanted, armed.known], [true, true]);
  await owner.json(`${path}/camera`, { method: 'PUT', body: { armed: false } });
  await heard.next();
  assert.deepEqual(
    datagrams,
    ['arm', 'capture', 'disarm'].map((command) => JSON.stringify({ command })),
  );
});
