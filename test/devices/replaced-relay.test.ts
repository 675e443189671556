import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger, systemClock } from '@perch/runtime';
import { enrol, startAgent } from '../../packages/agent/src/index.ts';
import { backupIn, restoreIn } from '../../packages/relay/src/index.ts';
import { openRelay, Peer } from '../support/relay.ts';
import { turn } from './support/agent-side.ts';
import { Owner } from './support/owner.ts';

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'perch-replaced-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Resolves when the events of a device say that it is there, or not. */
async function untilOnline(owner: Owner, device: string, online: boolean): Promise<void> {
  for await (const shown of owner.events(device)) if (shown.online === online) return;
  throw new Error('the events ended');
}

test('a relay is replaced: devices go to the one that was made of its backup, with what they send', {
  timeout: 120_000,
}, async (t) => {
  const [data, oldData, newData] = [await directory(t), await directory(t), join(await directory(t), 'new')];
  const place = { clock: systemClock, logger: silentLogger };
  await using older = await openRelay({ data: oldData });
  const owner = await Owner.signIn(older);
  const { device } = await enrol({ url: older.url, code: await older.createEnrolmentCode('kitchen'), data });
  await using agent = await startAgent({
    listen: { host: '127.0.0.1', port: 0 },
    data,
    logger: silentLogger,
    httpWaitMs: 100,
  });
  await untilOnline(owner, device, true);
  const encoder = request(`${agent.url}/ts/video0`, { method: 'POST' });
  encoder.on('error', () => undefined);
  t.after(() => encoder.destroy());
  const bytes = Buffer.from('anything that is no transport stream');
  encoder.write(bytes);

  const file = join(oldData, 'backup');
  await backupIn({ ...place, data: oldData, file });
  await restoreIn({ ...place, data: newData, file });
  await using newer = await openRelay({ data: newData });
  const newOwner = await Owner.signIn(newer);
  const moved = await owner.fetch(`devices/${device}/move`, {
    method: 'POST',
    body: { relays: [newer.url] },
  });
  assert.deepEqual([moved.status, await moved.json()], [200, { relays: [newer.url] }]);
  await untilOnline(newOwner, device, true);
  await untilOnline(owner, device, false);

  const token = await newer.createToken({ topic: `${device}/video0`, scope: ['read'], ttlMs: 60_000 });
  using viewer = await Peer.open(`${newer.ws}/out/${device}/video0`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  while (viewer.heard.length === 0) {
    if (!encoder.write(bytes)) await once(encoder, 'drain');
    await turn();
  }
});
