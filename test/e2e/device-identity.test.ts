import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { AgentError, enrol, renewIdentity } from '@perch/agent';
import { type LogFields, type Logger, silentLogger } from '@perch/runtime';
import { FakeClock, freePort } from '@perch/testkit';
import { explain } from '../../packages/agent/src/identity/asking.ts';
import { Identity } from '../../packages/agent/src/identity/identity.ts';
import { Renewal } from '../../packages/agent/src/identity/renewal.ts';
import { makeDialer } from '../../packages/agent/src/uplink/dial.ts';
import { openRelay } from '../support/relay.ts';

// A device's identity between an agent and a relay of ours, each with a clock that the test owns.

const DAY = 86_400_000;
const HOUR = 3_600_000;
const START = Date.UTC(2026, 5, 1);

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'perch-identity-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const at = (ms: number): FakeClock => new FakeClock({ wallMs: ms });

/** A device that was enrolled at the start. The relay can be closed, and run again at another time on the same port. */
async function enrolled(t: TestContext, options: { deviceClock?: FakeClock } = {}) {
  const directory = scratch(t);
  const [relayData, data, legacy] = ['relay', 'agent', 'old'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  const listen = { host: '127.0.0.1', port: await freePort() };
  let relay = await openRelay({ data: relayData, clock: at(START), listen });
  t.after(() => relay.close());
  const { url } = relay;
  const clock = options.deviceClock ?? at(START);
  const code = await relay.createEnrolmentCode('yard');
  const { device, warnings } = await enrol({ url, code, data, legacy, clock });
  const dialer = await makeDialer();
  const logged: { level: string; message: string; fields?: LogFields }[] = [];
  const logger = remembering(logged);
  const identity = await Identity.open({ data, dialer, clock, logger });
  assert.ok(identity);
  const parts = { identity, dialer, data, clock, logger };
  return {
    ...{ url, device, data, legacy, clock, dialer, identity, warnings, logged, logger, parts },
    closeRelay: () => relay.close(),
    async relayAt(ms: number) {
      await relay.close();
      relay = await openRelay({ data: relayData, clock: at(ms), listen });
    },
    openRenewal() {
      const renewal = new Renewal(parts);
      t.after(() => renewal.close());
      return renewal;
    },
    /** Whether the relay knows the device by this certificate and key. */
    async isKnown(who = identity) {
      const headers = await who.headers(`${url}/session/${device}/v`);
      return (await fetch(`${url}/session/${device}/v`, { method: 'POST', headers })).status === 200;
    },
  };
}

describe('a certificate', () => {
  it('is renewed by itself when two thirds of its life are over, with a new key', async (t) => {
    const { clock, identity, relayAt, openRenewal, isKnown, data, legacy, dialer } = await enrolled(t);
    const renewal = openRenewal();
    const before = identity.stored;
    await relayAt(START + 59 * DAY);
    clock.advance(59 * DAY);
    await renewal.look();
    assert.equal(identity.stored, before, 'a day before');
    await relayAt(START + 60 * DAY);
    clock.advance(DAY);
    await renewal.look();
    assert.notEqual(identity.stored.key, before.key);
    const until = new X509Certificate(identity.stored.certificate).validToDate.getTime();
    assert.equal(Math.round((until - START) / DAY), 150);
    assert.ok(await isKnown());
    // It is on the disk, for older programs too, and the old one is good to its end: an answer may be lost.
    const again = await Identity.open({ data, dialer, clock, logger: silentLogger });
    assert.equal(again?.stored.certificate, identity.stored.certificate);
    assert.equal(readFileSync(join(legacy, 'cert.pem'), 'utf8'), identity.stored.certificate);
    assert.equal(readFileSync(join(legacy, 'key.pem'), 'utf8'), identity.stored.key);
    assert.ok(await isKnown(new Identity(before, { dialer, clock, logger: silentLogger })));
    const renewed = identity.stored;
    clock.advance(DAY);
    await renewal.look();
    assert.equal(identity.stored, renewed, 'and then not before its time');
  });

  it('is asked for every hour while the relay is away', async (t) => {
    const { clock, identity, relayAt, closeRelay, openRenewal, logged } = await enrolled(t);
    const renewal = openRenewal();
    await closeRelay();
    const before = identity.stored;
    clock.advance(70 * DAY);
    await renewal.look();
    assert.equal(identity.stored, before);
    assert.match(logged.find(({ level }) => level === 'warn')?.message ?? '', /could not be renewed yet/);
    await relayAt(START + 70 * DAY);
    clock.advance(HOUR);
    await renewal.look();
    assert.notEqual(identity.stored, before);
  });

  it('is renewed by a command where no agent runs', async (t) => {
    const { data, relayAt, clock } = await enrolled(t);
    assert.equal((await renewIdentity({ data, clock })).isNew, false);
    await relayAt(START + 61 * DAY);
    assert.equal((await renewIdentity({ data, clock: at(START + 61 * DAY) })).isNew, true);
    await assert.rejects(
      renewIdentity({ data: scratch(t), clock }),
      refusedWith('not-enrolled', /perch enroll URL CODE/),
    );
  });

  it('that has ended is refused in words', async (t) => {
    const { url, device, relayAt, identity } = await enrolled(t);
    await relayAt(START + 91 * DAY);
    const headers = await identity.headers(`${url}/x`);
    const answer = await fetch(`${url}/session/${device}/v`, { method: 'POST', headers });
    assert.match(
      await answer.text(),
      /the device's certificate ended at 2026-08-30T.*enrol the device again/,
    );
  });
});

describe('a clock that is wrong', () => {
  for (const [name, offset, words] of [
    ['a day behind', -DAY, /^this machine's clock is 1 d behind the relay's; set it/],
    ['a day ahead', DAY, /^this machine's clock is 1 d ahead of the relay's; set it/],
    ['of a machine without battery, in 1970', -START, /^this machine's clock is \d+ d behind the relay's/],
  ] as const) {
    it(`${name}, is said, and hinders nothing`, async (t) => {
      const { identity, isKnown, warnings, logged, openRenewal } = await enrolled(t, {
        deviceClock: at(START + offset),
      });
      assert.match(warnings.join(), words);
      assert.ok(await isKnown());
      assert.ok(await isKnown());
      const said = logged.filter(({ level }) => level === 'warn');
      assert.equal(said.length, 1, 'once');
      assert.match(said[0]?.message ?? '', words);
      const before = identity.stored;
      await openRenewal().look();
      assert.equal(identity.stored, before);
    });
  }

  it("by which the relay's own certificate is not good is named as the cause", () => {
    // OpenSSL reads the machine's clock, which no test owns: its words for it are taken as they come.
    for (const reason of ['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED']) {
      const error = Object.assign(new Error('certificate'), { code: reason });
      const { code, message } = explain(error, 'https://relay.example', 0);
      assert.equal(code, 'clock-wrong');
      assert.match(message, /the time that this machine has, 1970-01-01T00:00:00.*set the clock/);
    }
  });
});

describe('a relay', () => {
  it('is never told a code in clear', async (t) => {
    const data = scratch(t);
    for (const url of [
      'http://relay.example',
      'ftp://relay.example',
      'https://a:b@relay.example',
      '',
      'https://',
    ]) {
      await assert.rejects(
        enrol({ url, code: 'x', data }),
        refusedWith('bad-setting', /give https:\/\/HOST/),
        url,
      );
    }
  });

  it('that has a public name is known by it, and by the address that was typed', async (t) => {
    const relay = await openRelay({ public: { host: 'relay.example' } });
    t.after(() => relay.close());
    const code = await relay.createEnrolmentCode('yard');
    const { relays } = await enrol({ url: `${relay.url}/`, code, data: scratch(t) });
    assert.deepEqual(relays, ['https://relay.example', relay.url]);
  });

  it('that does not answer, or is none, is said to be so', async (t) => {
    const data = scratch(t);
    const silent = createServer((socket) => void socket.destroy()).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    t.after(() => silent.close());
    const { port } = silent.address() as { port: number };
    const url = `http://127.0.0.1:${port}`;
    await assert.rejects(
      enrol({ url, code: 'x', data }),
      refusedWith('relay-unreachable', /does not answer/),
    );
    const { url: relay } = await openRelayFor(t);
    await assert.rejects(
      enrol({ url: relay, code: 'ABCD-EFGH', data }),
      refusedWith('relay-refused', /refuses: the code is wrong, used, or older than ten minutes/),
    );
    await assert.rejects(
      enrol({ url: `${relay}/healthz`, code: 'ABCD-EFGH', data }),
      refusedWith('relay-refused', /refuses: /),
    );
    assert.equal(await Identity.open({ ...(await unused()), data }), undefined, 'nothing is kept');
  });

  it('that the device was not enrolled at never sees who it is', async (t) => {
    const { identity, dialer } = await enrolled(t);
    const seen: (string | undefined)[] = [];
    const stranger = createHttpServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end('{"uri":"ws://127.0.0.1/x"}');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => stranger.once('listening', resolve));
    t.after(() => stranger.close());
    const { port } = stranger.address() as { port: number };
    await identity
      .showBy(dialer)
      .fetch(`http://127.0.0.1:${port}/session/x`, { method: 'POST', headers: {} });
    assert.deepEqual(seen, [undefined]);
  });
});

const unused = async () => ({ dialer: await makeDialer(), clock: at(START), logger: silentLogger });

async function openRelayFor(t: TestContext) {
  const relay = await openRelay();
  t.after(() => relay.close());
  return relay;
}

const refusedWith = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof AgentError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, words);
  return true;
};

function remembering(lines: { level: string; message: string; fields?: LogFields }[]): Logger {
  const at = (level: string) => (message: string, fields?: LogFields) =>
    void lines.push({ level, message, ...(fields && { fields }) });
  const logger: Logger = {
    ...{ error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') },
    child: () => logger,
  };
  return logger;
}
