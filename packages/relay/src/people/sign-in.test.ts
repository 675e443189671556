import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '@perch/testkit';
import { type Asked, Authenticator } from '../../../../test/support/authenticator.ts';
import { Browser } from '../../../../test/support/browser.ts';
import { openRelay } from '../../../../test/support/relay.ts';

type Options = Parameters<typeof openRelay>[0];

async function opened(options: Options = {}) {
  // The usual cost is for `passwords.test.ts`: here it would only make the test slow.
  const relay = await openRelay({ passwordCost: 10, ...options });
  // Passkeys need a name; as people see it the relay is on localhost.
  const site = { url: relay.url.replace('127.0.0.1', 'localhost') };
  const owner = await Browser.signedIn(site, await relay.signInLink());
  return { relay, site, owner, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

const auditOf = async (browser: Browser, what: string) => {
  const { body } = await browser.get('/api/v1/audit');
  const { entries } = body as {
    entries: { what: string; outcome: string; detail?: string; times: number }[];
  };
  return entries.filter((entry) => entry.what === what).toReversed();
};

describe('a password', () => {
  const password = 'a long enough one';

  it('signs in whoever set it, by a name in any case', async () => {
    await using place = await opened();
    const { owner, site } = place;
    assert.equal((await owner.put('/api/v1/me/password', { password: 'short' })).status, 400);
    assert.equal((await owner.put('/api/v1/me/password', { password: 'x'.repeat(257) })).status, 400);
    assert.equal((await owner.put('/api/v1/me/password', { password })).status, 204);
    assert.equal(((await owner.get('/api/v1/me')).body as { hasPassword: boolean }).hasPassword, true);
    for (const name of ['Owner', 'OWNER', 'owner@home']) {
      const browser = new Browser(site);
      assert.equal((await browser.post('/api/v1/sign-in/password', { name, password })).status, 204, name);
      assert.equal((await browser.get('/api/v1/me')).status, 200);
    }
  });

  it('that is wrong is refused as one of nobody is', async () => {
    await using place = await opened();
    const { owner, site } = place;
    await owner.put('/api/v1/me/password', { password });
    const attempt = async (name: string, guess: string) => {
      const { status, body, headers } = await new Browser(site).post('/api/v1/sign-in/password', {
        name,
        password: guess,
      });
      return { status, body, cookie: headers.get('set-cookie') };
    };
    const wrong = await attempt('Owner', 'a wrong password');
    assert.equal(wrong.status, 401);
    assert.equal(wrong.cookie, null);
    assert.deepEqual(await attempt('Nobody', password), wrong);
    assert.deepEqual(await attempt('Owner@elsewhere', password), wrong);
    assert.deepEqual(await attempt('\u0000', password), wrong);
    const lines = await auditOf(owner, 'sign-in');
    assert.ok(
      lines.some(({ outcome, detail }) => outcome === 'refused' && detail === 'a wrong name or password'),
    );
  });

  it('is changed by who knows it, and signs out other browsers', async () => {
    await using place = await opened();
    const { owner, site } = place;
    await owner.put('/api/v1/me/password', { password });
    const other = new Browser(site);
    await other.post('/api/v1/sign-in/password', { name: 'Owner', password });
    using viewer = await other.open('/out/front');
    const next = 'another long one';
    assert.equal((await owner.put('/api/v1/me/password', { password: next })).status, 401);
    assert.equal((await owner.put('/api/v1/me/password', { password: next, current: 'guess' })).status, 401);
    assert.equal((await owner.put('/api/v1/me/password', { password: next, current: password })).status, 204);
    assert.equal((await viewer.closed).code, 4401);
    assert.equal((await other.get('/api/v1/me')).status, 401);
    assert.equal((await owner.get('/api/v1/me')).status, 200);
    assert.equal((await other.post('/api/v1/sign-in/password', { name: 'Owner', password })).status, 401);
    assert.equal(
      (await other.post('/api/v1/sign-in/password', { name: 'Owner', password: next })).status,
      204,
    );
    assert.deepEqual(
      (await auditOf(owner, 'password-set')).map(({ outcome, detail }) => `${outcome}: ${detail}`),
      [
        'done: the first',
        'refused: the password so far was another',
        'done: changed; 1 other browsers signed out',
      ],
    );
  });
});

describe('a passkey', () => {
  async function withPasskey(options: Options = {}) {
    const place = await opened({ limits: { signInBurst: 1_000 }, ...options });
    const { owner, site } = place;
    const authenticator = new Authenticator();
    const made = await make(owner, authenticator, 'my phone');
    assert.equal(made.status, 201);
    return { ...place, site, authenticator };
  }

  async function make(browser: Browser, authenticator: Authenticator, name: string) {
    const { body } = await browser.post('/api/v1/me/passkeys/options');
    const response = authenticator.create(body as Asked, browser.url);
    return browser.post('/api/v1/me/passkeys', { name, response });
  }

  const ask = async (browser: Browser) =>
    (await browser.post('/api/v1/sign-in/passkey/options')).body as Asked & { rpId: string };
  const show = async (browser: Browser, response: object) =>
    (await browser.post('/api/v1/sign-in/passkey', { response })).status;

  it('signs in without a name, on the site that it was made on', async () => {
    await using place = await withPasskey();
    const { site, authenticator, owner } = place;
    const browser = new Browser(site);
    const asked = await ask(browser);
    assert.equal(asked.rpId, 'localhost');
    assert.equal(await show(browser, authenticator.get(asked, site.url)), 204);
    const { body } = await browser.get('/api/v1/me');
    const { passkeys } = body as { passkeys: { name: string; lastUsed: string | null }[] };
    assert.deepEqual(
      passkeys.map(({ name, lastUsed }) => [name, lastUsed !== null]),
      [['my phone', true]],
    );
    const [, line] = await auditOf(owner, 'sign-in');
    assert.match(line?.detail ?? '', /^by passkey my phone; session [0-9a-f]+; browser of the test$/);
  });

  it('answers a challenge once, within 5 minutes, in the browser that asked', async () => {
    const clock = new FakeClock();
    await using place = await withPasskey({ clock });
    const { site, authenticator } = place;
    const browser = new Browser(site);
    const first = await ask(browser);
    const cookie = browser.headers;
    const response = authenticator.get(first, site.url);
    assert.equal(await show(new Browser(site), response), 401, 'another browser has not asked');
    assert.equal(await show(browser, response), 204);
    const again = await new Browser(site).ask('POST', '/api/v1/sign-in/passkey', { response }, cookie);
    assert.equal(again.status, 401, 'replayed');
    const late = await ask(browser);
    clock.advance(5 * 60_000);
    assert.equal(await show(browser, authenticator.get(late, site.url)), 401);
  });

  it('that another site asked for, that did not look at the person, or of nobody, signs nobody in', async () => {
    await using place = await withPasskey();
    const { site, authenticator } = place;
    const browser = new Browser(site);
    const attempt = async (response: (asked: Asked) => object) => show(browser, response(await ask(browser)));
    assert.equal(await attempt((asked) => authenticator.get(asked, 'https://evil.example')), 401);
    assert.equal(await attempt((asked) => authenticator.get(asked, 'http://localhost:1')), 401);
    assert.equal(await attempt(() => authenticator.get({ challenge: 'Z3Vlc3M' }, site.url)), 401);
    assert.equal(await attempt((asked) => new Authenticator().get(asked, site.url)), 401);
    assert.equal(await attempt((asked) => authenticator.get(asked, site.url, 'somebody')), 401);
    authenticator.isVerified = false;
    assert.equal(await attempt((asked) => authenticator.get(asked, site.url)), 401);
    authenticator.isVerified = true;
    for (const damaged of [
      {},
      { id: 5 },
      { id: authenticator.id.toString('base64url') },
      { id: 'x', response: 1 },
    ]) {
      assert.equal(await attempt(() => damaged), 401, JSON.stringify(damaged));
    }
    assert.equal(await attempt((asked) => authenticator.get(asked, site.url)), 204);
    authenticator.counter = 0;
    assert.equal(
      await attempt((asked) => authenticator.get(asked, site.url)),
      401,
      'a copy that counts behind',
    );
  });

  it('is made by who is signed in, for himself, once', async () => {
    await using place = await withPasskey();
    const { owner, relay, site, authenticator } = place;
    assert.equal((await make(owner, authenticator, 'the same')).status, 400);
    const { body } = await owner.post('/api/v1/users', { name: 'Ben', role: 'guest' });
    const ben = await Browser.signedIn(site, (body as { link: string }).link);
    const asked = (await owner.post('/api/v1/me/passkeys/options')).body as Asked;
    const response = new Authenticator().create(asked, site.url);
    const stolen = await ben.ask(
      'POST',
      '/api/v1/me/passkeys',
      { name: 'x', response },
      { Cookie: `${ben.headers.Cookie}; ${/perch_passkey=[^;]+/.exec(owner.headers.Cookie ?? '')?.[0]}` },
    );
    assert.equal(stolen.status, 400, 'a challenge of somebody else');
    assert.equal((await ben.post('/api/v1/me/passkeys', { name: 'x', response })).status, 400);
    assert.equal((await new Browser(relay).post('/api/v1/me/passkeys/options')).status, 401);
  });

  it('that is removed signs nobody in', async () => {
    await using place = await withPasskey();
    const { owner, site, authenticator } = place;
    const id = authenticator.id.toString('base64url');
    const { body } = await owner.post('/api/v1/users', { name: 'Ben', role: 'owner' });
    const ben = await Browser.signedIn(site, (body as { link: string }).link);
    assert.equal((await ben.delete(`/api/v1/me/passkeys/${id}`)).status, 404, 'it is not his');
    assert.equal((await owner.delete(`/api/v1/me/passkeys/${id}`)).status, 204);
    assert.equal((await owner.delete(`/api/v1/me/passkeys/${id}`)).status, 404);
    const browser = new Browser(site);
    assert.equal(await show(browser, authenticator.get(await ask(browser), site.url)), 401);
  });
});
