import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { FakeClock, Pictures } from '@perch/testkit';
import { Switchboard } from '../ingest/switchboard.ts';
import type { DestinationRule } from '../rules/rule.ts';
import { makeDialer } from './dial.ts';
import { FarEnd, until } from './testing/far-end.ts';
import { Uplinks } from './uplinks.ts';

async function setUp(t: TestContext) {
  const clock = new FakeClock();
  const switchboard = new Switchboard(clock);
  const uplinks = new Uplinks({ switchboard, dialer: await makeDialer(), clock, logger: silentLogger });
  t.after(() => uplinks.close());
  const feed = switchboard.open('v');
  const setRules = (...rules: DestinationRule[]) =>
    uplinks.setRules(new Map(rules.map((rule) => [rule.id, rule])));
  const allOpen = () => until(() => [...uplinks].every(({ state }) => state.kind === 'open'));
  return { uplinks, switchboard, feed, setRules, allOpen, pictures: new Pictures() };
}

const to = (far: FarEnd, id = '0', stream = 'v'): DestinationRule => ({
  id,
  stream,
  destination: far.url,
  token: '',
});

test('a rule that stays keeps its connection, whatever becomes of others', async (t) => {
  const { setRules, allOpen, switchboard } = await setUp(t);
  const [one, other] = [await FarEnd.open(t), await FarEnd.open(t)];
  const stays = to(one);
  setRules(stays, to(other, '1'));
  await allOpen();
  setRules(stays);
  await until(() => other.codes.length === 1);
  setRules(stays, to(other, '2'));
  await until(() => other.sockets.length === 2);
  assert.deepEqual([one.sockets.length, one.codes, other.codes], [1, [], [1000]]);
  assert.equal(switchboard.takers('v'), 2);
});

test('an equal rule that is posted again is dialled anew, and then the old connection ends with 1000', async (t) => {
  const { setRules, allOpen, feed, pictures, uplinks } = await setUp(t);
  const far = await FarEnd.open(t);
  setRules(to(far));
  await allOpen();
  feed.publish(pictures.key(), feed);
  await until(() => far.numbers.length === 1);
  setRules(to(far));
  const [uplink] = uplinks;
  await until(() => uplink?.moving?.state.kind === 'open');
  assert.deepEqual(far.codes, []);
  feed.publish(pictures.next(), feed);
  feed.publish(pictures.key(), feed);
  await until(() => far.codes.length === 1);
  feed.publish(pictures.next(), feed);
  await until(() => far.numbers.length === 4);
  assert.deepEqual([far.codes, far.sockets.length, far.numbers], [[1000], 2, [0, 1, 2, 3]]);
  assert.deepEqual([...uplinks].length, 1);
});

test('the pressure of a stream is that of its worst destination, and unknown where none is open', async (t) => {
  const { setRules, allOpen, uplinks, feed, pictures } = await setUp(t);
  const [good, bad] = [await FarEnd.open(t), await FarEnd.open(t)];
  setRules(to(good, '0'), to(bad, '1'));
  assert.equal(uplinks.pressure('v'), undefined);
  await allOpen();
  assert.deepEqual(uplinks.pressure('v'), { delayMs: 0, droppedMessages: 0, bitRate: 0 });
  assert.equal(uplinks.pressure('w'), undefined);
  bad.sockets[0]?.pause();
  for (let i = 0; i < 60; i++) {
    feed.publish(pictures.key(100_000), feed);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => good.numbers.length === 60);
  const [, worst] = [...uplinks].map(({ pressure }) => pressure);
  assert.ok((worst?.droppedMessages ?? 0) > 0);
  assert.equal(uplinks.pressure('v')?.droppedMessages, worst?.droppedMessages);
  bad.sockets[0]?.resume();
});

test('closing ends all, also what is on its way out', async (t) => {
  const { setRules, allOpen, uplinks, switchboard } = await setUp(t);
  const [one, other] = [await FarEnd.open(t), await FarEnd.open(t)];
  setRules(to(one), to(other, '1'));
  await allOpen();
  setRules(to(other, '1'));
  await uplinks.close();
  await until(() => one.codes.length === 1 && other.codes.length === 1);
  assert.deepEqual([one.codes, other.codes, [...uplinks].length], [[1000], [1000], 0]);
  assert.equal(switchboard.takers('v'), 0);
});
