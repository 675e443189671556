import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { FakeClock } from '@perch/testkit';
import { openRelay, Peer } from '../../../../test/support/relay.ts';
import type { Relay } from '../options.ts';
import { Ca, newKeyPair } from '../tls/ca.ts';
import { Maker } from '../tls/testing/maker.ts';
import { TestDevice } from './testing/test-device.ts';

const DAY = 86_400_000;

/** A relay that ends TLS itself, what trusts it, and a device of it. */
async function withTls(options: { clock?: FakeClock; data?: string } = {}) {
  const relay = await openRelay({ tls: 'local', ...options });
  const { trust: ca } = (await getJson(`${relay.url}/api/v1/devices/challenge`, {
    rejectUnauthorized: false,
  })) as { trust: string };
  const code = await relay.createEnrolmentCode('kitchen');
  const keys = newKeyPair();
  const { signingRequest } = await import('./testing/test-device.ts');
  const body = JSON.stringify({ code, csr: await signingRequest(keys) });
  const answer = (await getJson(`${relay.url}/api/v1/enroll`, { ca, method: 'POST' }, body)) as {
    device: string;
    certificate: string;
  };
  const device = new TestDevice({ id: answer.device, key: keys.privateKey, certificate: answer.certificate });
  return { relay, ca, device, shown: { ca, cert: device.certificate, key: device.key } };
}

async function withoutTls(options: Parameters<typeof openRelay>[0] = {}) {
  const relay = await openRelay(options);
  return { relay, device: await enrolled(relay) };
}

const enrolled = async (relay: Relay, name = 'kitchen') =>
  TestDevice.enrol(relay.url, await relay.createEnrolmentCode(name));

describe('a device that shows its certificate over TLS', () => {
  it('publishes under its id', async () => {
    const { relay, ca, device, shown } = await withTls();
    await using _relay = relay;
    const token = await relay.createToken({ topic: '**', scope: ['read'], ttlMs: DAY });
    using publisher = await Peer.open(`${relay.ws}/in/${device.id}/video0`, shown);
    const headers = { Authorization: `Bearer ${token}` };
    using viewer = await Peer.open(`${relay.ws}/out/${device.id}/video0`, { ca, headers });
    publisher.send('hello');
    assert.deepEqual(await viewer.hears(1), ['hello']);
    const answer = (await getJson(`${relay.url}/session/${device.id}/video1`, {
      ...shown,
      method: 'POST',
    })) as {
      uri: string;
    };
    using second = await Peer.open(answer.uri, { ca });
    await second.settled();
  });

  it('publishes nowhere else, and reads nothing', async () => {
    const { relay, device, shown } = await withTls();
    await using _relay = relay;
    const elsewhere = [`/in/${device.id}`, '/in/video0', `/in/${device.id}x/video0`, `/in/other-x7k2/video0`];
    const reading = [`/out/${device.id}/video0`, `/bi/${device.id}/video0`, '/ws'];
    for (const path of [...elsewhere, ...reading]) {
      await assert.rejects(Peer.open(relay.ws + path, shown), { message: 'HTTP 401' }, path);
    }
  });

  it('need sign nothing, and is told so', async () => {
    const { relay, device, shown } = await withTls();
    await using _relay = relay;
    const answer = (await getJson(`${relay.url}/api/v1/devices/challenge`, shown)) as { device: string };
    assert.equal(answer.device, device.id);
  });

  it('is known when a TLS session is taken up again, and refused there once it was removed', async () => {
    const { relay, device, shown } = await withTls();
    await using _relay = relay;
    const agent = new Agent({ keepAlive: false, maxCachedSessions: 10 });
    const session = async () => {
      const asked = request(`${relay.url}/session/${device.id}/v`, { ...shown, agent, method: 'POST' });
      asked.end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      const { socket } = answer;
      answer.resume();
      await once(answer, 'end');
      return { status: answer.statusCode, isResumed: (socket as TLSSocket).isSessionReused() };
    };
    assert.deepEqual(await session(), { status: 200, isResumed: false });
    assert.deepEqual(await session(), { status: 200, isResumed: true });
    const headers = { ...(await signIn(relay, shown.ca)), 'Content-Length': '0' };
    const one = `${relay.url}/api/v1/devices/${device.id}`;
    assert.equal((await ask(one, { ca: shown.ca, method: 'DELETE', headers })).status, 204);
    assert.deepEqual(await session(), { status: 401, isResumed: true });
  });

  it("is refused in words where the certificate is another authority's", async () => {
    const { relay, ca, device } = await withTls();
    await using _relay = relay;
    const other = await foreign(device.id);
    const answer = await refusal(`${relay.url}/session/${device.id}/video0`, { ...other, ca });
    assert.match(answer, /^401 the certificate is not one of this relay's devices/);
  });

  it('is refused in words when the certificate has ended, until the device is enrolled again', async (t) => {
    const data = mkdtempSync(join(tmpdir(), 'perch-identity-'));
    t.after(() => rmSync(data, { recursive: true, force: true }));
    const now = Date.now();
    const { relay, device, shown } = await withTls({ data, clock: new FakeClock({ wallMs: now }) });
    await relay.close();
    // The relay is started again: to live through millions of seconds would take a minute of the machine.
    const answerAfter = async (days: number) => {
      await using later = await openRelay({
        ...{ tls: 'local', data, clock: new FakeClock({ wallMs: now + days * DAY }) },
      });
      const url = `${later.url}/session/${device.id}/video0`;
      return await refusal(url, { ...shown, rejectUnauthorized: false });
    };
    assert.match(await answerAfter(89.9), /^200/);
    assert.match(
      await answerAfter(90.1),
      /^401 the device's certificate ended at 20.*enrol the device again/,
    );
  });

  it('lets a token speak for itself', async () => {
    const { relay, shown } = await withTls();
    await using _relay = relay;
    const token = await relay.createToken({ topic: 'flat', scope: ['write'], ttlMs: DAY });
    using peer = await Peer.open(`${relay.ws}/in/flat`, { ...shown, headers: { Authorization: token } });
    await peer.settled();
  });
});

describe('a device that signs a nonce, where a proxy ends TLS', () => {
  it('publishes under its id, and nowhere else', async () => {
    const { relay, device } = await withoutTls();
    await using _relay = relay;
    const open = async (path: string) =>
      Peer.open(relay.ws + path, { headers: await device.authorization(relay.url) });
    using publisher = await open(`/in/${device.id}/video0`);
    await publisher.settled();
    for (const path of ['/in/video0', `/out/${device.id}/video0`, '/in/other-x7k2/video0']) {
      await assert.rejects(open(path), { message: 'HTTP 401' }, path);
    }
  });

  it('may use the nonce once', async () => {
    const { relay, device } = await withoutTls();
    await using _relay = relay;
    const headers = await device.authorization(relay.url);
    using publisher = await Peer.open(`${relay.ws}/in/${device.id}/video0`, { headers });
    await publisher.settled();
    const again = await post(`${relay.url}/session/${device.id}/video0`, headers);
    assert.equal(again, '401 the nonce has been used; ask for a new one');
  });

  it('may not use it twice at once either', async () => {
    const { relay, device } = await withoutTls();
    await using _relay = relay;
    const headers = await device.authorization(relay.url);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => post(`${relay.url}/session/${device.id}/v`, headers)),
    );
    assert.equal(answers.filter((answer) => answer.startsWith('200')).length, 1, answers.join('\n'));
  });

  it('may use it for a minute', async () => {
    const clock = new FakeClock({ wallMs: Date.now() });
    const { relay, device } = await withoutTls({ clock });
    await using _relay = relay;
    const url = `${relay.url}/session/${device.id}/v`;
    const [soon, late] = [await device.authorization(relay.url), await device.authorization(relay.url)];
    clock.advance(59_999);
    assert.match(await post(url, soon), /^200/);
    clock.advance(1);
    assert.match(await post(url, late), /^401 the nonce is not one that this relay gave in the last minute/);
    assert.match(await post(url, soon), /^401 the nonce is not one/, 'a used one does not come back to life');
  });

  it('may not sign a nonce of its own making, or for another key, or without one', async () => {
    const { relay, device } = await withoutTls();
    await using _relay = relay;
    const url = `${relay.url}/session/${device.id}/v`;
    const { Authorization: good } = await device.authorization(relay.url);
    const [certificate = '', nonce = '', signature = ''] = good.replace('Perch-Device ', '').split('.');
    const other = await enrolled(relay, 'thief');
    const thief = other.sign(nonce).split('.')[2];
    const own = device.sign(Buffer.alloc(40, 7).toString('base64url'));
    for (const [shown, why] of [
      [own, /^401 the nonce is not one/],
      [device.sign(`${nonce}A`), /^401 the nonce is not one/],
      [
        `Perch-Device ${certificate}.${nonce}.${thief}`,
        /^401 the signature is not that of the certificate's key/,
      ],
      [`Perch-Device ${certificate}.${nonce}.`, /^401 the signature/],
      [`Perch-Device ${certificate}.${nonce}`, /^401 the signature/],
      [
        `Perch-Device AAAA.${nonce}.${signature}`,
        /^401 Perch-Device: a certificate, a nonce and a signature/,
      ],
      [`Perch-Device ${'A'.repeat(5_000)}`, /^401 Perch-Device: a certificate/],
      ['Perch-Device ', /^401 /],
    ] as const) {
      assert.match(await post(url, { Authorization: shown }), why, shown);
    }
    assert.match(await post(url, { Authorization: good }), /^200/, 'and none of that has spent it');
  });

  it("is refused in words where the certificate is another authority's", async () => {
    const { relay, device } = await withoutTls();
    await using _relay = relay;
    const other = await foreign(device.id);
    const stranger = new TestDevice({ id: device.id, key: other.key, certificate: other.cert });
    const headers = await stranger.authorization(relay.url);
    const answer = await post(`${relay.url}/session/${device.id}/video0`, headers);
    assert.match(answer, /^401 the certificate is not one of this relay's devices; is this the relay/);
  });

  it('is in the audit with its name when it is refused', async () => {
    const { relay, device } = await withoutTls();
    await using _relay = relay;
    const headers = await device.authorization(relay.url);
    await post(`${relay.url}/session/${device.id}/v`, headers);
    await post(`${relay.url}/session/${device.id}/v`, headers);
    const token = await relay.createToken({ topic: '*', scope: ['audit'], ttlMs: DAY });
    const answer = await fetch(`${relay.url}/api/v1/audit`, { headers: { Authorization: token } });
    const { entries } = (await answer.json()) as { entries: { outcome: string; detail: string }[] };
    assert.ok(
      entries.some(({ outcome, detail }) => outcome === 'refused' && /nonce has been used/.test(detail)),
    );
  });
});

describe('removing a device', () => {
  it('ends all that it has open, on every relay, and its certificates', async () => {
    const clock = new FakeClock({ wallMs: Date.now() });
    const { relay: here, device } = await withoutTls({ clock });
    await using _here = here;
    await using there = await openRelay({ clock, data: here.data });
    const open = async ({ ws, url }: { ws: string; url: string }) =>
      Peer.open(`${ws}/in/${device.id}/v`, { headers: await device.authorization(url) });
    const peers = [await open(here), await open(there)];
    for (const peer of peers) await peer.settled();
    const owner = await signIn(here);
    const one = `${here.url}/api/v1/devices/${device.id}`;
    assert.equal(((await (await fetch(one, { headers: owner })).json()) as { online: boolean }).online, true);
    const removed = await fetch(one, { method: 'DELETE', headers: owner });
    assert.equal(removed.status, 204);
    assert.equal((await peers[0]?.closed)?.code, 4401);
    clock.advance(1_000);
    assert.equal((await peers[1]?.closed)?.code, 4401);
    const answer = await post(`${there.url}/session/${device.id}/v`, await device.authorization(there.url));
    assert.equal(answer, `401 the device ${device.id} was removed here; enrol it again with a new code`);
    assert.equal((await fetch(one, { headers: owner })).status, 404);
    assert.equal((await fetch(one, { method: 'DELETE', headers: owner })).status, 404);
    assert.deepEqual(await (await fetch(`${here.url}/api/v1/devices`, { headers: owner })).json(), []);
  });

  it('ends a one-time code that it holds', async () => {
    const { relay, device } = await withoutTls();
    await using _relay = relay;
    const answer = await fetch(`${relay.url}/session/${device.id}/v`, {
      method: 'POST',
      headers: await device.authorization(relay.url),
    });
    const { uri } = (await answer.json()) as { uri: string };
    const headers = await signIn(relay);
    await fetch(`${relay.url}/api/v1/devices/${device.id}`, { method: 'DELETE', headers });
    await assert.rejects(Peer.open(uri), { message: 'HTTP 401' });
  });
});

describe('the list of devices', () => {
  it('says what each is called, from where it came, and until when its certificate is good', async () => {
    const { relay, device } = await withoutTls();
    await using _relay = relay;
    await post(`${relay.url}/session/${device.id}/v`, await device.authorization(relay.url));
    const headers = await signIn(relay);
    const list = async () =>
      (await (await fetch(`${relay.url}/api/v1/devices`, { headers })).json()) as Record<string, unknown>[];
    const [shown = {}, ...more] = await list();
    assert.deepEqual(more, []);
    assert.deepEqual(Object.keys(shown).sort(), [
      ...['address', 'certificateExpires', 'enrolled', 'id', 'lastSeen', 'name', 'online'],
    ]);
    assert.equal(shown.id, device.id);
    assert.equal(shown.name, 'kitchen');
    assert.equal(shown.address, '127.0.0.1');
    assert.equal(shown.online, false);
    assert.ok(Math.abs(Date.parse(String(shown.lastSeen)) - Date.now()) < 60_000);
    const renamed = await fetch(`${relay.url}/api/v1/devices/${device.id}`, {
      method: 'PATCH',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: ' Kitchen window ' }),
    });
    assert.equal(renamed.status, 200);
    assert.equal((await list())[0]?.name, 'Kitchen window');
    assert.equal((await list())[0]?.id, device.id);
  });
});

/** A certificate of another authority for the same device. */
async function foreign(id: string): Promise<{ cert: string; key: string }> {
  using maker = new Maker();
  await using database = await maker.database();
  const clock = new FakeClock({ wallMs: Date.now() });
  const ca = await Ca.open({ database, name: 'devices', title: 'Others', usage: 'client', clock });
  const { publicKey, privateKey } = newKeyPair();
  const { pem } = await ca.issue({ subject: { commonName: id }, names: [], publicKey, days: 90 });
  return { cert: pem, key: privateKey };
}

async function post(url: string, headers: Record<string, string>): Promise<string> {
  const answer = await fetch(url, { method: 'POST', headers });
  return `${answer.status} ${((await answer.json()) as { message?: string }).message ?? ''}`;
}

const refusal = async (url: string, options: object): Promise<string> => {
  const { status, body } = await ask(url, { ...options, method: 'POST' });
  return `${status} ${(JSON.parse(body) as { message?: string }).message ?? ''}`;
};

const getJson = async (url: string, options: object, body?: string): Promise<unknown> =>
  JSON.parse((await ask(url, options, body)).body);

function ask(
  url: string,
  options: object,
  sent?: string,
): Promise<{ status: number; body: string; cookie: string }> {
  return new Promise((resolve, reject) => {
    const headers = sent === undefined ? {} : { 'Content-Type': 'application/json' };
    const make = url.startsWith('https:') ? request : plainRequest;
    const asked = make(url, { headers, agent: false, ...options }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        body += part;
      });
      const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body, cookie }));
    });
    asked.on('error', reject);
    asked.end(sent);
  });
}

async function signIn(relay: { url: string; signInLink(): Promise<string> }, ca?: string) {
  const secret = new URL(await relay.signInLink()).hash.slice(1);
  const options = { method: 'POST', ...(ca !== undefined && { ca }) };
  const { cookie } = await ask(`${relay.url}/api/v1/sign-in`, options, JSON.stringify({ secret }));
  return { Cookie: cookie, Origin: relay.url };
}
