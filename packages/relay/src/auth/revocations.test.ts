import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { openState } from '../state.ts';
import type { Database } from '../storage/database.ts';
import { Revocations } from './revocations.ts';

async function open(t: { after(f: () => void): void }) {
  const data = mkdtempSync(join(tmpdir(), 'perch-revoked-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const clock = new FakeClock();
  const database = await openState({ data, clock, logger: silentLogger });
  const follow = async (options: { database?: Database; logger?: typeof silentLogger } = {}) => {
    let news = 0;
    const onNews = () => void news++;
    const revocations = new Revocations({ database, clock, logger: silentLogger, onNews, ...options });
    await revocations.open();
    return { revocations, news: () => news };
  };
  const revoke = (id: string) =>
    database.transaction((queries) => Revocations.note(queries, { kind: 'token', id }, clock.wall()));
  return { clock, database, follow, revoke, [Symbol.asyncDispose]: () => database.close() };
}

test('every relay reads what was revoked since it began, once', async (t) => {
  await using state = await open(t);
  const early = await state.follow();
  await state.revoke('a');
  const late = await state.follow();
  await state.revoke('b');
  await Promise.all([early.revocations.poll(), late.revocations.poll()]);
  await early.revocations.poll();
  const has = (revocations: Revocations) =>
    ['a', 'b', 'c'].filter((id) => revocations.endedSince(`token ${id}`, 0));
  assert.deepEqual(has(early.revocations), ['a', 'b']);
  assert.deepEqual(has(late.revocations), ['a', 'b'], 'a code may be older than the relay that is shown it');
  assert.ok(!early.revocations.endedSince('session a', 0));
  assert.deepEqual([early.news(), late.news()], [1, 1]);
});

test('what is given again holds until it is taken again', async (t) => {
  await using state = await open(t);
  const { revocations } = await state.follow();
  await state.revoke('a');
  await revocations.poll();
  const seq = revocations.seen;
  assert.ok(!revocations.endedSince('token a', seq));
  await state.revoke('b');
  await revocations.poll();
  assert.ok(!revocations.endedSince('token a', seq));
  await state.revoke('a');
  await revocations.poll();
  assert.ok(revocations.endedSince('token a', seq));
});

test('what a transaction that failed would have revoked is not', async (t) => {
  await using state = await open(t);
  const { revocations, news } = await state.follow();
  const failed = state.database.transaction(async (queries) => {
    await Revocations.note(queries, { kind: 'token', id: 'a' }, state.clock.wall());
    throw new Error('no');
  });
  await assert.rejects(failed, /no/);
  await state.revoke('b');
  await revocations.poll();
  assert.ok(!revocations.endedSince('token a', 0));
  assert.ok(revocations.endedSince('token b', 0));
  assert.equal(news(), 1);
});

test('the list in the database is short: what is a day old has ended everywhere', async (t) => {
  await using state = await open(t);
  await state.revoke('a');
  state.clock.advance(24 * 3_600_000 + 1);
  await state.revoke('b');
  const select = 'SELECT id FROM revocations';
  assert.deepEqual(await state.database.query(select, [], (row) => row.text('id')), ['b']);
});

test('a database that is gone is complained about once, and what was known holds', async (t) => {
  await using state = await open(t);
  const errors: string[] = [];
  const logger = { ...silentLogger, error: (text: string) => void errors.push(text) };
  const { revocations } = await state.follow({ logger });
  await state.revoke('a');
  await revocations.poll();
  await state.database.close();
  await revocations.poll();
  await revocations.poll();
  assert.equal(errors.length, 1);
  assert.ok(revocations.endedSince('token a', 0));
});
