import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '@perch/testkit';
import { Browser } from '../../../../test/support/browser.ts';
import { openRelay, Peer } from '../../../../test/support/relay.ts';
import { TestDevice } from '../devices/testing/test-device.ts';

interface Made {
  readonly id: string;
  readonly link: string;
  readonly for: string;
}

const HOUR_S = 3_600;
const forTopic = { for: 'Grandma', topic: 'front', permissions: ['view', 'listen'], ttl: HOUR_S };

/** A relay with somebody who publishes on `front`, and its owner's browser. */
async function opened(options: Parameters<typeof openRelay>[0] = {}) {
  const relay = await openRelay(options);
  const owner = await Browser.signedIn(relay, await relay.signInLink());
  const token = await relay.createToken({ topic: '**', scope: ['write'], ttlMs: 3_600_000 });
  const publisher = await Peer.open(`${relay.ws}/in/front`, { headers: { Authorization: token } });
  return {
    relay,
    owner,
    publisher,
    async invite(by: Browser, wanted: object): Promise<Made> {
      const { status, body } = await by.post('/api/v1/invites', wanted);
      assert.equal(status, 201, JSON.stringify(body));
      return body as Made;
    },
    /** Takes in somebody of this role, with a browser. */
    async join(name: string, role: string) {
      const { body } = await owner.post('/api/v1/users', { name, role });
      const person = body as { id: string; link: string };
      return { id: person.id, browser: await Browser.signedIn(relay, person.link) };
    },
    /** A browser that has opened an invite. */
    async guest({ link }: Made) {
      const browser = new Browser(relay);
      return { browser, answer: await open(browser, link) };
    },
    async [Symbol.asyncDispose]() {
      publisher[Symbol.dispose]();
      await relay[Symbol.asyncDispose]();
    },
  };
}

const secretOf = (link: string) => {
  assert.match(new URL(link).hash, /^#\/invite\/[\w-]{43}$/);
  return new URL(link).hash.slice('#/invite/'.length);
};
const open = (browser: Browser, link: string) =>
  browser.post('/api/v1/invites/open', { secret: secretOf(link) });
const audited = async (owner: Browser, what: string) => {
  const { body } = await owner.get('/api/v1/audit?limit=1000');
  return (
    body as { entries: { what: string; who: object; outcome: string; detail: string }[] }
  ).entries.filter((entry) => entry.what === what);
};

describe('an invite', () => {
  it('lets somebody without an account see one topic, by name, and nothing else', async () => {
    await using place = await opened();
    const { relay, owner, publisher } = place;
    const made = await place.invite(owner, forTopic);
    assert.ok(made.link.startsWith(`${relay.url}/#/invite/`));
    const { browser, answer } = await place.guest(made);
    assert.deepEqual(
      [answer.status, answer.body],
      [200, { for: 'Grandma', topic: 'front', permissions: ['view', 'listen'] }],
    );
    assert.match(answer.headers.get('set-cookie') ?? '', /HttpOnly; SameSite=Lax/);
    const me = (await browser.get('/api/v1/me')).body as { role: string; invite: object };
    assert.equal(me.role, 'guest');
    assert.deepEqual((me.invite as { for: string }).for, 'Grandma');

    using viewer = await browser.open('/out/front');
    publisher.send('hello');
    assert.deepEqual(await viewer.hears(1), ['hello']);
    for (const path of ['/out/back', '/in/front', '/bi/front', '/out/front/door', '/ws']) {
      await assert.rejects(browser.open(path), /HTTP 401/, path);
    }
    for (const path of ['/api/v1/users', '/api/v1/invites', '/api/v1/audit', '/api/v1/tokens']) {
      assert.ok([401, 403].includes((await browser.get(path)).status), path);
    }
    assert.deepEqual((await browser.get('/api/v1/devices')).body, []);
    const [line] = (await audited(owner, 'view')).filter(({ outcome }) => outcome === 'begun');
    assert.deepEqual(line?.who, { kind: 'invite', id: made.id, name: 'Grandma' });
    assert.equal((await audited(owner, 'invite-make')).length, 1);
    assert.equal((await audited(owner, 'invite-open')).length, 1);
  });

  it('shows its link once: the list has everything but', async () => {
    await using place = await opened();
    const made = await place.invite(place.owner, { ...forTopic, once: true });
    const { body } = await place.owner.get('/api/v1/invites');
    const [listed] = body as Record<string, unknown>[];
    assert.ok(!JSON.stringify(body).includes(secretOf(made.link)));
    assert.deepEqual(
      [
        listed?.id,
        listed?.for,
        listed?.topic,
        listed?.once,
        listed?.openings,
        listed?.lastUsed,
        listed?.madeBy,
      ],
      [made.id, 'Grandma', 'front', true, 0, null, 'Owner'],
    );
  });

  it('for one use opens once; the browser that opened it goes on', async () => {
    await using place = await opened();
    const made = await place.invite(place.owner, { ...forTopic, once: true });
    const { browser } = await place.guest(made);
    assert.equal((await place.guest(made)).answer.status, 401);
    using viewer = await browser.open('/out/front');
    await viewer.settled();
    // Two at the same moment are still one.
    const again = await place.invite(place.owner, { ...forTopic, once: true });
    const both = await Promise.all([place.guest(again), place.guest(again)]);
    assert.deepEqual(both.map(({ answer }) => answer.status).sort(), [200, 401]);
    assert.deepEqual(
      (await audited(place.owner, 'invite-open')).filter(({ outcome }) => outcome === 'refused').length,
      1,
    );
  });

  it('ends at its time, with what was opened by it', async () => {
    const clock = new FakeClock();
    // It is not the silence of an hour that ends it.
    await using place = await opened({ clock, limits: { readDeadline: 1e9, pingPeriod: 1e9 } });
    const made = await place.invite(place.owner, forTopic);
    const { browser } = await place.guest(made);
    using viewer = await browser.open('/out/front');
    clock.advance(HOUR_S * 1_000);
    assert.equal((await viewer.closed).code, 4401);
    assert.equal((await browser.get('/api/v1/me')).status, 401);
    assert.equal((await place.guest(made)).answer.status, 401);
    assert.deepEqual((await place.owner.get('/api/v1/invites')).body, []);
  });

  it('is ended by hand, with what was opened by it, and its code that is not used yet', async () => {
    await using place = await opened();
    const { relay, owner } = place;
    const made = await place.invite(owner, forTopic);
    const { browser } = await place.guest(made);
    using viewer = await browser.open('/out/front');
    const { uri } = (await browser.post('/session/front')).body as { uri: string };
    assert.equal((await owner.delete(`/api/v1/invites/${made.id}`)).status, 204);
    assert.equal((await viewer.closed).code, 4401);
    await assert.rejects(Peer.open(uri), /HTTP 401/);
    await assert.rejects(browser.open('/out/front'), /HTTP 401/);
    assert.equal((await place.guest(made)).answer.status, 401);
    assert.equal((await owner.delete(`/api/v1/invites/${made.id}`)).status, 404);
    assert.equal((await audited(owner, 'invite-end')).length, 1);
    assert.ok(relay);
  });

  it('gives no more than its maker has, at any time', async () => {
    await using place = await opened();
    const { owner, publisher } = place;
    const ben = await place.join('Ben', 'member');
    const made = await place.invite(ben.browser, forTopic);
    const { browser } = await place.guest(made);
    using viewer = await browser.open('/out/front');
    publisher.send('whole');
    await viewer.hears(1);
    const change = (permissions: string[]) =>
      owner.patch(`/api/v1/users/${ben.id}`, { permissions: { '*': permissions } });
    assert.equal((await change(['view'])).status, 200);
    assert.equal((await viewer.closed).code, 4401, 'it was opened with sound');
    using silent = await browser.open('/out/front');
    assert.deepEqual(
      ((await browser.get('/api/v1/me')).body as { invite: { permissions: string[] } }).invite.permissions,
      ['view'],
    );
    const { status, body } = await ben.browser.post('/api/v1/invites', forTopic);
    assert.deepEqual(
      [status, (body as { message: string }).message],
      [403, 'you cannot give what you do not have: listen'],
    );
    await change([]);
    assert.equal((await silent.closed).code, 4401);
    assert.equal((await browser.get('/api/v1/me')).status, 401);
    assert.equal((await place.guest(made)).answer.status, 401);
    await change(['view']);
    assert.equal((await browser.get('/api/v1/me')).status, 200, 'given again');
  });

  it('ends when its maker is removed, or becomes a guest', async () => {
    await using place = await opened();
    const { owner } = place;
    for (const end of [
      (id: string) => owner.patch(`/api/v1/users/${id}`, { role: 'guest' }),
      (id: string) => owner.delete(`/api/v1/users/${id}`),
    ]) {
      const ben = await place.join('Ben', 'member');
      const made = await place.invite(ben.browser, forTopic);
      const { browser } = await place.guest(made);
      using viewer = await browser.open('/out/front');
      assert.ok((await end(ben.id)).status < 300);
      assert.equal((await viewer.closed).code, 4401);
      assert.equal((await place.guest(made)).answer.status, 401);
      assert.equal((await browser.get('/api/v1/me')).status, 401);
      await owner.patch(`/api/v1/users/${ben.id}`, { name: 'Ben before' });
    }
  });

  it('is made by members, who see and end their own; owners see and end all', async () => {
    await using place = await opened();
    const { owner } = place;
    const [ada, ben, guest] = [
      await place.join('Ada', 'member'),
      await place.join('Ben', 'member'),
      await place.join('Cleo', 'guest'),
    ];
    const hers = await place.invite(ada.browser, forTopic);
    const his = await place.invite(ben.browser, forTopic);
    const ids = async (browser: Browser) =>
      ((await browser.get('/api/v1/invites')).body as Made[]).map(({ id }) => id);
    assert.deepEqual(await ids(ada.browser), [hers.id]);
    assert.deepEqual((await ids(owner)).sort(), [hers.id, his.id].sort());
    assert.equal((await ada.browser.delete(`/api/v1/invites/${his.id}`)).status, 404);
    assert.equal((await owner.delete(`/api/v1/invites/${his.id}`)).status, 204);
    assert.equal((await ada.browser.delete(`/api/v1/invites/${hers.id}`)).status, 204);
    assert.equal((await guest.browser.get('/api/v1/invites')).status, 403);
    assert.equal((await guest.browser.post('/api/v1/invites', forTopic)).status, 403);
    const { browser } = await place.guest(await place.invite(owner, forTopic));
    assert.equal((await browser.post('/api/v1/invites', forTopic)).status, 403, 'nobody invites further');
  });

  it('to a device is to all of its topics, for what it says, and ends with the device', async () => {
    await using place = await opened();
    const { relay, owner } = place;
    const device = await TestDevice.enrol(relay.url, await relay.createEnrolmentCode('kitchen'));
    const wanted = { for: 'Ann', device: device.id, permissions: ['view'], call: true, ttl: HOUR_S };
    const made = await place.invite(owner, wanted);
    const { browser, answer } = await place.guest(made);
    assert.deepEqual(answer.body, { for: 'Ann', device: device.id, permissions: ['view', 'call'] });
    using viewer = await browser.open(`/out/${device.id}/video0`);
    await viewer.settled();
    await assert.rejects(browser.open('/out/front'), /HTTP 401/);
    assert.equal((await owner.delete(`/api/v1/devices/${device.id}`)).status, 204);
    assert.equal((await viewer.closed).code, 4401);
    await assert.rejects(browser.open(`/out/${device.id}/video0`), /HTTP 401/);
    assert.equal((await owner.post('/api/v1/invites', wanted)).status, 404);
  });

  it('is refused in words where it makes no sense', async () => {
    await using place = await opened();
    const { relay, owner } = place;
    const device = await TestDevice.enrol(relay.url, await relay.createEnrolmentCode('kitchen'));
    const cases: readonly (readonly [object, number, RegExp])[] = [
      [{ ...forTopic, topic: undefined }, 400, /either a topic or a device/],
      [{ ...forTopic, device: device.id }, 400, /either a topic or a device/],
      [{ ...forTopic, permissions: [] }, 400, /one or more of view, listen/],
      [{ ...forTopic, permissions: ['fly'] }, 400, /permissions/],
      [{ ...forTopic, permissions: ['view', 'talk'] }, 400, /talk: for a device, not for a topic/],
      [{ ...forTopic, call: true }, 400, /a call is with a device/],
      [{ ...forTopic, for: ' ' }, 400, /a name has 1 to 64 characters/],
      [{ ...forTopic, for: 'a\u0000b' }, 400, /a name has 1 to 64 characters/],
      [{ ...forTopic, ttl: 59 }, 400, /ttl/],
      [{ ...forTopic, ttl: 100 * 86_400 }, 400, /ttl/],
      [{ ...forTopic, ttl: '1h' }, 400, /ttl/],
      ...['../front', '', 'a//b', '/a', 'a/', 'a\u0000', 'a%2fb', 'ä', 'x'.repeat(257)].map(
        (topic) => [{ ...forTopic, topic }, 400, /topic/] as const,
      ),
      ...['nobody-0000', '../front', '', 'a\u0000', `${device.id}/video0`].map(
        (id) => [{ ...forTopic, topic: undefined, device: id }, 404, /there is no such device/] as const,
      ),
    ];
    for (const [wanted, status, words] of cases) {
      const answer = await owner.post('/api/v1/invites', wanted);
      assert.equal(answer.status, status, JSON.stringify(wanted));
      assert.match((answer.body as { message: string }).message, words);
    }
    assert.deepEqual((await owner.get('/api/v1/invites')).body, []);
  });

  it('is not made or opened by a page of another site', async () => {
    await using place = await opened();
    const { owner } = place;
    const made = await place.invite(owner, forTopic);
    const foreign = { Origin: 'https://evil.example' };
    assert.equal((await owner.ask('POST', '/api/v1/invites', forTopic, foreign)).status, 403);
    assert.equal((await owner.ask('DELETE', `/api/v1/invites/${made.id}`, undefined, foreign)).status, 403);
    const secret = { secret: secretOf(made.link) };
    const { status, headers } = await new Browser(place.relay).ask(
      'POST',
      '/api/v1/invites/open',
      secret,
      foreign,
    );
    assert.deepEqual([status, headers.get('set-cookie')], [403, null]);
  });

  it('cannot be guessed: wrong ones are refused, noted, and soon not looked at', async () => {
    const clock = new FakeClock();
    await using place = await opened({ clock, limits: { inviteBurst: 5, invitePeriod: 60_000 } });
    const made = await place.invite(place.owner, forTopic);
    const browser = new Browser(place.relay);
    const statuses: number[] = [];
    for (const secret of ['x', made.id, `${secretOf(made.link)}x`, '\u0000', '%', 'y', 'z']) {
      statuses.push((await browser.post('/api/v1/invites/open', { secret })).status);
    }
    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429]);
    const last = await open(browser, made.link);
    assert.equal(last.status, 429, 'not even the right one, for a while');
    assert.equal(last.headers.get('retry-after'), '60');
    const [refused] = await audited(place.owner, 'invite-open');
    assert.deepEqual(
      [refused?.outcome, refused?.detail],
      ['refused', 'the secret of no invite that is good'],
    );
    const [limited] = await audited(place.owner, 'limit');
    assert.match(limited?.detail ?? '', /too many attempts to open an invite/);
    for (const secret of ['', 'x'.repeat(257), 7, null, undefined]) {
      assert.ok([400, 429].includes((await browser.post('/api/v1/invites/open', { secret })).status));
    }
  });

  it('that is opened very often pushes out only its own browsers', async () => {
    await using place = await opened({ limits: { inviteBurst: 1_000 } });
    const made = await place.invite(place.owner, forTopic);
    const first = await place.guest(made);
    for (let i = 0; i < 200; i++) await place.guest(made);
    assert.equal((await first.browser.get('/api/v1/me')).status, 401);
    assert.equal((await place.owner.get('/api/v1/me')).status, 200);
  });
});
