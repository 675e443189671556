import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, it } from 'node:test';
import { FakeClock } from '@perch/testkit';
import { Browser } from '../../../../test/support/browser.ts';
import { openRelay, Peer } from '../../../../test/support/relay.ts';
import { RawHttp, upgradeTo } from './testing/raw-http.ts';

/** A relay behind a proxy on this machine, which says who calls. Its time stands still: nothing is allowed anew. */
const behindProxy = (options: Parameters<typeof openRelay>[0] = {}) =>
  openRelay({ trustProxy: ['127.0.0.1'], clock: new FakeClock(), ...options });
const from = (address: string) => ({ 'X-Forwarded-For': address });

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', ...headers },
  });

interface Line {
  readonly what: string;
  readonly outcome: string;
  readonly from: string;
  readonly detail: string;
  readonly times: number;
}

async function audited(relay: Awaited<ReturnType<typeof openRelay>>): Promise<Line[]> {
  const audit = await relay.createToken({ topic: '*', scope: ['audit'], ttlMs: 3_600_000 });
  const headers = { Authorization: audit, ...from('10.0.0.1') };
  const answer = await fetch(`${relay.url}/api/v1/audit?limit=1000`, { headers });
  const { entries } = (await answer.json()) as { entries: Line[] };
  return entries;
}

/** What was refused because it was too much. */
const limited = async (relay: Awaited<ReturnType<typeof openRelay>>): Promise<Line[]> =>
  (await audited(relay)).filter(({ what }) => what === 'limit');

describe('who knocks too often', () => {
  it('is told so and for how long, once in the audit, and let in again in time', async () => {
    const clock = new FakeClock();
    await using relay = await behindProxy({ clock, limits: { signInBurst: 3, signInPeriod: 10_000 } });
    const attempt = (address: string) =>
      post(`${relay.url}/api/v1/sign-in`, { secret: 'guess' }, from(address));
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await attempt('203.0.113.9')).status);
    assert.deepEqual(statuses, [401, 401, 401, 429, 429, 429]);
    const last = await attempt('203.0.113.9');
    assert.equal(last.headers.get('retry-after'), '10');
    assert.deepEqual(await last.json(), { code: 429, message: 'too many attempts; try again in 10 s' });
    assert.equal((await attempt('203.0.113.10')).status, 401, 'another address is another matter');
    const [line, ...others] = await limited(relay);
    assert.deepEqual(
      [line?.outcome, line?.from, line?.detail, others],
      ['refused', '203.0.113.9', 'too many attempts to sign in from this address', []],
    );
    clock.advance(10_000);
    assert.equal((await attempt('203.0.113.9')).status, 401);
    assert.equal((await attempt('203.0.113.9')).status, 429);
  });

  it('finds each way to sign in closed, and the app itself open', async () => {
    await using relay = await behindProxy({ limits: { signInBurst: 1, signInPeriod: 60_000 } });
    await post(`${relay.url}/api/v1/sign-in`, { secret: 'guess' }, from('203.0.113.9'));
    for (const path of ['', '/password', '/passkey/options', '/passkey']) {
      const { status } = await post(`${relay.url}/api/v1/sign-in${path}`, {}, from('203.0.113.9'));
      assert.equal(status, 429, path);
    }
    assert.equal((await fetch(`${relay.url}/stats`, { headers: from('203.0.113.9') })).status, 200);
  });

  it('guesses one password no faster from many addresses', async () => {
    // A hash of the usual cost yields to everything on the machine: four would take minutes where it is busy.
    await using relay = await behindProxy({ passwordCost: 10, limits: { accountSignInBurst: 2 } });
    const attempt = (name: string, i: number) =>
      post(`${relay.url}/api/v1/sign-in/password`, { name, password: 'guess-guess' }, from(`203.0.113.${i}`));
    assert.equal((await attempt('Owner', 1)).status, 401);
    assert.equal((await attempt('owner ', 2)).status, 401);
    assert.equal((await attempt('OWNER', 3)).status, 429, 'it is the same account, however it is written');
    // Whether there is such an account cannot be told from it.
    for (const [i, status] of [401, 401, 429].entries())
      assert.equal((await attempt('Nobody', 10 + i)).status, status);
    assert.match((await limited(relay))[0]?.detail ?? '', /too many passwords for one account/);
  });

  it('is known by the /64 of an IPv6 address', async () => {
    await using relay = await behindProxy({ limits: { inviteBurst: 1, invitePeriod: 60_000 } });
    const attempt = (address: string) =>
      post(`${relay.url}/api/v1/invites/open`, { secret: 'guess' }, from(address));
    assert.equal((await attempt('2001:db8:1:2::1')).status, 401);
    assert.equal((await attempt('2001:db8:1:2:ffff::1')).status, 429);
    assert.equal((await attempt('2001:db8:1:3::1')).status, 401);
  });

  it('does not come in under another name: only proxies of ours are believed', async () => {
    await using relay = await openRelay({ limits: { enrolmentBurst: 1 }, clock: new FakeClock() });
    const attempt = (address: string) =>
      post(`${relay.url}/api/v1/enroll`, { code: 'AAAA-AAAA', csr: 'x' }, from(address));
    assert.notEqual((await attempt('203.0.113.1')).status, 429);
    assert.equal((await attempt('203.0.113.2')).status, 429);
  });
});

describe('one-time codes', () => {
  it('are neither asked for nor guessed without end', async () => {
    await using relay = await behindProxy({ open: ['**'], limits: { codeBurst: 4, codePeriod: 60_000 } });
    const ask = () => post(`${relay.url}/session/front`, undefined, from('203.0.113.9'));
    const { uri } = (await (await ask()).json()) as { uri: string };
    using viewer = await Peer.open(uri, { headers: from('203.0.113.9') });
    await viewer.settled();
    const guess = `${relay.ws}/session/front?code=00000000-0000-4000-8000-000000000000`;
    await assert.rejects(Peer.open(guess, { headers: from('203.0.113.9') }), /HTTP 401/);
    await assert.rejects(Peer.open(uri, { headers: from('203.0.113.9') }), /HTTP 401/, 'it is used');
    await assert.rejects(Peer.open(guess, { headers: from('203.0.113.9') }), /HTTP 429/);
    const refused = await ask();
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('access-control-allow-origin'), '*', 'the page that asks may read it');
  });
});

describe('WebSockets', () => {
  it('are opened only so often by one address', async () => {
    await using relay = await behindProxy({
      open: ['**'],
      limits: { connectBurst: 2, connectPeriod: 60_000 },
    });
    const open = (address: string) => Peer.open(`${relay.ws}/out/front`, { headers: from(address) });
    using _first = await open('203.0.113.9');
    using _second = await open('203.0.113.9');
    await assert.rejects(open('203.0.113.9'), /HTTP 429/);
    using _other = await open('203.0.113.10');
    using raw = await RawHttp.open(relay.port);
    raw.socket.write(upgradeTo('/out/front', ['X-Forwarded-For: 203.0.113.9']));
    await raw.closed;
    assert.match(raw.heard, /^HTTP\/1\.1 429 Too Many Requests\r\n(.*\r\n)*Retry-After: 60\r\n/);
    assert.match((await limited(relay))[0]?.detail ?? '', /too many new connections/);
  });

  it('are open only so many at a time for one address, and one that closes makes room', async () => {
    await using relay = await behindProxy({ open: ['**'], limits: { connectionsPerAddress: 2 } });
    const open = (address: string) => Peer.open(`${relay.ws}/out/front`, { headers: from(address) });
    using first = await open('203.0.113.9');
    using _second = await open('203.0.113.9');
    await assert.rejects(open('203.0.113.9'), /HTTP 429/);
    using _other = await open('203.0.113.10');
    first.webSocket.close();
    await first.closed;
    using _third = await open('203.0.113.9');
    assert.match((await limited(relay))[0]?.detail ?? '', /too many open connections/);
  });

  it('of clients that are about to show a token are only so many', async () => {
    const crossbar = { secret: 'secret', audience: '' };
    await using relay = await behindProxy({ crossbar, limits: { strangerBurst: 2, strangerPeriod: 60_000 } });
    const open = (address: string) => Peer.open(`${relay.ws}/out/front`, { headers: from(address) });
    using _first = await open('203.0.113.9');
    using _second = await open('203.0.113.9');
    await assert.rejects(open('203.0.113.9'), /HTTP 429/);
    using _other = await open('203.0.113.10');
  });
});

describe('this machine', () => {
  it('opens as many connections as it likes', async () => {
    await using relay = await openRelay({
      open: ['**'],
      limits: { connectBurst: 1, connectionsPerAddress: 1 },
    });
    const peers = await Promise.all(Array.from({ length: 20 }, () => Peer.open(`${relay.ws}/out/front`)));
    for (const peer of peers) peer[Symbol.dispose]();
  });
});

describe('signing in', () => {
  it('is not held up for others by somebody who tries without end', async () => {
    await using relay = await behindProxy({ limits: { signInBurst: 2 } });
    for (let i = 0; i < 20; i++)
      await post(`${relay.url}/api/v1/sign-in`, { secret: 'guess' }, from('203.0.113.9'));
    const owner = await Browser.signedIn(relay, await relay.signInLink());
    assert.equal((await owner.get('/api/v1/me')).status, 200);
  });
});

/** An address of this machine that is not loopback. */
const outward = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === 'IPv4' && !each.internal)?.address;

const onNetwork = { skip: outward === undefined && 'this machine is on no network' };
it('one address has only so many connections open, from their first byte on', onNetwork, async () => {
  const listen = { host: '0.0.0.0', port: 0 };
  await using relay = await openRelay({
    listen,
    trustProxy: ['198.51.100.1'],
    limits: { connectionsPerAddress: 2 },
  });
  using first = await RawHttp.open(relay.port, outward);
  using _second = await RawHttp.open(relay.port, outward);
  using third = await RawHttp.open(relay.port, outward);
  await third.closed;
  assert.equal(third.bytes, 0);
  assert.ok(!first.isClosed);
  using here = await RawHttp.open(relay.port);
  first.socket.destroy();
  await first.closed;
  // The place is free when the relay has seen that, too: a little later.
  let isFree = false;
  for (let tries = 0; tries < 1_000 && !isFree; tries++) {
    using again = await RawHttp.open(relay.port, outward);
    again.socket.write('GET / HTTP/1.1\r\n\r\n');
    await again.closed;
    isFree = again.bytes > 0;
  }
  assert.ok(isFree);
  assert.ok(!here.isClosed);
});

it('plain HTTP from a machine that is no proxy of ours is refused, in words', onNetwork, async () => {
  const listen = { host: '0.0.0.0', port: 0 };
  await using relay = await openRelay({ listen, trustProxy: ['198.51.100.1'], open: ['**'] });
  const answer = await fetch(`http://${outward}:${relay.port}/healthz`);
  assert.equal(answer.status, 403);
  const { message } = (await answer.json()) as { message: string };
  assert.match(message, /plain HTTP with its own proxies only.*--trust_proxy/);
  await assert.rejects(Peer.open(`ws://${outward}:${relay.port}/out/front`), /HTTP 403/);
  assert.equal((await fetch(`http://127.0.0.1:${relay.port}/healthz`)).status, 200);
  const [line] = (await audited(relay)).filter(({ from }) => from === outward);
  assert.deepEqual([line?.what, line?.outcome], ['request', 'refused']);
});
