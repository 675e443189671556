import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { channelLimits, limits, PERCH_AGENT_1 } from '@perch/protocol';
import { FakeClock } from '@perch/testkit';
import { type WebSocket, WebSocketServer } from 'ws';
import { makeDialer } from '../uplink/dial.ts';
import { type End, Line, type LineOptions } from './line.ts';

const WELCOME = '{"type":"welcome","session":"s","device":"kitchen-x7k2","foreign":0,"now":0}';

/** A line to a relay that does what the test says, and answers no ping by itself. */
async function setUp(t: TestContext, options: Partial<LineOptions> = {}) {
  const clock = new FakeClock();
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, autoPong: false });
  await once(server, 'listening');
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const ended = Promise.withResolvers<End>();
  const happened: string[] = [];
  const arrived = once(server, 'connection') as Promise<[WebSocket, IncomingMessage]>;
  const line = new Line({
    relay: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    identity: {
      headers: async (url) => ({ 'X-Shown-At': new URL(url).pathname }),
      alsoAt: () => undefined,
      skew: { heard: () => undefined },
    },
    dialer: await makeDialer(),
    boot: 'b',
    software: 'perch/test',
    clock,
    onWelcome: ({ device }) => void happened.push(`welcome ${device}`),
    onTold: ({ type }) => void happened.push(type),
    onEnd: ended.resolve,
    ...options,
  });
  t.after(() => line.close('end of the test'));
  return { clock, line, arrived, happened, ended: ended.promise };
}

/** The relay's end of a line that it has welcomed. */
async function welcomed(line: Awaited<ReturnType<typeof setUp>>): Promise<WebSocket> {
  const [relay] = await line.arrived;
  await once(relay, 'message');
  relay.send(WELCOME);
  await settled(relay);
  return relay;
}

/** Resolves when the line has read all that was sent before: it answers pings in their order. */
async function settled(relay: WebSocket): Promise<void> {
  const pong = once(relay, 'pong');
  relay.ping();
  await pong;
}

test('it shows who it is, says hello, and tells what the relay says after its welcome', async (t) => {
  const { arrived, happened, line } = await setUp(t);
  const [relay, request] = await arrived;
  assert.equal(request.url, '/agent');
  assert.equal(request.headers['sec-websocket-protocol'], PERCH_AGENT_1);
  assert.equal(request.headers['x-shown-at'], '/agent');
  const [hello] = (await once(relay, 'message')) as [Buffer];
  assert.deepEqual(JSON.parse(String(hello)), {
    type: 'hello',
    boot: 'b',
    software: 'perch/test',
    now: Date.UTC(2026, 0, 1),
  });
  for (const message of ['{"type":"ask","id":1}', WELCOME, '{"type":"ask","id":2}', '{"type":"to come"}']) {
    relay.send(message);
  }
  await settled(relay);
  assert.deepEqual(happened, ['welcome kitchen-x7k2', 'ask'], 'before the welcome nothing counts');
  const goodbye = once(relay, 'close');
  await line.close('the agent stops');
  assert.deepEqual((await goodbye).map(String), ['1000', 'the agent stops']);
});

test('a relay that does not welcome it in ten seconds is none', async (t) => {
  const { clock, arrived, ended } = await setUp(t);
  await arrived;
  clock.advance(limits.dialTimeout);
  assert.deepEqual(await ended, { words: 'no answer in 10 s', kind: 'lost' });
});

test('a silent relay is pinged after ten seconds, and given up after thirty', async (t) => {
  const set = await setUp(t);
  const relay = await welcomed(set);
  const { clock, ended } = set;
  let pings = 0;
  relay.on('ping', () => pings++);
  clock.advance(channelLimits.quiet);
  clock.advance(channelLimits.quiet);
  await settled(relay);
  assert.equal(pings, 2);
  clock.advance(channelLimits.silence - channelLimits.quiet);
  await settled(relay);
  // What it heard meanwhile counts.
  clock.advance(channelLimits.silence);
  assert.deepEqual(await ended, { words: 'not a word for 30 s', kind: 'lost' });
  assert.equal(clock.pending, 0);
});

test('what the relay says at the end decides how soon it is asked again', async (t) => {
  for (const [code, kind] of [
    [1001, 'lost'],
    [1008, 'refused'],
    [1013, 'refused'],
    // A right that has ended may have been renewed long ago.
    [4401, 'lost'],
    [4409, 'replaced'],
  ] as const) {
    const set = await setUp(t);
    (await welcomed(set)).close(code, 'why');
    assert.deepEqual(await set.ended, { words: `closed with ${code}: why`, kind });
  }
});

test('a relay that breaks the protocol is told how, and left', async (t) => {
  for (const [message, words] of [
    ['{', /a message is a JSON object/],
    [WELCOME, /welcome is said once/],
    [Buffer.from(WELCOME), /the control connection carries text only/],
    ['{"type":"request","id":1,"within":1,"kind":"streams.put"}', /`rule` .* must be there/],
  ] as const) {
    const set = await setUp(t);
    const relay = await welcomed(set);
    const goodbye = once(relay, 'close');
    relay.send(message);
    assert.match((await set.ended).words, words);
    assert.equal((await goodbye)[0], 1002);
  }
});

test('where it cannot show who it is the words say why', async (t) => {
  const why = new Error('the clock of this machine is wrong');
  const { ended } = await setUp(t, {
    identity: {
      headers: () => Promise.reject(why),
      alsoAt: () => undefined,
      skew: { heard: () => undefined },
    },
  });
  assert.deepEqual(await ended, { words: why.message, kind: 'lost' });
});
