import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { channelLimits } from '@perch/protocol';
import { silentLogger } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { WebSocket, WebSocketServer } from 'ws';
import { AgentLine } from './agent-line.ts';

const HELLO = '{"type":"hello","boot":"b","software":"perch/test","now":0}';

/** A line and the agent's end of it, which answers no ping by itself. */
async function setUp(t: TestContext) {
  const clock = new FakeClock();
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, autoPong: false });
  await once(server, 'listening');
  const said: string[] = [];
  const closed = Promise.withResolvers<boolean>();
  const arrived = new Promise<AgentLine>((resolve) => {
    server.once('connection', (webSocket, request) =>
      resolve(
        new AgentLine({
          webSocket,
          socket: request.socket as Duplex,
          from: '10.0.0.1',
          clock,
          logger: silentLogger,
          onHello: ({ software }) => void said.push(`hello ${software}`),
          onSaid: ({ type }) => void said.push(type),
          onClosed: closed.resolve,
        }),
      ),
    );
  });
  const agent = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    autoPong: false,
  });
  const goodbye = once(agent, 'close').then(([code, reason]) => `${code} ${reason}`);
  agent.on('error', () => undefined);
  t.after(() => {
    agent.terminate();
    server.close();
  });
  await once(agent, 'open');
  return { clock, agent, line: await arrived, said, goodbye, isAnswered: closed.promise };
}

/** Resolves when the line has read all that was sent before: it answers pings in their order. */
async function settled(agent: WebSocket): Promise<void> {
  const pong = once(agent, 'pong');
  agent.ping();
  await pong;
}

test('hello comes first and once, then what there is to say', async (t) => {
  const { agent, said, line } = await setUp(t);
  agent.send(HELLO);
  agent.send('{"type":"state","changes":{}}');
  agent.send('{"type":"of a later version"}');
  await settled(agent);
  assert.deepEqual(said, ['hello perch/test', 'state']);
  assert.equal(line.hello?.boot, 'b');
});

test('who breaks the protocol is told how, and is not listened to any more', async (t) => {
  for (const [messages, words] of [
    [['{"type":"begun","id":1}'], '1002 hello must be said first'],
    [[HELLO, HELLO], '1002 hello is said once'],
    [[HELLO, '{'], '1002 a message is a JSON object'],
    [[HELLO, Buffer.from(HELLO)], '1002 the control connection takes text only'],
  ] as const) {
    const { agent, said, goodbye } = await setUp(t);
    for (const message of messages) agent.send(message);
    agent.send('{"type":"begun","id":1}');
    assert.equal(await goodbye, words);
    assert.ok(!said.includes('begun'), words);
  }
});

test('who says no hello in ten seconds is cut off', async (t) => {
  const { clock, line, isAnswered } = await setUp(t);
  clock.advance(channelLimits.helloTime - 1);
  line.tick();
  clock.advance(1);
  line.tick();
  assert.equal(await isAnswered, false);
});

test('a quiet agent is pinged after ten seconds, and given up after thirty', async (t) => {
  const { agent, clock, line, isAnswered } = await setUp(t);
  agent.send(HELLO);
  await settled(agent);
  line.tick();
  let pings = 0;
  agent.on('ping', () => pings++);
  for (const seconds of [9, 1, 1]) {
    clock.advance(seconds * 1_000);
    line.tick();
  }
  agent.pong();
  await settled(agent);
  assert.equal(pings, 1);
  line.tick();
  clock.advance(channelLimits.silence - 1);
  line.tick();
  clock.advance(1);
  line.tick();
  assert.equal(await isAnswered, false, 'no goodbye came');
});

test('more than anybody asked for ends the line', async (t) => {
  const { agent, clock, line, goodbye } = await setUp(t);
  agent.send(HELLO);
  await settled(agent);
  for (let i = 0; i < channelLimits.unasked; i++) line.countUnasked();
  clock.advance(1_000);
  for (let i = 0; i < channelLimits.unaskedPerSecond; i++) line.countUnasked();
  await settled(agent);
  line.countUnasked();
  assert.equal(await goodbye, '1008 too many messages that nobody asked for');
});

test('whoever says goodbye has lived to the end', async (t) => {
  const { line, isAnswered } = await setUp(t);
  line.end(4409, 'another agent');
  assert.equal(await isAnswered, true);
});
