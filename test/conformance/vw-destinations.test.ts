// COMPAT.md 7, rows V10 to V12, V14 and V17: destinations, their tokens, their back-off.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { FakeClock } from '@perch/testkit';
import type { WebSocket } from 'ws';
import { AwakeTime } from '../support/awake-time.ts';
import { blob, Client, FarEnd, openPublisher, packet, post, startTestAgent } from './vw-harness.ts';

interface Stats {
  destinations: {
    id: string;
    state: string;
    attempt: number | null;
    lastError: string | null;
    nextTryInMs: number | null;
    reconnects: number;
  }[];
}

const statsOf = async (url: string): Promise<Stats> =>
  (await (await fetch(`${url}/api/stats`)).json()) as Stats;

/** The destination's figures once `isReady` holds of them. */
async function destination(url: string, id: string, isReady: (d: Stats['destinations'][number]) => boolean) {
  for (;;) {
    const found = (await statsOf(url)).destinations.find((entry) => entry.id === id);
    if (found && isReady(found)) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a feed goes to its destination byte for byte, dialled without Origin and without subprotocol', async (t) => {
  const far = await FarEnd.open(t);
  const { url } = await startTestAgent(t);
  await post(`${url}/api/destinations`, { id: '0', stream: 'video0', destination: `${far.url}/in/demo` });
  const client = await far.arrival(0);
  const sent = blob(200_000);
  openPublisher(t, `${url}/ts/video0`).write(sent);
  await client.untilBytes(sent.length);
  assert.ok(client.content.equals(sent));
  const arrival = far.arrivals[0];
  assert.equal(arrival?.path, '/in/demo');
  assert.equal(arrival?.headers.origin, undefined);
  assert.equal(arrival?.headers['sec-websocket-protocol'], undefined);
});

test('what a destination sends comes to the topic, as a message of the same type', async (t) => {
  const far = await FarEnd.open(t);
  const { url } = await startTestAgent(t);
  const member = await Client.connect(t, `${url}/ws/data`);
  await post(`${url}/api/destinations`, { id: '0', stream: 'data', destination: far.url });
  const client = await far.arrival(0);
  client.socket.send('down');
  client.socket.send(Buffer.from([9]));
  await member.until(() => member.messages.length === 2);
  assert.deepEqual(member.messages, [
    { data: Buffer.from('down'), binary: false },
    { data: Buffer.from([9]), binary: true },
  ]);
  member.socket.send('up');
  await client.until(() => client.messages.length === 1);
  assert.deepEqual(client.messages, [{ data: Buffer.from('up'), binary: false }]);
});

test('V10 re-adding a destination closes the old with 1000, dials the new at once, and leaves the input alone', async (t) => {
  const events: string[] = [];
  const one = await FarEnd.open(t, (socket) =>
    socket.on('close', (code) => events.push(`old closed ${code}`)),
  );
  const other = await FarEnd.open(t, () => events.push('new dialled'));
  const { url } = await startTestAgent(t);
  const rule = { id: '0', stream: 'video0' };
  await post(`${url}/api/destinations`, { ...rule, destination: one.url });
  const old = await one.arrival(0);
  const publisher = openPublisher(t, `${url}/ts/video0`);
  publisher.write(packet(1));
  await old.untilBytes(188);
  using since = new AwakeTime();
  await post(`${url}/api/destinations`, { ...rule, destination: other.url });
  const fresh = await other.arrival(0);
  const took = since.ms;
  assert.equal(await old.closed, 1000);
  assert.deepEqual(events.sort(), ['new dialled', 'old closed 1000']);
  publisher.write(packet(2));
  await fresh.untilBytes(188);
  assert.ok(fresh.content.equals(packet(2)));
  assert.equal(publisher.request.destroyed, false);
  // COMPAT says 100 ms, the write of the rule included; a busy machine is given ten times that.
  assert.ok(took < 1_000, `${took} ms`);
});

test('deleting a destination closes it with 1000 and dials no more', async (t) => {
  const far = await FarEnd.open(t);
  const { url } = await startTestAgent(t);
  await post(`${url}/api/destinations`, { id: '0', stream: 'v', destination: far.url });
  const client = await far.arrival(0);
  await fetch(`${url}/api/destinations/0`, { method: 'DELETE' });
  assert.equal(await client.closed, 1000);
  assert.deepEqual((await statsOf(url)).destinations, []);
});

test('V11 with ws and a token the token is the first frame, and media follow only after authorised:true', async (t) => {
  const far = await FarEnd.open(t);
  const { url } = await startTestAgent(t);
  await post(`${url}/api/destinations`, { id: '0', stream: 'v', destination: far.url, token: 'TOK' });
  const client = await far.arrival(0);
  await client.until(() => client.messages.length === 1);
  assert.deepEqual(client.messages[0], { data: Buffer.from('TOK'), binary: false });
  const publisher = openPublisher(t, `${url}/ts/v`);
  client.socket.send('{"topic":"/in/v","token":"TOK","authorised":true,"reason":"ok"}');
  await destination(url, '0', ({ state }) => state === 'open');
  publisher.write(packet(1));
  await client.until(() => client.messages.length === 2);
  assert.ok(client.messages[1]?.data.equals(packet(1)));
});

for (const [answer, words] of [
  ['{"topic":"/in/v","token":"","authorised":false,"reason":"Denied - expired"}', /Denied - expired/],
  ['nonsense', /something else than JSON/],
  ['null', /refused the token/],
] as const) {
  test(`V11 the answer ${answer.slice(0, 60)} to a token is an error with back-off`, async (t) => {
    const far = await FarEnd.open(t, (socket) => socket.on('message', () => socket.send(answer)));
    const { url } = await startTestAgent(t);
    await post(`${url}/api/destinations`, { id: '0', stream: 'v', destination: far.url, token: 'TOK' });
    const waiting = await destination(url, '0', ({ state }) => state === 'waiting');
    assert.match(waiting.lastError ?? '', words);
    const client = await far.arrival(0);
    assert.deepEqual(
      client.messages.map(({ data }) => data.toString()),
      ['TOK'],
    );
  });
}

/** The pauses after the first tries, in seconds; the clock is moved to the end of each. */
async function pauses(url: string, clock: FakeClock, count: number): Promise<number[]> {
  const seen: number[] = [];
  for (let i = 1; i <= count; i++) {
    const isPause = (d: Stats['destinations'][number]) => d.state === 'waiting' && d.attempt === i;
    const { nextTryInMs } = await destination(url, '0', isPause);
    seen.push((nextTryInMs ?? 0) / 1000);
    clock.advance(nextTryInMs ?? 0);
  }
  return seen;
}

test('V12 pauses between failed tries are nominally 1, 2, 4, 8, 10, 10 s, a quarter more or less', async (t) => {
  const clock = new FakeClock();
  const refusing = createTcpServer((socket) => socket.destroy());
  refusing.listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  t.after(() => refusing.close());
  const { url } = await startTestAgent(t, { clock });
  const address = `ws://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
  await post(`${url}/api/destinations`, { id: '0', stream: 'v', destination: address });
  const seen = await pauses(url, clock, 6);
  for (const [i, nominal] of [1, 2, 4, 8, 10, 10].entries()) {
    const pause = seen[i] ?? 0;
    assert.ok(pause >= nominal * 0.75 - 0.002 && pause <= nominal * 1.25 + 0.002, `${seen}`);
  }
});

test('V12 a connection that lived 5 s is dialled again at once, a short or refused one is not', async (t) => {
  const clock = new FakeClock();
  const sockets: WebSocket[] = [];
  const far = await FarEnd.open(t, (socket) => void sockets.push(socket));
  const { url } = await startTestAgent(t, { clock });
  await post(`${url}/api/destinations`, { id: '0', stream: 'v', destination: far.url });
  await destination(url, '0', ({ state }) => state === 'open');
  clock.advance(5_000);
  sockets[0]?.terminate();
  await far.arrival(1);
  await destination(url, '0', ({ state, reconnects }) => state === 'open' && reconnects === 1);
  clock.advance(4_000);
  sockets[1]?.close(1000);
  const short = await destination(url, '0', ({ state }) => state === 'waiting');
  assert.match(short.lastError ?? '', /1000/);
  clock.advance(short.nextTryInMs ?? 0);
  await destination(url, '0', ({ state }) => state === 'open');
  clock.advance(6_000);
  sockets[2]?.close(1008, 'not you');
  const refused = await destination(url, '0', ({ state }) => state === 'waiting');
  assert.match(refused.lastError ?? '', /1008: not you/);
});

async function accessServer(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
) {
  const requests: { method: string; url: string; authorization: string; length: string; type: string }[] = [];
  const server = createServer((request, response) => {
    const { authorization = '', 'content-length': length = '', 'content-type': type = '' } = request.headers;
    requests.push({ method: request.method ?? '', url: request.url ?? '', authorization, length, type });
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('V17 with http and a token the address is posted to with the raw token, and what it names is dialled', async (t) => {
  const far = await FarEnd.open(t);
  const access = await accessServer(t, (_, response) => {
    response.end(JSON.stringify({ uri: `${far.url}/session/t1?code=abc` }));
  });
  const { url } = await startTestAgent(t);
  const destinationUrl = `${access.url}/session/t1`;
  await post(`${url}/api/destinations`, { id: '0', stream: 'v', destination: destinationUrl, token: 'TOK' });
  const client = await far.arrival(0);
  assert.equal(far.arrivals[0]?.path, '/session/t1?code=abc');
  assert.deepEqual(access.requests, [
    { method: 'POST', url: '/session/t1', authorization: 'TOK', length: '0', type: '' },
  ]);
  openPublisher(t, `${url}/ts/v`).write(packet(1));
  await client.untilBytes(188);
  assert.equal(client.messages[0]?.binary, true, 'the token is not sent as a frame');
});

test('V17 each try posts again', async (t) => {
  let n = 0;
  const far = await FarEnd.open(t);
  const access = await accessServer(t, (_, response) => {
    n += 1;
    response.end(JSON.stringify({ uri: `${far.url}/session/t1?code=${n}` }));
  });
  const clock = new FakeClock();
  const { url } = await startTestAgent(t, { clock });
  await post(`${url}/api/destinations`, {
    id: '0',
    stream: 'v',
    destination: `${access.url}/session/t1`,
    token: 'T',
  });
  const first = await far.arrival(0);
  await destination(url, '0', ({ state }) => state === 'open');
  clock.advance(6_000);
  first.socket.terminate();
  await far.arrival(1);
  assert.deepEqual(
    far.arrivals.map(({ path }) => path),
    ['/session/t1?code=1', '/session/t1?code=2'],
  );
});

for (const [name, answer, words] of [
  ['401', (r: ServerResponse) => r.writeHead(401).end('"Token Wrong Topic"\n'), /401.*Token Wrong Topic/],
  ['no JSON', (r: ServerResponse) => r.end('<html>'), /`uri`/],
  ['an empty uri', (r: ServerResponse) => r.end('{"uri":""}'), /`uri`/],
] as const) {
  test(`V17 an access address that answers ${name} is an error in words, with back-off`, async (t) => {
    const access = await accessServer(t, (_, response) => void answer(response));
    const { url } = await startTestAgent(t);
    await post(`${url}/api/destinations`, { id: '0', stream: 'v', destination: access.url, token: 'T' });
    const { lastError } = await destination(url, '0', ({ state }) => state === 'waiting');
    assert.match(lastError ?? '', words);
  });
}

test('a destination that refuses, speaks no WebSocket or answers 401 says so in words', async (t) => {
  const http = await accessServer(t, (request, response) => {
    response.writeHead(request.url === '/401' ? 401 : 200).end('hello');
  });
  const { url } = await startTestAgent(t);
  const at = http.url.replace('http', 'ws');
  for (const [id, destinationUrl, words] of [
    ['refuses', 'ws://127.0.0.1:1/x', /ECONNREFUSED/],
    ['no-websocket', `${at}/x`, /server response: 200/],
    ['unauthorised', `${at}/401`, /server response: 401/],
  ] as const) {
    await post(`${url}/api/destinations`, { id, stream: 'v', destination: destinationUrl });
    const { lastError } = await destination(url, id, ({ state }) => state === 'waiting');
    assert.match(lastError ?? '', words);
  }
  for (const [id, destinationUrl, words] of [
    ['nonsense', 'nonsense', /"nonsense" is not an address/],
    ['scheme', 'ftp://x/', /ftp:\/\/ is not ws/],
    ['userinfo', 'ws://a:b@x/', /user name and password/],
  ] as const) {
    await post(`${url}/api/destinations`, { id, stream: 'v', destination: destinationUrl });
    const { lastError } = await destination(url, id, ({ state }) => state === 'invalid');
    assert.match(lastError ?? '', words);
  }
});

test('a destination that hangs is given up after 10 s, and disturbs nobody meanwhile', async (t) => {
  const clock = new FakeClock();
  const hanging = createTcpServer(() => undefined);
  hanging.listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  const { url } = await startTestAgent(t, { clock });
  t.after(() => hanging.close());
  const address = `ws://127.0.0.1:${(hanging.address() as AddressInfo).port}`;
  const dialled = once(hanging, 'connection');
  await post(`${url}/api/destinations`, { id: '0', stream: 'v', destination: address });
  const [socket] = await dialled;
  t.after(() => socket.destroy());
  const viewer = await Client.connect(t, `${url}/ws/v`);
  openPublisher(t, `${url}/ts/v`).write(packet(3));
  await viewer.untilBytes(188);
  clock.advance(10_000);
  const { lastError } = await destination(url, '0', ({ state }) => state === 'waiting');
  assert.match(lastError ?? '', /no answer .* in 10 s/);
});

test('a destination that has gone without a word is noticed and dialled anew', async (t) => {
  const clock = new FakeClock();
  // It takes everything and answers nothing, no ping either.
  const far = await FarEnd.open(t, (socket) => socket.pause());
  const { url } = await startTestAgent(t, { clock });
  await post(`${url}/api/destinations`, { id: '0', stream: 'v', destination: far.url });
  await destination(url, '0', ({ state }) => state === 'open');
  clock.advance(40_000);
  await far.arrival(1);
});
