import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { startAgent } from '../agent.ts';

test('motion is turned on by API, survives a restart, and what the configuration gives stays as it is', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'perch-motion-switch-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const start = () =>
    startAgent({
      ...{ listen: { host: '127.0.0.1', port: 0 }, data, captures: {}, logger: silentLogger },
      motion: { feeds: ['given'], rule: { sensitivity: 3 } },
    });
  const ask = async (url: string, body?: object) => {
    const answer = await fetch(url, body && { method: 'PUT', body: JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, body: answer.ok ? (JSON.parse(text) as Record<string, unknown>) : text };
  };
  {
    await using agent = await start();
    const url = `${agent.url}/api/motion`;
    assert.equal((await ask(url, { feed: 'camera', isOn: true, sensitivity: 8 })).status, 200);
    assert.equal((await ask(url, { feed: 'camera', sensitivity: 99 })).status, 400);
    const refused = await ask(url, { feed: 'given', isOn: false });
    assert.equal(refused.status, 409);
    assert.match(String(refused.body), /set by the configuration/);
  }
  await using agent = await start();
  const { body } = await ask(`${agent.url}/api/motion/all`);
  const rules = body as Record<string, { isOn: boolean; sensitivity: number }>;
  assert.deepEqual([rules.camera?.isOn, rules.camera?.sensitivity, rules.given?.sensitivity], [true, 8, 3]);
  const none = await ask(`${agent.url}/api/motion/other`);
  assert.equal((none.body as { isOn: boolean }).isOn, false);
  assert.equal((await ask(`${agent.url}/api/motion`, { feed: 'camera', isOn: false })).status, 200);
});
