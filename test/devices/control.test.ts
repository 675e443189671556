import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { type AgentOptions, enrol, startAgent } from '../../packages/agent/src/index.ts';
import { AwakeTime } from '../support/awake-time.ts';
import { openRelay } from '../support/relay.ts';
import { turn } from './support/agent-side.ts';
import { Owner, type Shown, type ShownCamera, type ShownCommand } from './support/owner.ts';

// A real relay, a real agent that was enrolled at it, and an owner's browser.

const directory = async (t: TestContext): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'perch-device-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
};

async function start(t: TestContext, options: Partial<AgentOptions> & { data: string }) {
  const agent = await startAgent({
    listen: { host: '127.0.0.1', port: 0 },
    logger: silentLogger,
    httpWaitMs: 100,
    ...options,
  });
  t.after(() => agent.close());
  return agent;
}

async function setUp(t: TestContext) {
  const relay = await openRelay();
  t.after(() => relay.close());
  const owner = await Owner.signIn(relay);
  const data = await directory(t);
  const { device } = await enrol({ url: relay.url, code: await relay.createEnrolmentCode('kitchen'), data });
  return { relay, owner, data, device, agent: await start(t, { data }) };
}

/** The first event of which something holds. */
async function event(owner: Owner, device: string, holds: (shown: Shown) => boolean): Promise<Shown> {
  for await (const shown of owner.events(device)) if (holds(shown)) return shown;
  throw new Error('the events ended');
}

/** Resolves when somebody hears the events of a device, with how they end. */
async function endOf(owner: Owner, device: string): Promise<{ readonly words: Promise<string> }> {
  const events = owner.events(device);
  await events.next();
  const words = Owner.first(events, () => false).then(String, (error: Error) => error.message);
  return { words };
}

const isOnline = ({ online, state }: Shown) => online && state !== null;

test('an enrolled device is seen, live, and is told to do what its own page could', {
  timeout: 60_000,
}, async (t) => {
  const { relay, owner, device, agent } = await setUp(t);
  const first = await event(owner, device, isOnline);
  assert.deepEqual(first.state?.feeds, []);
  const [listed] = await owner.json<{ id: string; online: boolean }[]>('devices');
  assert.deepEqual([listed?.id, listed?.online], [device, true]);

  const seen = event(owner, device, ({ state }) => state?.streams.length === 1);
  const rule = { stream: 'stream/front', feeds: ['video0'] };
  const answer = await owner.fetch(`devices/${device}/streams`, { method: 'POST', body: rule });
  assert.deepEqual([answer.status, await answer.json()], [200, rule]);
  assert.deepEqual((await seen).state?.streams[0]?.feeds, ['video0']);
  assert.deepEqual(await (await fetch(`${agent.url}/api/streams/all`)).json(), {
    'stream/front': ['video0'],
  });

  const stats = (await (await fetch(`${agent.url}/api/stats`)).json()) as {
    streams: object[];
    control: object;
  };
  assert.deepEqual(stats.control, {
    state: 'connected',
    relays: [relay.url],
    relay: relay.url,
    lastError: null,
  });
  const state = await owner.json<Shown>(`devices/${device}/state`);
  assert.deepEqual(Object.keys(state.state?.streams[0] ?? {}), Object.keys(stats.streams[0] ?? {}));

  const gone = event(owner, device, ({ online }) => !online);
  await agent.close();
  assert.ok((await gone).state?.streams.length === 1, 'how it was last is still shown');
  const refused = await owner.fetch(`devices/${device}/streams`);
  assert.equal(refused.status, 503);
  assert.match(await refused.text(), /not connected now/);
});

test('where the relay ends TLS the certificate alone says who it is', { timeout: 60_000 }, async (t) => {
  const relay = await openRelay({ tls: 'local' });
  t.after(() => relay.close());
  const ca = relay.authority();
  assert.ok(ca);
  const data = await directory(t);
  const code = await relay.createEnrolmentCode('kitchen');
  const pin = new X509Certificate(ca.certificate).fingerprint256;
  const url = relay.url.replace('127.0.0.1', 'localhost');
  await enrol({ url, code, pin, data });
  const agent = await start(t, { data });
  const control = async () =>
    ((await (await fetch(`${agent.url}/api/stats`)).json()) as { control: { relay: string | null } }).control;
  while ((await control()).relay === null) await turn();
  assert.equal((await control()).relay, url);
});

test('rules get the same checks and the same answers as on the device itself', {
  timeout: 60_000,
}, async (t) => {
  const { owner, device, agent } = await setUp(t);
  await event(owner, device, isOnline);
  const deep = JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) as unknown;
  const requests: [method: string, path: string, body?: unknown][] = [
    ['POST', 'streams', { stream: 'stream/a', feeds: ['video0', 'audio0'] }],
    ['PUT', 'streams', { stream: 'stream/b', feeds: ['video0'] }],
    ['POST', 'streams', { stream: 'stream/a', feeds: 'video0' }],
    ['POST', 'streams', { stream: 'stream/a', feeds: ['stream/b'] }],
    ['POST', 'streams', 'no rule'],
    ['POST', 'streams', []],
    ['GET', 'streams/stream/a'],
    ['GET', 'streams/all'],
    ['GET', 'streams/stream/none'],
    ['POST', 'destinations', { id: '0', stream: 'stream/a', destination: 'ws://127.0.0.1:1/', token: 'T' }],
    ['POST', 'destinations', { id: '1', stream: 'api', destination: 'ws://127.0.0.1:1/' }],
    ['POST', 'destinations', { id: '2', stream: 'v', destination: 'ws://127.0.0.1:1/', file: '/etc/passwd' }],
    ['GET', 'destinations/0'],
    ['GET', 'destinations/none'],
    ['GET', 'destinations/all'],
    ['POST', 'feeds', { feed: 'video0', delayMs: 120 }],
    ['POST', 'feeds', { feed: 'video0', delayMs: -1 }],
    ['POST', 'feeds', { feed: '../../etc' }],
    ['GET', 'feeds/video0'],
    ['DELETE', 'feeds/video0'],
    ['DELETE', 'streams/stream/b'],
    ['DELETE', 'streams/stream/none'],
    ['DELETE', 'destinations/all'],
  ];
  for (const [method, path, body] of requests) {
    const name = `${method} ${path} ${JSON.stringify(body) ?? ''}`;
    const through = await owner.fetch(`devices/${device}/${path}`, { method, body });
    const direct = await fetch(`${agent.url}/api/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    // On the device itself anybody who is there may set this; from afar nobody.
    const isLocalOnly = path === 'destinations' && (body as { stream?: string }).stream === 'api';
    assert.equal(through.status, isLocalOnly ? 403 : direct.status, name);
    if (isLocalOnly) continue;
    if (direct.ok) assert.deepEqual(await through.json(), await direct.json(), name);
    else {
      const { message } = (await through.json()) as { message: string };
      assert.equal(`${message}\n`, await direct.text(), name);
    }
  }
  const tooDeep = await owner.fetch(`devices/${device}/streams`, { method: 'POST', body: { stream: deep } });
  assert.equal(tooDeep.status, 400, 'what an agent could not read does not end the connection');
  assert.equal((await owner.json<Shown>(`devices/${device}/state`)).online, true);

  const changes = await owner.audit('device-rules');
  const details = changes.map(({ detail }) => detail);
  assert.ok(
    details.includes('streams.put stream/a') && details.includes('destinations.delete all'),
    `${details}`,
  );
  assert.ok(!JSON.stringify(changes).includes('"T"'), 'no token is in the audit');
});

test('a command reaches the camera program, and each step is seen; who has none is told so', {
  timeout: 60_000,
}, async (t) => {
  const { owner, data, device, agent } = await setUp(t);
  const tell = (command: string) =>
    owner.fetch(`devices/${device}/commands`, { method: 'POST', body: { command } });
  const seen = (holds: (last: ShownCommand | undefined, camera: ShownCamera) => boolean) =>
    Owner.first(owner.cameraEvents(device), (camera) => holds(camera.last[0], camera));
  await event(owner, device, isOnline);
  assert.equal((await tell('explode')).status, 400);
  assert.equal((await tell('capture')).status, 202);
  const { last } = await seen((command) => command?.failed != null);
  assert.match(last[0]?.failed ?? '', /no camera program|no captures/);
  await agent.close();

  const camera = createSocket('udp4');
  t.after(() => camera.close());
  camera.bind(0, '127.0.0.1');
  await once(camera, 'listening');
  await event(owner, device, ({ online }) => !online);
  // Away: it is to be armed when it comes back.
  const put = await owner.json<ShownCamera>(`devices/${device}/camera`, {
    method: 'PUT',
    body: { armed: true },
  });
  assert.deepEqual([put.armed.wanted, put.armed.known, put.last[0]?.delivered], [true, null, null]);
  const heard = once(camera, 'message');
  await start(t, { data, captures: { camera: { host: '127.0.0.1', port: camera.address().port } } });
  assert.equal(String((await heard)[0]), '{"command":"arm"}');
  const shown = await seen((command, { armed }) => command?.handed != null && armed.known === true);
  assert.ok(shown.armed.by);
  assert.equal(shown.zone, Intl.DateTimeFormat().resolvedOptions().timeZone);

  const film = once(camera, 'message');
  const answer = await tell('capture');
  const { id } = (await answer.json()) as ShownCommand;
  assert.equal(String((await film)[0]), '{"command":"capture"}');
  await seen((command) => command?.id === id && command.handed !== null);
  assert.deepEqual(
    (await owner.audit('device-command')).map(({ detail, device: of }) => [of, detail]),
    ['capture', 'arm', 'capture'].map((command) => [device, `command ${command}`]),
  );
});

test('a schedule is set in the device’s own time zone, or another that there is', {
  timeout: 60_000,
}, async (t) => {
  const { owner, device } = await setUp(t);
  const weekly = [{ days: [1, 2, 3, 4, 5, 6, 7], from: '22:00', to: '06:00' }];
  const put = (body: unknown) => owner.fetch(`devices/${device}/camera/schedule`, { method: 'PUT', body });
  const refused = await put({ weekly });
  assert.equal(refused.status, 400, 'this agent takes no captures, and says no zone');
  assert.match(await refused.text(), /Europe\/Berlin/);
  assert.match(await (await put({ weekly, zone: 'Europe/Nowhere' })).text(), /there is no time zone/);
  assert.equal((await put({ weekly: [{ days: [8], from: '22:00', to: '06:00' }], zone: 'UTC' })).status, 400);
  assert.equal((await put({ weekly: [{ days: [1], from: '25:00', to: '06:00' }], zone: 'UTC' })).status, 400);
  const { schedule, armed } = (await (await put({ weekly, zone: 'europe/berlin' })).json()) as ShownCamera;
  assert.deepEqual([schedule?.zone, schedule?.isOn, armed.by], ['Europe/Berlin', true, 'the schedule']);
  assert.ok(schedule?.next);
  assert.equal(((await (await put(null)).json()) as ShownCamera).schedule, null);
  assert.deepEqual(
    (await owner.audit('device-schedule')).map(({ detail }) => detail),
    ['taken away', 'on, 1 rows, Europe/Berlin'],
  );
});

test('a device that is removed is cut off at once, and so are those who look at it', {
  timeout: 60_000,
}, async (t) => {
  const { owner, device } = await setUp(t);
  await event(owner, device, isOnline);
  const ended = await endOf(owner, device);
  using since = new AwakeTime();
  assert.equal((await owner.fetch(`devices/${device}`, { method: 'DELETE' })).status, 204);
  assert.equal(await ended.words, 'the events ended');
  assert.ok(since.ms < 1_000, `${since.ms} ms`);
  assert.equal((await owner.fetch(`devices/${device}/state`)).status, 404);
});

test('who is signed out sees nothing more', { timeout: 60_000 }, async (t) => {
  const { relay, owner, device } = await setUp(t);
  const other = await Owner.signIn(relay);
  await event(other, device, isOnline);
  const ended = await endOf(other, device);
  const sessions = await owner.json<{ id: string; current: boolean }[]>('sessions');
  for (const { id, current } of sessions) {
    if (!current) assert.equal((await owner.fetch(`sessions/${id}`, { method: 'DELETE' })).status, 204);
  }
  using since = new AwakeTime();
  assert.equal(await ended.words, 'the events ended');
  assert.ok(since.ms < 1_000, `${since.ms} ms`);
  assert.equal((await other.fetch(`devices/${device}/events`)).status, 401);
  await event(owner, device, isOnline);
});

test('of two agents with one identity the newer is kept, and the audit says so', {
  timeout: 60_000,
}, async (t) => {
  const { owner, data, device } = await setUp(t);
  await event(owner, device, isOnline);
  const copy = await directory(t);
  await cp(data, copy, { recursive: true });
  const errors: string[] = [];
  const logger = {
    ...silentLogger,
    error: (message: string) => void errors.push(message),
    child: () => logger,
  };
  const second = await start(t, { data: copy, logger });
  const put = (name: string) =>
    fetch(`${second.url}/api/streams`, {
      method: 'PUT',
      body: JSON.stringify({ stream: name, feeds: ['v'] }),
    });
  const seen = event(
    owner,
    device,
    ({ state }) => state?.streams.some(({ stream }) => stream === 'stream/two') ?? false,
  );
  await put('stream/two');
  await seen;
  const rivals = () => owner.audit('device-rival');
  while ((await rivals()).length === 0) await turn();
  const [rival] = await rivals();
  assert.match(
    rival?.detail ?? '',
    /took the place of another agent with the same identity, at 127\.0\.0\.1/,
  );
  assert.equal(rival?.device, device);
  while (errors.length === 0) await turn();
  assert.match(errors[0] ?? '', /another agent with this device's identity was connected, and gave way/);
  assert.equal((await owner.json<Shown>(`devices/${device}/state`)).online, true);
});
