import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FakeClock } from '@perch/testkit';
import { migrate } from '../storage/migrate.ts';
import { openSqlite } from '../storage/sqlite.ts';
import { isPublicAddress, publicLookup } from './public-lookup.ts';
import { PushServices, type PushServicesOptions } from './push-services.ts';
import { TestPushService } from './testing/test-push-service.ts';
import { Vapid } from './vapid.ts';

async function open(t: TestContext, options: Partial<PushServicesOptions> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'perch-push-services-'));
  const database = await openSqlite({ path: join(directory, 'perch.db') });
  await migrate(database);
  const clock = new FakeClock({ wallMs: Date.now() });
  const vapid = await Vapid.open({ database, contact: () => 'https://relay.example', clock });
  const service = await TestPushService.open();
  const trusted = { origins: [service.origin], ca: service.ca };
  const services = new PushServices({ vapid, clock, environment: {}, ...trusted, ...options });
  t.after(async () => {
    services.close();
    await service[Symbol.asyncDispose]();
    await database.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const browser = service.browser();
  const receiver = { endpoint: browser.endpoint, ...browser.keys };
  return { services, service, browser, receiver, clock };
}

const message = { text: 'motion', ttl: 600, isUrgent: true, topic: 'abc' };

test('a push says how long it is good for, how urgent it is, and what it takes the place of', async (t) => {
  const { services, service, browser, receiver } = await open(t);
  assert.deepEqual(await services.send(receiver, message), { kind: 'taken' });
  await services.send(receiver, { ...message, isUrgent: false });
  const [first, second] = service.pushed;
  assert.ok(first && second);
  const { ttl, urgency, topic, authorization = '' } = first.headers;
  assert.deepEqual([ttl, urgency, topic], ['600', 'high', 'abc']);
  assert.equal(first.headers['content-encoding'], 'aes128gcm');
  assert.match(authorization, /^vapid t=/);
  assert.equal(second.headers.urgency, 'normal');
  assert.equal(browser.read(first.body), 'motion');
});

test('what a push service answers says whether there will be another try, and when', async (t) => {
  const { services, service, receiver, clock } = await open(t);
  const inTwoMinutes = new Date(clock.wall() + 120_000).toUTCString();
  const cases: [number, Record<string, string>, string, number | undefined][] = [
    [201, {}, 'taken', undefined],
    [202, {}, 'taken', undefined],
    [404, {}, 'gone', undefined],
    [410, {}, 'gone', undefined],
    [429, { 'Retry-After': '30' }, 'later', 30_000],
    [429, { 'Retry-After': inTwoMinutes }, 'later', Math.floor(120 - (clock.wall() % 1000) / 1000) * 1000],
    [503, { 'Retry-After': '999999' }, 'later', 3_600_000],
    [500, { 'Retry-After': 'soon' }, 'later', undefined],
    [400, {}, 'refused', undefined],
    [403, {}, 'refused', undefined],
    [413, {}, 'refused', undefined],
  ];
  for (const [status, headers, kind, wait] of cases) {
    service.replies.push({ status, headers });
    const outcome = await services.send(receiver, message);
    assert.equal(outcome.kind, kind, String(status));
    if (outcome.kind === 'later') {
      const off = Math.abs((outcome.wait ?? -1) - (wait ?? -1));
      assert.ok(off <= 1_000, `${status}: ${outcome.wait}`);
    }
  }
});

test('nobody is led elsewhere: a redirect is a refusal', async (t) => {
  const { services, service, receiver } = await open(t);
  service.replies.push({ status: 307, headers: { Location: `${service.origin}/elsewhere` } });
  const outcome = await services.send(receiver, message);
  assert.equal(outcome.kind, 'refused');
  assert.equal(service.pushed.length, 1);
});

test('only addresses of push services are sent to', async (t) => {
  const { services, service } = await open(t, { origins: [] });
  for (const wrong of [
    'http://push.example/1',
    'file:///etc/passwd',
    'https://push.example:8443/1',
    'https://me:secret@push.example/1',
    'https://127.0.0.1/1',
    'https://[::1]/1',
    'https://[::ffff:10.0.0.1]/1',
    'https://169.254.169.254/latest/meta-data',
    'https://0x7f000001/1',
    'push.example',
    `https://push.example/${'x'.repeat(3_000)}`,
  ]) {
    assert.equal(typeof services.whyNot(wrong), 'string', wrong);
  }
  assert.equal(services.whyNot('https://fcm.googleapis.com/fcm/send/x'), undefined);
  const browser = service.browser();
  const outcome = await services.send({ endpoint: browser.endpoint, ...browser.keys }, message);
  assert.equal(outcome.kind, 'refused');
  assert.equal(service.pushed.length, 0);
});

test('a name that leads to a private address leads nowhere', async (t) => {
  const { services } = await open(t, { origins: [] });
  const { browser } = await open(t);
  const receiver = { endpoint: 'https://localhost/push/1', ...browser.keys };
  const outcome = await services.send(receiver, message);
  assert.equal(outcome.kind, 'later');
  assert.match('reason' in outcome ? outcome.reason : '', /localhost is at no public address/);
  for (const all of [true, false]) {
    const error = await new Promise((done) => publicLookup('localhost', { all }, done));
    assert.match(String(error), /no public address/);
  }
});

test('public is what everybody on the Internet reaches', () => {
  for (const address of ['142.250.1.95', '2a00:1450::5f', '64:ff9b::8efa:15f']) {
    assert.ok(isPublicAddress(address), address);
  }
  for (const address of [
    ...['127.0.0.1', '10.1.2.3', '192.168.1.1', '172.16.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0'],
    ...['224.0.0.1', '255.255.255.255', '::1', '::', 'fe80::1', 'fd00::1', 'ff02::1', '::ffff:127.0.0.1'],
    ...['64:ff9b::a00:1', '2002:7f00:1::', 'localhost', ''],
  ]) {
    assert.ok(!isPublicAddress(address), address);
  }
});

test('with push services chosen, only these are sent to', async (t) => {
  const { services, service } = await open(t);
  assert.equal(services.whyNot(`${service.origin}/push/1`), undefined);
  assert.match(services.whyNot('https://fcm.googleapis.com/fcm/send/x') ?? '', /sends nothing to fcm/);
});

test('a push service whose certificate nobody signed gets nothing', async (t) => {
  const { service } = await open(t);
  const { services } = await open(t, { origins: [service.origin] });
  const browser = service.browser();
  const outcome = await services.send({ endpoint: browser.endpoint, ...browser.keys }, message);
  assert.equal(outcome.kind, 'later');
  assert.equal(service.pushed.length, 0);
});

test('pushes go through the proxy that the environment names, but not where it says no', async (t) => {
  const proxy = createServer();
  const asked: string[] = [];
  proxy.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    const port = Number(new URL(`http://${request.url}`).port);
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const HTTPS_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const { services, service, receiver } = await open(t, { environment: { HTTPS_PROXY } });
  assert.deepEqual(await services.send(receiver, message), { kind: 'taken' });
  assert.deepEqual(asked, [new URL(service.origin).host]);
  const without = await open(t, { environment: { HTTPS_PROXY, NO_PROXY: '127.0.0.1' } });
  assert.deepEqual(await without.services.send(without.receiver, message), { kind: 'taken' });
  assert.equal(asked.length, 1);
});

test('what hangs is broken off at the end', async (t) => {
  const { services, service, receiver } = await open(t);
  service.replies.push('hang');
  const outcome = services.send(receiver, message);
  await service.got(1);
  services.close();
  assert.equal((await outcome).kind, 'later');
});
