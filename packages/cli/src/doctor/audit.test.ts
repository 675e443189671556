import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createTokenIn } from '@perch/relay';
import { silentLogger, systemClock } from '@perch/runtime';
import { examineAudit } from './audit.ts';

function placeFor(t: { after(close: () => void): void }) {
  const data = mkdtempSync(join(tmpdir(), 'perch-doctor-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  return { data, clock: systemClock, logger: silentLogger };
}

test('where no relay ran there is no audit, and none is made', async (t) => {
  const place = placeFor(t);
  assert.deepEqual(await examineAudit(place), [
    { name: 'audit', outcome: 'ok', seen: 'no relay has run on this directory' },
  ]);
  assert.deepEqual(readdirSync(place.data), []);
});

test('an audit that is whole is counted; the first line that was changed is named', async (t) => {
  const place = placeFor(t);
  for (const topic of ['a', 'b', 'c'])
    await createTokenIn({ ...place, topic, scope: ['read'], ttlMs: 1_000 });
  assert.deepEqual(await examineAudit(place), [{ name: 'audit', outcome: 'ok', seen: '3 lines, whole' }]);
  const database = new DatabaseSync(join(place.data, 'perch.db'));
  database.exec("UPDATE audit SET topic = 'other' WHERE seq = 2");
  database.close();
  const [finding] = await examineAudit(place);
  assert.equal(finding?.outcome, 'bad');
  assert.match(finding?.seen ?? '', /^line 2 of relay [0-9a-f]{16} is the first .* was changed$/);
});

test('a database that cannot be used is a finding', async (t) => {
  const place = placeFor(t);
  writeFileSync(join(place.data, 'perch.db'), 'no database '.repeat(1_000));
  const [finding] = await examineAudit(place);
  assert.equal(finding?.seen, 'cannot be used (data-damaged)');
  assert.match(finding?.help ?? '', /Put back a copy/);
});
