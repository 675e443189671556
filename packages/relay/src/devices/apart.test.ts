import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { silentLogger, systemClock } from '@perch/runtime';
import { FakeClock, startPostgres, type TestPostgres } from '@perch/testkit';
import { openRelay, Peer } from '../../../../test/support/relay.ts';
import { createHouseholdIn } from '../index.ts';
import { TestDevice } from './testing/test-device.ts';

// What keeps devices of several households, and several relays of one database, apart and together.

type Running = Awaited<ReturnType<typeof openRelay>>;

const json = { 'Content-Type': 'application/json' };

async function signIn(url: string, secret: string) {
  const body = JSON.stringify({ secret });
  const answer = await fetch(`${url}/api/v1/sign-in`, { method: 'POST', headers: json, body });
  assert.equal(answer.status, 204);
  return { ...json, Cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '', Origin: url };
}

const ownerOf = async (relay: Running) => signIn(relay.url, new URL(await relay.signInLink()).hash.slice(1));

async function stranger(relay: Running) {
  const place = { data: relay.data, clock: systemClock, logger: silentLogger };
  const made = await createHouseholdIn({ ...place, name: 'others' });
  return signIn(relay.url, made?.secret ?? '');
}

async function codeOf(relay: Running, headers: Record<string, string>): Promise<string> {
  const body = JSON.stringify({ name: 'yard' });
  const answer = await fetch(`${relay.url}/api/v1/devices/codes`, { method: 'POST', headers, body });
  return ((await answer.json()) as { code: string }).code;
}

describe('devices of two households', () => {
  it('are not there for each other: neither owner sees, renames or removes what is not his', async () => {
    await using relay = await openRelay();
    const [ours, theirs] = [await ownerOf(relay), await stranger(relay)];
    const device = await TestDevice.enrol(relay.url, await codeOf(relay, ours));
    const other = await TestDevice.enrol(relay.url, await codeOf(relay, theirs));
    const list = async (headers: Record<string, string>) => {
      const answer = await fetch(`${relay.url}/api/v1/devices`, { headers });
      return ((await answer.json()) as { id: string }[]).map(({ id }) => id);
    };
    assert.deepEqual(await list(ours), [device.id]);
    assert.deepEqual(await list(theirs), [other.id]);
    const one = `${relay.url}/api/v1/devices/${device.id}`;
    const nobody = `${relay.url}/api/v1/devices/nobody-x7k2`;
    for (const init of [
      { headers: theirs },
      { headers: theirs, method: 'PATCH', body: JSON.stringify({ name: 'mine' }) },
      { headers: { Cookie: theirs.Cookie, Origin: theirs.Origin }, method: 'DELETE' },
    ]) {
      const [theirAnswer, noAnswer] = [await fetch(one, init), await fetch(nobody, init)];
      assert.equal(theirAnswer.status, 404);
      assert.deepEqual(await theirAnswer.json(), await noAnswer.json(), 'as if it were not there');
    }
    assert.deepEqual(await list(ours), [device.id]);
  });

  it('show nothing to each other, and publish nothing there', async () => {
    await using relay = await openRelay();
    const [ours, theirs] = [await ownerOf(relay), await stranger(relay)];
    const device = await TestDevice.enrol(relay.url, await codeOf(relay, ours));
    const other = await TestDevice.enrol(relay.url, await codeOf(relay, theirs));
    const open = async (who: TestDevice, topic: string) =>
      Peer.open(`${relay.ws}/in/${topic}`, { headers: await who.authorization(relay.url) });
    using publisher = await open(device, `${device.id}/v`);
    await publisher.settled();
    await assert.rejects(open(other, `${device.id}/v`), { message: 'HTTP 401' });
    const { Cookie, Origin } = theirs;
    const headers = { Cookie, Origin };
    await assert.rejects(Peer.open(`${relay.ws}/out/${device.id}/v`, { headers }), { message: 'HTTP 401' });
    const streams = await fetch(`${relay.url}/api/v1/streams`, { headers: theirs });
    assert.deepEqual(await streams.json(), []);
  });
});

describe('a code', () => {
  it('ends with the owner who made it', async () => {
    await using relay = await openRelay();
    const ours = await ownerOf(relay);
    const body = JSON.stringify({ name: 'Second', role: 'owner' });
    const made = await fetch(`${relay.url}/api/v1/users`, { method: 'POST', headers: ours, body });
    const { id, link } = (await made.json()) as { id: string; link: string };
    const second = await signIn(relay.url, new URL(link).hash.slice(1));
    const [before, after] = [await codeOf(relay, second), await codeOf(relay, second)];
    await TestDevice.enrol(relay.url, before);
    const { Cookie, Origin } = ours;
    await fetch(`${relay.url}/api/v1/users/${id}`, { method: 'DELETE', headers: { Cookie, Origin } });
    await assert.rejects(TestDevice.enrol(relay.url, after), /the code is wrong, used, or older/);
  });
});

describe('what is shown as an identity', () => {
  it('may be any bytes: the answer is 401, and nothing breaks', async () => {
    await using relay = await openRelay();
    const device = await TestDevice.enrol(relay.url, await relay.createEnrolmentCode('yard'));
    const good = (await device.authorization(relay.url)).Authorization;
    const [, certificate = '', nonce = ''] = /^Perch-Device ([\w-]+)\.([\w-]+)/.exec(good) ?? [];
    const noise = (bytes: number) => randomBytes(bytes).toString('base64url');
    const shown = Array.from({ length: 200 }, (_, i) => {
      const parts = [noise(i * 3), certificate, nonce, noise(70), '', '.', '='];
      const pick = () => parts[randomBytes(1).readUInt8() % parts.length] ?? '';
      return `Perch-Device ${pick()}.${pick()}.${pick()}`;
    });
    for (const Authorization of shown) {
      const answer = await fetch(`${relay.url}/session/${device.id}/v`, {
        method: 'POST',
        headers: { Authorization },
      });
      assert.equal(answer.status, 401, Authorization);
    }
    const answer = await fetch(`${relay.url}/session/${device.id}/v`, {
      method: 'POST',
      headers: { Authorization: good },
    });
    assert.equal(answer.status, 200);
  });
});

describe('relays that share a PostgreSQL', () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.close());

  it('know the same devices, and take a nonce once among them', async (t) => {
    const database = postgres.createDatabase();
    const data = () => {
      const directory = mkdtempSync(join(tmpdir(), 'perch-apart-'));
      t.after(() => rmSync(directory, { recursive: true, force: true }));
      return directory;
    };
    const clock = new FakeClock({ wallMs: Date.now() });
    await using here = await openRelay({ database, data: data(), clock });
    await using there = await openRelay({ database, data: data(), clock });
    const device = await TestDevice.enrol(here.url, await there.createEnrolmentCode('yard'));
    // Both made what they sign with at once, if they did; it is one key.
    const headers = await device.authorization(here.url);
    const ask = async (url: string) =>
      (await fetch(`${url}/session/${device.id}/v`, { method: 'POST', headers })).status;
    const answers = await Promise.all([ask(here.url), ask(there.url), ask(here.url), ask(there.url)]);
    assert.deepEqual(answers.toSorted(), [200, 401, 401, 401]);
    using peer = await Peer.open(`${there.ws}/in/${device.id}/v`, {
      headers: await device.authorization(here.url),
    });
    await peer.settled();
    const owner = await ownerOf(here);
    const { Cookie, Origin } = owner;
    await fetch(`${here.url}/api/v1/devices/${device.id}`, { method: 'DELETE', headers: { Cookie, Origin } });
    clock.advance(500);
    assert.equal((await peer.closed).code, 4401);
  });
});
