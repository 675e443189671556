import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { FakeClock } from '@perch/testkit';
import { openRelay } from '../../../../test/support/relay.ts';
import { newKeyPair } from '../tls/ca.ts';
import { newDeviceId } from './device-id.ts';
import { signingRequest, TestDevice } from './testing/test-device.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe('a code for a device', () => {
  it('enrols one device: its certificate says who it is, for ninety days', async () => {
    const clock = new FakeClock({ wallMs: Date.now() });
    await using relay = await openRelay({ clock });
    const code = await relay.createEnrolmentCode('Küche, oben');
    assert.match(code, /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
    const device = await TestDevice.enrol(relay.url, code);
    assert.match(device.id, /^kuche-oben-[a-z2-9]{4}$/);
    const certificate = new X509Certificate(device.certificate);
    assert.equal(certificate.subject, `CN=${device.id}`);
    const life = certificate.validToDate.getTime() - clock.wall();
    assert.ok(life > 89.9 * DAY && life <= 90 * DAY, `${life / DAY} days`);
  });

  it('is taken however it is typed', async () => {
    await using relay = await openRelay();
    const code = await relay.createEnrolmentCode('a');
    await TestDevice.enrol(relay.url, ` ${code.replace('-', ' ').toLowerCase().replaceAll('0', 'o')} `);
  });

  it('works once', async () => {
    await using relay = await openRelay();
    const code = await relay.createEnrolmentCode('a');
    const tries = await Promise.allSettled([1, 2, 3].map(() => TestDevice.enrol(relay.url, code)));
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1);
    await assert.rejects(TestDevice.enrol(relay.url, code), { message: BAD_CODE });
  });

  it('works for ten minutes', async () => {
    const clock = new FakeClock({ wallMs: Date.now() });
    await using relay = await openRelay({ clock });
    const [early, late] = [await relay.createEnrolmentCode('a'), await relay.createEnrolmentCode('b')];
    clock.advance(10 * MINUTE - 1);
    await TestDevice.enrol(relay.url, early);
    clock.advance(1);
    await assert.rejects(TestDevice.enrol(relay.url, late), { message: BAD_CODE });
  });

  it('is not guessed: ten attempts, then one in ten seconds', async () => {
    await using relay = await openRelay({ clock: new FakeClock({ wallMs: Date.now() }) });
    const outcomes: string[] = [];
    for (let i = 0; i < 12; i++) {
      await TestDevice.enrol(relay.url, 'ABCD-EFGH').catch((error: Error) => outcomes.push(error.message));
    }
    assert.deepEqual(outcomes.slice(0, 10), Array(10).fill(BAD_CODE));
    assert.match(outcomes[10] ?? '', /^HTTP 429: too many attempts/);
  });

  it('is not spent by a request that is none', async () => {
    await using relay = await openRelay();
    const code = await relay.createEnrolmentCode('a');
    const good = await signingRequest(newKeyPair());
    const changed = Buffer.from(good.replace(/-----.*-----|\n/g, ''), 'base64');
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${changed.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
    for (const csr of ['nonsense', forged]) {
      const answer = await post(`${relay.url}/api/v1/enroll`, { code, csr });
      assert.equal(answer.status, 400);
    }
    const long = await post(`${relay.url}/api/v1/enroll`, { code, csr: 'x'.repeat(10_000) });
    assert.equal(long.status, 400);
    await TestDevice.enrol(relay.url, code);
  });

  it('is made by owners only, and is in the answer as a command and a picture', async () => {
    await using relay = await openRelay();
    const codes = `${relay.url}/api/v1/devices/codes`;
    assert.equal((await post(codes, { name: 'kitchen' })).status, 401);
    const owner = await signIn(relay);
    const foreign = { ...owner, Origin: 'https://elsewhere.example' };
    assert.equal((await post(codes, { name: 'kitchen' }, foreign)).status, 403);
    const answer = await post(codes, { name: 'kitchen' }, owner);
    assert.equal(answer.status, 201);
    const made = (await answer.json()) as { code: string; expires: string; command: string; qr: string };
    assert.equal(made.command, `perch enroll ${relay.url} ${made.code}`);
    assert.match(made.qr, /^<svg /);
    const left = Date.parse(made.expires) - Date.now();
    assert.ok(left > 9 * MINUTE && left <= 10 * MINUTE);
    const device = await TestDevice.enrol(relay.url, made.code);
    assert.match(device.id, /^kitchen-/);
    for (const name of ['', '  ', 'x'.repeat(65), 'a\u0007b']) {
      assert.equal((await post(codes, { name }, owner)).status, 400, JSON.stringify(name));
    }
  });

  it('is one of twenty at most', async () => {
    await using relay = await openRelay();
    const owner = await signIn(relay);
    const codes = `${relay.url}/api/v1/devices/codes`;
    for (let i = 0; i < 20; i++) assert.equal((await post(codes, { name: 'a' }, owner)).status, 201);
    const answer = await post(codes, { name: 'a' }, owner);
    assert.equal(answer.status, 429);
    assert.equal(answer.headers.get('retry-after'), '600');
  });
});

describe("a device's id", () => {
  it('is one segment of a topic, whatever the name', () => {
    for (const name of ['Kitchen', '  ', '日本', '../../etc', 'a/b', 'x'.repeat(200), '-é-', '🐦 cage']) {
      assert.match(newDeviceId(name), /^[a-z0-9]([a-z0-9-]{0,23}[a-z0-9])?-[a-z2-9]{4}$/, name);
    }
  });
});

const BAD_CODE =
  'HTTP 401: the code is wrong, used, or older than ten minutes; an owner gets a new one in the app';

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

async function signIn(relay: { url: string; signInLink(): Promise<string> }) {
  const secret = new URL(await relay.signInLink()).hash.slice(1);
  const answer = await post(`${relay.url}/api/v1/sign-in`, { secret });
  return { Cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '', Origin: relay.url };
}
