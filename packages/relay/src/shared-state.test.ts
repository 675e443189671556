import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { FakeClock, startPostgres, type TestPostgres } from '@perch/testkit';
import { openRelay, Peer } from '../../../test/support/relay.ts';
import { listTokensIn, revokeTokenIn } from './index.ts';

const HOUR = 3_600_000;
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.close());

describe('relays that share a database', () => {
  const open = async () => {
    const database = server.createDatabase();
    const clock = new FakeClock();
    const one = await openRelay({ database, clock });
    const two = await openRelay({ database, clock });
    const close = async () => {
      await one.close();
      await two.close();
    };
    return { database, clock, one, two, [Symbol.asyncDispose]: close };
  };

  it('know each other’s tokens, codes and sessions', async () => {
    await using relays = await open();
    const { one, two } = relays;
    const token = await one.createToken({ topic: 'front', scope: ['read'], ttlMs: HOUR });
    using viewer = await Peer.open(`${two.ws}/out/front`, bearer(token));
    assert.equal(viewer.webSocket.readyState, 1);
    const answer = await fetch(`${one.url}/session/front`, { method: 'POST', ...bearer(token) });
    const { pathname, search } = new URL(((await answer.json()) as { uri: string }).uri);
    using other = await Peer.open(two.ws + pathname + search);
    assert.equal(other.webSocket.readyState, 1);
    for (const relay of [one, two]) {
      await assert.rejects(Peer.open(relay.ws + pathname + search), { message: 'HTTP 401' });
    }
    const secret = new URL(await one.signInLink()).hash.slice(1);
    const signIn = (relay: { url: string }) =>
      fetch(`${relay.url}/api/v1/sign-in`, {
        method: 'POST',
        body: JSON.stringify({ secret }),
        headers: { 'Content-Type': 'application/json' },
      });
    const signedIn = await signIn(two);
    assert.equal(signedIn.status, 204);
    assert.equal((await signIn(one)).status, 401);
    const headers = { Cookie: (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
    // Each writes what it noted before it answers.
    await fetch(`${two.url}/api/v1/audit`, { headers });
    const audit = await fetch(`${one.url}/api/v1/audit`, { headers });
    const { entries } = (await audit.json()) as { entries: { node: string; what: string }[] };
    const runs = entries.filter(({ what }) => what === 'relay-run');
    assert.equal(new Set(runs.map(({ node }) => node)).size, 2, 'each has a chain of its own');
  });

  it('end what rests on a token that another one revoked', async () => {
    await using relays = await open();
    const { one, two, clock, database } = relays;
    const token = await one.createToken({ topic: '**', scope: ['read'], ttlMs: HOUR });
    using viewers = new DisposableStack();
    const peers: Peer[] = [];
    for (const relay of [one, two]) {
      peers.push(viewers.use(await Peer.open(`${relay.ws}/out/front`, bearer(token))));
      peers.push(viewers.use(await Peer.open(`${relay.ws}/ws`, bearer(token))));
    }
    const place = { data: one.data, database, clock, logger: silentLogger };
    const [record] = await listTokensIn(place);
    assert.ok(await revokeTokenIn({ ...place, id: record?.id ?? '' }));
    clock.advance(500);
    for (const peer of peers) assert.equal((await peer.closed).code, 4401);
  });

  it('let nobody new in while the database is away, and keep who is there', async () => {
    const own = await startPostgres();
    const errors: string[] = [];
    const logger = {
      ...silentLogger,
      error: (text: string) => void errors.push(text),
      child: () => silentLogger,
    };
    const clock = new FakeClock();
    await using relay = await openRelay({ database: own.createDatabase(), clock, logger, open: ['lab'] });
    const token = await relay.createToken({ topic: '**', scope: ['read', 'write'], ttlMs: HOUR });
    using viewer = await Peer.open(`${relay.ws}/out/front`, bearer(token));
    using publisher = await Peer.open(`${relay.ws}/in/front`, bearer(token));
    await own.close();
    await assert.rejects(Peer.open(`${relay.ws}/out/front`, bearer(token)), { message: 'HTTP 503' });
    const answer = await fetch(`${relay.url}/session/front`, { method: 'POST', ...bearer(token) });
    assert.deepEqual(
      [answer.status, await answer.json()],
      [503, { code: 503, message: "the relay's database does not answer; try again later" }],
    );
    using open = await Peer.open(`${relay.ws}/out/lab`);
    assert.equal(open.webSocket.readyState, 1);
    clock.advance(1_000);
    publisher.send('still here');
    assert.deepEqual(await viewer.hears(1), ['still here']);
    assert.ok(errors.includes('who connects could not be looked up'));
    assert.ok(errors.includes('a request could not be answered'));
  });
});

describe('a token that many viewers rest on', () => {
  it('ends a thousand of them with the next look at what was revoked', async () => {
    const clock = new FakeClock();
    await using relay = await openRelay({ clock });
    const token = await relay.createToken({ topic: 'front', scope: ['read'], ttlMs: HOUR });
    const viewers: Peer[] = [];
    for (let i = 0; i < 20; i++) {
      const some = Array.from({ length: 50 }, () => Peer.open(`${relay.ws}/out/front`, bearer(token)));
      viewers.push(...(await Promise.all(some)));
    }
    const place = { data: relay.data, clock, logger: silentLogger };
    const [record] = await listTokensIn(place);
    await revokeTokenIn({ ...place, id: record?.id ?? '' });
    clock.advance(500);
    const closed = await Promise.all(viewers.map((viewer) => viewer.closed));
    assert.deepEqual(new Set(closed.map(({ code }) => code)), new Set([4401]));
  });
});
