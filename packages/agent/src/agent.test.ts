import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { FakeClock, freePort } from '@perch/testkit';
import { WebSocket } from 'ws';
import { type Agent, type AgentOptions, demoSource, startAgent } from './index.ts';

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'perch-agent-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function start(t: TestContext, options: Partial<AgentOptions> = {}): Promise<Agent> {
  const agent = await startAgent({
    listen: { host: '127.0.0.1', port: 0 },
    data: options.data ?? (await directory(t)),
    logger: silentLogger,
    httpWaitMs: 100,
    ...options,
  });
  t.after(() => agent.close());
  return agent;
}

interface Stats {
  feeds: { feed: string; publishers: number; bitRate: number; bytes: number }[];
  members: object[];
  destinations: { id: string; state: string; lastError: string | null }[];
  sources: { state: string; lastError: string | null; lastLines: string[] }[];
}
const statsOf = (agent: Agent) => agent.dump() as Stats;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const put = (agent: Agent, kind: string, rule: object) =>
  fetch(`${agent.url}/api/${kind}`, { method: 'PUT', body: JSON.stringify(rule) });

test('rules survive a restart', async (t) => {
  const data = await directory(t);
  const first = await start(t, { data });
  await put(first, 'streams', { stream: 'stream/x', feeds: ['v'] });
  await put(first, 'destinations', { id: '0', stream: 'v', destination: 'ws://127.0.0.1:1/', token: 'T' });
  await first.close();
  const second = await start(t, { data });
  assert.equal(await (await fetch(`${second.url}/api/streams/stream/x`)).text(), '["v"]');
  const rule = await (await fetch(`${second.url}/api/destinations/0`)).json();
  assert.deepEqual(rule, { id: '0', stream: 'v', destination: 'ws://127.0.0.1:1/', token: 'T' });
  assert.equal(statsOf(second).destinations[0]?.id, '0');
});

test('rules that were answered survive a kill without warning', async (t) => {
  const data = await directory(t);
  const agent = await start(t, { data });
  await Promise.all(
    Array.from({ length: 50 }, (_, i) => put(agent, 'streams', { stream: `stream/${i}`, feeds: ['v'] })),
  );
  // What a killed process leaves behind is the file as it is now.
  const { streams } = JSON.parse(await readFile(join(data, 'rules.json'), 'utf8')) as { streams: object[] };
  assert.equal(streams.length, 50);
});

test('a full disk is answered in words, and nothing that was kept is lost', async (t) => {
  const data = await directory(t);
  const agent = await start(t, { data });
  await put(agent, 'streams', { stream: 'stream/kept', feeds: ['v'] });
  await symlink('/dev/full', join(data, 'rules.json.new'));
  const refused = await put(agent, 'streams', { stream: 'stream/lost', feeds: ['v'] });
  assert.equal(refused.status, 507);
  assert.match(await refused.text(), /rules\.json could not be written: no space left on the disk/);
  assert.equal(await (await fetch(`${agent.url}/api/streams/all`)).text(), '{"stream/kept":["v"]}');
  assert.equal((await put(agent, 'streams', { stream: 'stream/later', feeds: [] })).status, 200);
});

for (const [what, prepare, code, words] of [
  [
    'corrupt rules',
    (data: string) => writeFile(join(data, 'rules.json'), '{'),
    'rules-corrupt',
    /rules\.json/,
  ],
  [
    'rules that are a directory',
    (data: string) => mkdir(join(data, 'rules.json')),
    'data-not-writable',
    /rules\.json/,
  ],
] as const) {
  test(`${what} stop the start by name, and nothing stays open`, async (t) => {
    const data = await directory(t);
    await prepare(data);
    await assert.rejects(start(t, { data }), (error: { code?: string; message: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, words);
      return true;
    });
  });
}

test('a data directory that cannot be is named, with what to do', async (t) => {
  const file = join(await directory(t), 'file');
  await writeFile(file, '');
  await assert.rejects(
    start(t, { data: join(file, 'data') }),
    (error: { code?: string; message: string }) => {
      assert.equal(error.code, 'data-not-writable');
      assert.match(error.message, /file\/data.*--data/);
      return true;
    },
  );
});

test('a port in use is named, and the destinations were not dialled', async (t) => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const dialled: unknown[] = [];
  const far = createServer((socket) => void dialled.push(socket));
  far.listen(0, '127.0.0.1');
  await once(far, 'listening');
  t.after(() => far.close());
  const destination = `ws://127.0.0.1:${(far.address() as AddressInfo).port}/`;
  const listen = { host: '127.0.0.1', port };
  const destinations = [{ id: 'x', stream: 'v', destination }];
  await assert.rejects(start(t, { listen, destinations }), (error: { code?: string; message: string }) => {
    assert.equal(error.code, 'port-in-use');
    assert.match(error.message, new RegExp(`port ${port} .*--listen`));
    return true;
  });
  assert.equal(dialled.length, 0);
});

test('extra certificates that cannot be read are named', async (t) => {
  const data = await directory(t);
  const empty = join(data, 'empty.pem');
  await writeFile(empty, 'nothing');
  for (const caFile of [empty, join(data, 'none.pem')]) {
    await assert.rejects(start(t, { outgoing: { caFile } }), { code: 'ca-unreadable' });
  }
});

test('a publisher that sends nothing for 30 s is closed with an answer, one that sends is not', async (t) => {
  const clock = new FakeClock();
  const agent = await start(t, { clock });
  const open = (feed: string) => {
    const request = httpRequest(`${agent.url}/ts/${feed}`, { method: 'POST' });
    request.on('error', () => {
      // it is cut off at the end of the test
    });
    t.after(() => request.destroy());
    request.write('x');
    const answered = once(request, 'response');
    answered.catch(() => {
      // only the quiet one is answered
    });
    return { request, answered };
  };
  const [quiet, busy] = [open('quiet'), open('busy')];
  const hasCome = () => statsOf(agent).feeds.filter(({ bytes }) => bytes === 1).length === 2;
  while (!hasCome()) await turn();
  clock.advance(20_000);
  busy.request.write('more');
  while (!statsOf(agent).feeds.some(({ feed, bytes }) => feed === 'busy' && bytes === 5)) await turn();
  clock.advance(10_000);
  const [response] = await quiet.answered;
  assert.equal(response.statusCode, 408);
  while (statsOf(agent).feeds.length > 1) await turn();
  assert.deepEqual(
    statsOf(agent).feeds.map(({ feed }) => feed),
    ['busy'],
  );
});

test('a publisher that breaks off in the middle is forgotten', async (t) => {
  const agent = await start(t);
  const socket = connect(agent.port, '127.0.0.1');
  socket.write('POST /ts/v HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel');
  while (statsOf(agent).feeds.length === 0) await turn();
  socket.destroy();
  while (statsOf(agent).feeds.length > 0) await turn();
});

test('a body that is no chunked encoding ends its publisher and nobody else', async (t) => {
  const agent = await start(t);
  const socket = connect(agent.port, '127.0.0.1');
  socket.write('POST /ts/v HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n');
  await once(socket.resume(), 'close');
  while (statsOf(agent).feeds.length > 0) await turn();
  assert.equal((await fetch(`${agent.url}/healthcheck`)).status, 200);
});

test('a member that has gone without a word is noticed', async (t) => {
  const clock = new FakeClock();
  const agent = await start(t, { clock });
  const member = new WebSocket(`${agent.url.replace('http', 'ws')}/ws/v`, { autoPong: false });
  await once(member, 'open');
  const gone = once(member, 'close');
  clock.advance(59_000);
  assert.equal(statsOf(agent).members.length, 1);
  clock.advance(12_000);
  await gone;
  while (statsOf(agent).members.length > 0) await turn();
});

test('closing says goodbye to members and publishers, and frees the port', async (t) => {
  // A port that no connection is given by chance, while it is free.
  const listen = { host: '127.0.0.1', port: await freePort() };
  const agent = await start(t, { httpWaitMs: 5_000, listen });
  const member = new WebSocket(`${agent.url.replace('http', 'ws')}/ws/v`);
  await once(member, 'open');
  const publisher = httpRequest(`${agent.url}/ts/v`, { method: 'POST' });
  publisher.on('error', () => {
    // it is cut off, as it must be
  });
  publisher.write('x');
  while (statsOf(agent).feeds.length === 0) await turn();
  const goodbye = once(member, 'close');
  await Promise.all([agent.close(), agent.close(), agent.closed]);
  assert.equal((await goodbye)[0], 1001);
  const again = await start(t, { listen });
  assert.equal(again.port, agent.port);
});

test('rules given by the configuration are shown without their token, and are read-only', async (t) => {
  const given = { id: 'demo', stream: 'demo', destination: 'ws://127.0.0.1:1/in/demo', token: 'SECRET' };
  const agent = await start(t, { destinations: [given] });
  const all = await (await fetch(`${agent.url}/api/destinations/all`)).text();
  assert.match(all, /"demo"/);
  assert.doesNotMatch(all, /SECRET/);
  assert.equal((await put(agent, 'destinations', { ...given, destination: 'ws://evil' })).status, 409);
  assert.equal((await fetch(`${agent.url}/api/destinations/demo`, { method: 'DELETE' })).status, 409);
});

test('beyond loopback a token is made, kept for its owner alone, and asked for', async (t) => {
  const data = await directory(t);
  const agent = await start(t, { data, listen: { host: '0.0.0.0', port: 0 } });
  const path = join(data, 'agent-token');
  const token = (await readFile(path, 'utf8')).trim();
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const refused = await fetch(`${agent.url}/api/streams/all`);
  assert.equal(refused.status, 401);
  assert.match(await refused.text(), /agent-token/);
  const headers = { Authorization: `Bearer ${token}` };
  assert.equal((await fetch(`${agent.url}/api/streams/all`, { headers })).status, 200);
  const api = { id: 'spy', stream: 'api', destination: 'ws://127.0.0.1:1/' };
  const body = JSON.stringify(api);
  assert.equal((await fetch(`${agent.url}/api/destinations`, { method: 'POST', headers, body })).status, 403);
  const upgrade = new WebSocket(`${agent.url.replace('http', 'ws')}/ws/v`);
  const [, response] = await once(upgrade, 'unexpected-response');
  assert.equal(response.statusCode, 401);
  upgrade.on('error', () => undefined).terminate();
  await agent.close();
  await start(t, { data, listen: { host: '0.0.0.0', port: 0 } });
  assert.equal((await readFile(path, 'utf8')).trim(), token);
});

for (const host of ['127.0.0.1', '0.0.0.0']) {
  test(`the demo source is heard on an agent that listens on ${host}, and ends with it`, async (t) => {
    const agent = await start(t, { listen: { host, port: 0 }, sources: [demoSource('demo')] });
    while (!statsOf(agent).feeds.some(({ feed, bitRate }) => feed === 'demo' && bitRate > 0)) {
      const [source] = statsOf(agent).sources;
      assert.equal(source?.lastError, null, source?.lastLines.join('\n'));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await agent.close();
    assert.equal(statsOf(agent).sources[0]?.state, 'closed');
  });
}

test('a page of another origin may neither ask nor open a WebSocket', async (t) => {
  const agent = await start(t, { allowOrigin: ['https://lab.example'] });
  const ask = (origin: string) => fetch(`${agent.url}/api/streams/all`, { headers: { Origin: origin } });
  assert.equal((await ask('https://evil.example')).status, 403);
  const allowed = await ask('https://lab.example');
  assert.deepEqual(
    [allowed.status, allowed.headers.get('access-control-allow-origin')],
    [200, 'https://lab.example'],
  );
  for (const [origin, status] of [
    ['https://evil.example', 403],
    ['https://lab.example', 101],
  ] as const) {
    const socket = new WebSocket(`${agent.url.replace('http', 'ws')}/ws/v`, { origin });
    socket.on('error', () => undefined);
    const answer = await Promise.race([
      once(socket, 'unexpected-response').then(([, response]) => response.statusCode),
      once(socket, 'open').then(() => 101),
    ]);
    assert.equal(answer, status, origin);
    socket.terminate();
  }
});
