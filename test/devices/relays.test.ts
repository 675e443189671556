import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelLimits, limits } from '@perch/protocol';
import { FakeClock } from '@perch/testkit';
import { agentSide, passTime, until } from './support/agent-side.ts';
import { ControlRelay } from './support/control-relay.ts';
import { CuttingProxy } from './support/cutting-proxy.ts';

const DEVICE = 'kitchen-x7k2';
const NOWHERE = 'http://127.0.0.1:1';
const lineOf = (relay: ControlRelay) => relay.links.of(DEVICE).line;

/** So much time passes for an agent that is connected here, and is heard all the while. */
async function live(clock: FakeClock, relay: ControlRelay, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 5_000) {
    clock.advance(Math.min(left, 5_000));
    await relay.links.of(DEVICE).requests.ask({ kind: 'streams.list' });
  }
}

/** Two relays that note who comes and goes in one list. */
async function twoRelays(clock: FakeClock) {
  const [first, second] = [await ControlRelay.open(clock), await ControlRelay.open(clock)];
  const noted: string[] = [];
  for (const [name, relay] of Object.entries({ first, second })) {
    relay.onNote = (line) => void noted.push(`${name}: ${line}`);
  }
  return { first, second, noted };
}

test('where the first relay does not answer the next one has the agent, until the first is back', async () => {
  const clock = new FakeClock();
  const { first, second, noted } = await twoRelays(clock);
  await using _first = first;
  await using _second = second;
  await using way = await CuttingProxy.open(first.port);
  way.isDown = true;
  const { control } = await agentSide({ relays: [way.url, second.url], clock });
  await until(() => lineOf(second) !== undefined);
  assert.equal(clock.now(), 0, 'at once');
  await until(() => control.status.relay === second.url);
  const before = lineOf(second);

  await live(clock, second, channelLimits.returnPeriod);
  await until(() => way.refused === 2);
  assert.equal(lineOf(second), before, 'while the first does not answer nothing changes');
  way.isDown = false;
  await live(clock, second, channelLimits.returnPeriod);
  await until(() => lineOf(first) !== undefined && lineOf(second) === undefined);
  assert.deepEqual(noted, [
    `second: begun device-online ${DEVICE}`,
    `first: begun device-online ${DEVICE}`,
    `second: ended device-online ${DEVICE}`,
  ]);
  assert.equal(control.status.relay, way.url);
  await control.close();
});

test('where the relay it is at stops, the agent is at the next one at once', async () => {
  const clock = new FakeClock();
  const { first, second } = await twoRelays(clock);
  await using _second = second;
  const { control } = await agentSide({ relays: [first.url, second.url], clock });
  await until(() => control.status.relay === first.url);
  clock.advance(limits.steadyAfter);
  await first[Symbol.asyncDispose]();
  await until(() => control.status.relay === second.url);
  assert.equal(clock.now(), limits.steadyAfter);
  await control.close();
});

test('its old relay moves an agent: the list is on disk before the answer, and the old is left for the new', async () => {
  const clock = new FakeClock();
  const { first, second, noted } = await twoRelays(clock);
  await using _first = first;
  await using _second = second;
  const { control, disk } = await agentSide({ relays: [first.url], clock });
  await until(() => lineOf(first) !== undefined);
  const relays = [second.url, NOWHERE];
  const answer = await first.links.of(DEVICE).requests.ask({ kind: 'relays.move', relays });
  assert.deepEqual(answer, { kind: 'done', value: { relays } });
  assert.deepEqual(disk.list, { relays, before: [first.url] });
  await until(() => lineOf(second) !== undefined && lineOf(first) === undefined);
  await until(() => disk.list?.before.length === 0);
  assert.deepEqual(disk.list, { relays, before: [] }, 'once the new one has it the old is not needed');
  assert.deepEqual(noted.slice(1), [
    `second: begun device-online ${DEVICE}`,
    `first: ended device-online ${DEVICE}`,
  ]);
  await control.close();

  // The list outlives the agent.
  const again = await agentSide({ relays: [first.url], clock, disk });
  await until(() => again.control.status.relay === second.url);
  await again.control.close();
});

test('nobody loses an agent by a slip: moved to where nobody is, it comes back to where it was', async () => {
  const clock = new FakeClock();
  await using relay = await ControlRelay.open(clock);
  await using way = await CuttingProxy.open(relay.port);
  const { control, disk } = await agentSide({ relays: [way.url], clock });
  await until(() => lineOf(relay) !== undefined);
  const link = relay.links.of(DEVICE);
  assert.equal((await link.requests.ask({ kind: 'relays.move', relays: [NOWHERE] })).kind, 'done');
  const before = link.line;
  way.cut();
  const isBack = () => link.line !== undefined && link.line !== before;
  await passTime(clock, isBack, () => control.status.state === 'waiting');
  assert.deepEqual(disk.list, { relays: [NOWHERE], before: [way.url] });
  await control.close();
});

test('a list that is none is refused in words, and nothing changes', async () => {
  const clock = new FakeClock();
  await using relay = await ControlRelay.open(clock);
  const { control, disk } = await agentSide({ relays: [relay.url], clock });
  await until(() => lineOf(relay) !== undefined);
  for (const relays of [
    [],
    ['relay.example'],
    ['ftp://relay.example'],
    ['http://relay.example'],
    ['https://user:secret@relay.example'],
    ['https://relay.example/?token=x'],
    [''],
  ]) {
    const answer = await relay.links.of(DEVICE).requests.ask({ kind: 'relays.move', relays });
    assert.ok(answer.kind === 'failed', `${relays}`);
    assert.deepEqual([answer.error.status, answer.error.code], [400, 'bad-relays'], `${relays}`);
    assert.match(answer.error.message, /is no address of a relay: give https|a list of 1 to 8 addresses/);
  }
  assert.equal(disk.list, undefined);
  await control.close();
});

test('of two agents with one identity the loser waits a minute, then two: they do not fight', async () => {
  const clock = new FakeClock();
  await using relay = await ControlRelay.open(clock);
  const link = relay.links.of(DEVICE);
  const older = await agentSide({ relays: [relay.url], clock });
  await until(() => older.control.status.state === 'connected');
  const newer = await agentSide({ relays: [relay.url], clock });
  await until(() => newer.control.status.state === 'connected');
  await until(() => older.control.status.state === 'waiting');
  assert.match(older.control.status.lastError ?? '', /4409: another agent with this identity has connected/);
  const rival = `done device-rival ${DEVICE} took the place of another agent with the same identity, at 10.0.0.1`;
  await until(() => relay.noted.includes(rival));

  const first = link.line;
  await live(clock, relay, limits.replacedPause - 1);
  assert.equal(link.line, first);
  clock.advance(1);
  await until(() => newer.control.status.state === 'waiting');
  assert.equal(older.control.status.state, 'connected');

  await live(clock, relay, limits.replacedPause);
  await until(() => older.control.status.state === 'waiting');
  const third = link.line;
  await live(clock, relay, 2 * limits.replacedPause - 1);
  assert.equal(link.line, third, 'the second time it waits twice as long');
  await Promise.all([older.control.close(), newer.control.close()]);
});

test('an agent that was cut off and dials anew is no rival of itself', async () => {
  const clock = new FakeClock();
  await using relay = await ControlRelay.open(clock);
  await using other = await CuttingProxy.open(relay.port);
  // Two addresses of one relay: the agent goes over to the better one.
  other.isDown = true;
  const { control } = await agentSide({ relays: [other.url, relay.url], clock });
  await until(() => control.status.relay === relay.url);
  other.isDown = false;
  const before = lineOf(relay);
  await live(clock, relay, channelLimits.returnPeriod);
  await until(() => control.status.relay === other.url);
  await until(() => relay.links.size === 1);
  assert.notEqual(lineOf(relay), before);
  assert.ok(
    relay.noted.every((line) => !line.includes('rival')),
    `${relay.noted}`,
  );
  assert.deepEqual(relay.gone, [], 'it was there all the time');
  await control.close();
});

test('where no relay answers it is tried after 1, 2, 4, 8, 10, 10 … seconds', async () => {
  const clock = new FakeClock();
  const { control } = await agentSide({ relays: [NOWHERE, 'http://127.0.0.1:2'], clock });
  const pauses: number[] = [];
  while (pauses.length < 6) {
    await until(() => control.status.state === 'waiting');
    const pause = (clock.nextAt ?? 0) - clock.now();
    pauses.push(pause);
    clock.advance(pause);
  }
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  assert.match(control.status.lastError ?? '', /ECONNREFUSED/);
  await control.close();
});

test('a relay that refuses is asked again in a minute, and its words are shown', async () => {
  const clock = new FakeClock();
  await using relay = await ControlRelay.open(clock);
  const body = '{"code":401,"message":"the certificate is too old: the clock of one of us is wrong"}';
  relay.refusal = `HTTP/1.1 401 Unauthorized\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
  const { control } = await agentSide({ relays: [relay.url], clock });
  await until(() => control.status.state === 'waiting');
  assert.match(control.status.lastError ?? '', /it answered 401: the certificate is too old/);
  assert.equal((clock.nextAt ?? 0) - clock.now(), 60_000);
  relay.refusal = undefined;
  clock.advance(60_000);
  await until(() => control.status.state === 'connected');
  relay.endRights();
  await until(() => lineOf(relay) === undefined);
  await until(() => control.status.state === 'waiting');
  assert.match(control.status.lastError ?? '', /4401: the right to be here has ended/);
  await control.close();
});
