import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLogger, systemClock } from '@perch/runtime';
import { Browser } from '../../../../test/support/browser.ts';
import { openRelay, Peer } from '../../../../test/support/relay.ts';
import { createHouseholdIn } from '../index.ts';

/** A relay with two households, and the browser of each owner. */
async function opened() {
  const relay = await openRelay({ passwordCost: 10 });
  const made = await createHouseholdIn({
    data: relay.data,
    name: 'lab',
    clock: systemClock,
    logger: silentLogger,
  });
  assert.ok(made);
  return {
    relay,
    home: await Browser.signedIn(relay, await relay.signInLink()),
    lab: await Browser.signedIn(relay, `${relay.url}/#${made.secret}`),
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  };
}

const idsOf = (body: unknown) => (body as { id: string }[]).map(({ id }) => id);

describe('two households on one relay', () => {
  it('have people of their own, also of the same name', async () => {
    await using place = await opened();
    const { home, lab, relay } = place;
    const self = async (browser: Browser) =>
      (await browser.get('/api/v1/me')).body as { id: string; signInName: string };
    const [one, other] = [await self(home), await self(lab)];
    assert.deepEqual([one.signInName, other.signInName], ['Owner', 'Owner@lab']);
    assert.deepEqual(idsOf((await lab.get('/api/v1/users')).body), [other.id]);
    assert.equal((await lab.post('/api/v1/users', { name: 'Ben', role: 'member' })).status, 201);
    assert.equal((await home.post('/api/v1/users', { name: 'Ben', role: 'member' })).status, 201);
    await home.put('/api/v1/me/password', { password: 'the password of home' });
    await lab.put('/api/v1/me/password', { password: 'the password of lab' });
    const signIn = async (name: string, password: string) => {
      const browser = new Browser(relay);
      const { status } = await browser.post('/api/v1/sign-in/password', { name, password });
      return status === 204 ? (await self(browser)).id : status;
    };
    assert.equal(await signIn('owner', 'the password of home'), one.id);
    assert.equal(await signIn('owner@LAB', 'the password of lab'), other.id);
    assert.equal(await signIn('owner', 'the password of lab'), 401);
    assert.equal(await signIn('owner@lab', 'the password of home'), 401);
  });

  it('see nothing of each other, as if it were not there', async () => {
    await using place = await opened();
    const { home, lab, relay } = place;
    const { body: made } = await home.post('/api/v1/tokens', {
      topic: '**',
      scope: ['read', 'write'],
      ttl: 60,
    });
    const { id: token, token: secret } = made as { id: string; token: string };
    using publisher = await Peer.open(`${relay.ws}/in/front`, { headers: { Authorization: secret } });
    publisher.send('hello');
    await publisher.settled();
    const { body: labs } = await lab.post('/api/v1/tokens', {
      topic: '**',
      scope: ['read', 'write', 'audit'],
      ttl: 60,
    });
    const { token: labSecret } = labs as { token: string };
    const refused = { message: 'HTTP 401' };
    for (const path of ['/out/front', '/in/front', '/bi/front']) {
      await assert.rejects(lab.open(path), refused, path);
      await assert.rejects(
        Peer.open(relay.ws + path, { headers: { Authorization: labSecret } }),
        refused,
        path,
      );
    }
    assert.equal((await lab.post('/session/front')).status, 401);
    assert.deepEqual((await lab.get('/api/v1/streams')).body, []);
    assert.deepEqual((await lab.get('/api/v1/stats')).body, []);
    assert.equal(((await home.get('/api/v1/stats')).body as unknown[]).length, 1);
    using statistics = await lab.open('/ws');
    statistics.send('-');
    await statistics.settled();
    assert.deepEqual(statistics.heard, []);

    const [session] = idsOf((await home.get('/api/v1/sessions')).body);
    const [user] = idsOf((await home.get('/api/v1/users')).body);
    assert.deepEqual(idsOf((await lab.get('/api/v1/tokens')).body).length, 1);
    for (const [method, path] of [
      ['DELETE', `/api/v1/sessions/${session}`],
      ['DELETE', `/api/v1/tokens/${token}`],
      ['DELETE', `/api/v1/users/${user}`],
      ['PATCH', `/api/v1/users/${user}`],
      ['POST', `/api/v1/users/${user}/link`],
    ] as const) {
      const nobody = path.replace(/(sessions|tokens|users)\/[^/]+/, '$1/nobody');
      const answers = [await lab.ask(method, path, {}), await lab.ask(method, nobody, {})];
      assert.equal(answers[0]?.status, 404, path);
      assert.deepEqual(answers[0]?.body, answers[1]?.body, path);
    }
    assert.equal((await home.get('/api/v1/me')).status, 200);
  });

  it('read lines of the audit of their own only', async () => {
    await using place = await opened();
    const { home, lab, relay } = place;
    using _seen = await home.open('/out/front');
    await assert.rejects(lab.open('/out/front'));
    const { body: made } = await lab.post('/api/v1/tokens', { topic: 'x', scope: ['audit'], ttl: 60 });
    const { token } = made as { token: string };
    const lines = async (headers: Record<string, string>) => {
      const answer = await fetch(`${relay.url}/api/v1/audit`, { headers });
      const { entries } = (await answer.json()) as { entries: { what: string; outcome: string }[] };
      return entries.map(({ what, outcome }) => `${what} ${outcome}`).toReversed();
    };
    const own = ['household-make done', 'sign-in done', 'token-make done'];
    assert.deepEqual(await lines(lab.headers), own);
    assert.deepEqual(await lines({ Authorization: `Bearer ${token}` }), own);
    assert.deepEqual(await lines(home.headers), [
      'relay-run begun',
      'sign-in done',
      'view begun',
      'view refused',
    ]);
  });
});
