import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser } from '../../../../test/support/browser.ts';
import { openRelay, Peer } from '../../../../test/support/relay.ts';

interface Person {
  readonly id: string;
  readonly name: string;
  readonly link: string;
}

const HOUR = 3_600_000;

/** A relay, with its owner's browser. */
async function opened() {
  const relay = await openRelay();
  const owner = await Browser.signedIn(relay, await relay.signInLink());
  return {
    relay,
    owner,
    /** Takes somebody in, who signs in. */
    async join(name: string, role: string) {
      const { status, body } = await owner.post('/api/v1/users', { name, role });
      assert.equal(status, 201);
      const person = body as Person;
      return { person, browser: await Browser.signedIn(relay, person.link) };
    },
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  };
}

const names = (body: unknown) =>
  (body as { name: string; role: string }[]).map(({ name, role }) => [name, role]);

describe('people', () => {
  it('begin with one owner, who names himself', async () => {
    await using place = await opened();
    const { owner } = place;
    const { status, body, headers } = await owner.get('/api/v1/me');
    assert.deepEqual([status, headers.get('cache-control')], [200, 'no-store']);
    assert.deepEqual(body, {
      id: 'owner',
      name: 'Owner',
      role: 'owner',
      signInName: 'Owner',
      household: { id: 'home', name: 'home' },
      hasPassword: false,
      passkeys: [],
      permissions: { '*': ['view', 'listen', 'talk', 'command', 'call', 'captures'] },
    });
    assert.equal((await owner.patch('/api/v1/me', { name: ' Ada \n Lovelace ' })).status, 204);
    assert.equal(((await owner.get('/api/v1/me')).body as Person).name, 'Ada Lovelace');
    for (const name of ['', ' ', 'a@b', 'x'.repeat(65), 'a\u0000b']) {
      assert.equal((await owner.patch('/api/v1/me', { name })).status, 400, JSON.stringify(name));
    }
    assert.equal((await new Browser(place.relay).get('/api/v1/me')).status, 401);
  });

  it('are taken in by owners, with a link that works once', async () => {
    await using place = await opened();
    const { relay, owner } = place;
    const made = await owner.post('/api/v1/users', { name: 'Ben', role: 'member' });
    assert.deepEqual([made.status, made.headers.get('cache-control')], [201, 'no-store']);
    const { id, link } = made.body as Person;
    assert.ok(link.startsWith(`${relay.url}/#`), link);
    const ben = await Browser.signedIn(relay, link);
    await assert.rejects(Browser.signedIn(relay, link), /401/);
    assert.deepEqual(names((await ben.get('/api/v1/users')).body), [
      ['Owner', 'owner'],
      ['Ben', 'member'],
    ]);
    assert.equal((await ben.post('/api/v1/users', { name: 'Eve', role: 'owner' })).status, 403);
    assert.equal((await owner.post('/api/v1/users', { name: 'BEN', role: 'guest' })).status, 409);
    assert.equal((await owner.post('/api/v1/users', { name: 'Eve', role: 'king' })).status, 400);
    const again = await owner.post(`/api/v1/users/${id}/link`);
    assert.equal(again.status, 201);
    await Browser.signedIn(relay, (again.body as Person).link);
    assert.equal((await owner.post('/api/v1/users/nobody/link')).status, 404);
    assert.equal((await ben.post(`/api/v1/users/${id}/link`)).status, 403);
  });

  it('of a household always have an owner', async () => {
    await using place = await opened();
    const { owner } = place;
    assert.equal((await owner.delete('/api/v1/users/owner')).status, 409);
    assert.equal((await owner.patch('/api/v1/users/owner', { role: 'member' })).status, 409);
    const { browser } = await place.join('Ben', 'owner');
    assert.equal((await owner.delete('/api/v1/users/owner')).status, 204);
    assert.equal((await owner.get('/api/v1/me')).status, 401);
    assert.deepEqual(names((await browser.get('/api/v1/users')).body), [['Ben', 'owner']]);
    const link = await place.relay.signInLink();
    const next = await Browser.signedIn(place.relay, link);
    assert.equal(
      ((await next.get('/api/v1/me')).body as Person).name,
      'Ben',
      'the machine’s own link is his now',
    );
  });

  it('see of sessions their own, an owner those of the household', async () => {
    await using place = await opened();
    const { owner, relay } = place;
    const { browser: ben } = await place.join('Ben', 'member');
    const list = async (browser: Browser) =>
      (await browser.get('/api/v1/sessions')).body as { id: string; user: string; current: boolean }[];
    assert.equal((await list(owner)).length, 2);
    const own = await list(ben);
    assert.deepEqual(
      own.map(({ current }) => current),
      [true],
    );
    const [ownersOwn] = await list(owner);
    assert.equal((await ben.delete(`/api/v1/sessions/${ownersOwn?.id}`)).status, 404);
    assert.equal((await owner.delete(`/api/v1/sessions/${own[0]?.id}`)).status, 204);
    assert.equal((await ben.get('/api/v1/me')).status, 401);
    assert.equal((await owner.post('/api/v1/sign-out')).status, 204);
    assert.deepEqual(Object.keys(owner.headers), ['Origin'], 'its cookie is taken back');
    assert.equal((await new Browser(relay).post('/api/v1/sign-out')).status, 401);
  });

  it('are found by their own ids only, however one is written', async () => {
    await using place = await opened();
    const { owner } = place;
    const strange = [
      '..%2Fowner',
      'owner%00',
      'owner%2F',
      '%2e%2e',
      "owner'--",
      'OWNER',
      'x'.repeat(64),
      '__proto__',
    ];
    for (const id of strange) {
      assert.equal((await owner.delete(`/api/v1/users/${id}`)).status, 404, id);
      assert.equal((await owner.delete(`/api/v1/sessions/${id}`)).status, 404, id);
      assert.equal((await owner.delete(`/api/v1/me/passkeys/${id}`)).status, 404, id);
    }
    assert.equal((await owner.delete(`/api/v1/users/${'x'.repeat(65)}`)).status, 400);
    for (const body of [{ password: 'x'.repeat(2_000_000) }, { name: 'x'.repeat(2_000_000) }]) {
      assert.equal((await owner.put('/api/v1/me/password', body)).status, 413);
    }
    assert.equal((await owner.get('/api/v1/me')).status, 200);
  });

  it('are named in the audit for what they do', async () => {
    await using place = await opened();
    const { owner } = place;
    const { person, browser } = await place.join('Ben', 'guest');
    await owner.patch(`/api/v1/users/${person.id}`, {
      role: 'member',
      permissions: { front: ['view'], '*': [] },
    });
    await browser.patch('/api/v1/me', { name: 'Benjamin' });
    await owner.delete(`/api/v1/users/${person.id}`);
    const { body } = await owner.get('/api/v1/audit');
    const lines = (body as { entries: { who: { name?: string }; what: string; detail?: string }[] }).entries;
    assert.deepEqual(
      lines
        .filter(({ what }) => what.startsWith('user-'))
        .map(({ who, what, detail }) => `${who.name} ${what} ${detail}`)
        .toReversed(),
      [
        'Owner user-make Ben, guest; with a sign-in link',
        'Owner user-change Ben: guest becomes member; front: view; *: nothing',
        'Ben user-change Ben is Benjamin now',
        'Owner user-remove Benjamin',
      ],
    );
  });
});

describe('who is refused', () => {
  it('is in the audit by name, but for who only asks whether he is signed in', async () => {
    await using place = await opened();
    const { owner, relay } = place;
    const { browser } = await place.join('Gus', 'guest');
    await new Browser(relay).get('/api/v1/me');
    await browser.get('/api/v1/users');
    await browser.get('/api/v1/audit');
    await new Browser(relay).get('/api/v1/users');
    const { body } = await owner.get('/api/v1/audit');
    const { entries } = body as {
      entries: { who: { kind: string; name?: string }; outcome: string; detail: string }[];
    };
    assert.deepEqual(
      entries
        .filter(({ outcome }) => outcome === 'refused')
        .map(({ who, detail }) => `${who.name ?? who.kind}: ${detail}`)
        .toReversed(),
      [
        'Gus: GET /api/v1/users: only a member of the household may do this',
        'unknown: GET /api/v1/users: a sign-in is needed',
      ],
      'what follows soon is counted',
    );
  });
});

describe('permissions', () => {
  const publish = async (relay: Awaited<ReturnType<typeof openRelay>>, topic: string) => {
    const token = await relay.createToken({ topic: '**', scope: ['write'], ttlMs: HOUR });
    return Peer.open(`${relay.ws}/in/${topic}`, { headers: { Authorization: `Bearer ${token}` } });
  };
  const refused = { message: 'HTTP 401' };

  it('of a guest are what was given; of a member all that was not taken away', async () => {
    await using place = await opened();
    const { relay, owner } = place;
    using _publisher = await publish(relay, 'front');
    const { person: guest, browser: guestBrowser } = await place.join('Gus', 'guest');
    const { person: member, browser: memberBrowser } = await place.join('Mia', 'member');
    await assert.rejects(guestBrowser.open('/out/front'), refused);
    assert.deepEqual((await guestBrowser.get('/api/v1/streams')).body, []);
    assert.equal((await guestBrowser.post('/session/front')).status, 401);
    using _seen = await memberBrowser.open('/out/front');
    await owner.patch(`/api/v1/users/${guest.id}`, { permissions: { '*': ['view', 'listen'] } });
    using _alsoSeen = await guestBrowser.open('/out/front');
    assert.equal(((await guestBrowser.get('/api/v1/streams')).body as unknown[]).length, 1);
    await owner.patch(`/api/v1/users/${member.id}`, { permissions: { '*': ['talk'] } });
    await assert.rejects(memberBrowser.open('/out/front'), refused);
    assert.equal(
      (await owner.patch(`/api/v1/users/${member.id}`, { permissions: { '*': ['fly'] } })).status,
      400,
    );
    assert.equal(
      (await owner.patch(`/api/v1/users/${member.id}`, { permissions: { 'a/b': [] } })).status,
      400,
    );
  });

  it('end what rests on them at once when they are taken, and nothing else', async () => {
    await using place = await opened();
    const { owner } = place;
    const { person, browser } = await place.join('Mia', 'member');
    const change = (permissions: object) => owner.patch(`/api/v1/users/${person.id}`, { permissions });
    using viewer = await browser.open('/out/front');
    using ownersOwn = await owner.open('/out/front');
    await change({ '*': ['view', 'listen'] });
    await change({ elsewhere: [] });
    await viewer.settled();
    assert.equal(viewer.webSocket.readyState, 1, 'what was taken is not what it rests on');
    await change({ '*': ['view'] });
    assert.equal((await viewer.closed).code, 4401);
    using partial = await browser.open('/out/front');
    await change({ '*': ['view', 'listen'] });
    await partial.settled();
    using whole = await browser.open('/out/front');
    await change({ '*': ['view'] });
    assert.equal((await whole.closed).code, 4401, 'given and taken again');
    await partial.settled();
    assert.equal(partial.webSocket.readyState, 1);
    assert.equal(ownersOwn.webSocket.readyState, 1);
  });

  it('end with the role, and with the person, with tokens that he made', async () => {
    await using place = await opened();
    const { owner, relay } = place;
    const { person, browser } = await place.join('Mia', 'owner');
    using asOwner = await browser.open('/out/front');
    await owner.patch(`/api/v1/users/${person.id}`, { role: 'member' });
    assert.equal((await asOwner.closed).code, 4401);
    assert.equal((await browser.get('/api/v1/tokens')).status, 403);
    await owner.patch(`/api/v1/users/${person.id}`, { role: 'owner' });
    const { body } = await browser.post('/api/v1/tokens', { topic: '**', scope: ['read'], ttl: 60 });
    const bearer = { headers: { Authorization: `Bearer ${(body as { token: string }).token}` } };
    using byToken = await Peer.open(`${relay.ws}/out/front`, bearer);
    using viewer = await browser.open('/out/front');
    const { body: uri } = await browser.post('/session/front');
    await owner.delete(`/api/v1/users/${person.id}`);
    assert.equal((await viewer.closed).code, 4401);
    assert.equal((await byToken.closed).code, 4401);
    await assert.rejects(Peer.open((uri as { uri: string }).uri), refused, 'a pending code ends too');
    await assert.rejects(browser.open('/out/front'), refused);
  });

  it('are looked at with the same origin only where something is opened or changed', async () => {
    await using place = await opened();
    const { owner } = place;
    const foreign = { Origin: 'https://evil.example' };
    for (const [method, path] of [
      ['PATCH', '/api/v1/me'],
      ['PUT', '/api/v1/me/password'],
      ['POST', '/api/v1/me/passkeys/options'],
      ['POST', '/api/v1/users'],
      ['DELETE', '/api/v1/users/owner'],
      ['POST', '/api/v1/sign-out'],
      ['POST', '/api/v1/sign-in/password'],
      ['POST', '/api/v1/sign-in/passkey'],
    ] as const) {
      assert.equal((await owner.ask(method, path, {}, foreign)).status, 403, `${method} ${path}`);
    }
  });
});
