import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openRelay } from '../../../../test/support/relay.ts';

const webRoot = mkdtempSync(join(tmpdir(), 'perch-web-'));
for (const name of ['index.html', 'player.js', 'player-mpeg1.js', 'app.js'])
  writeFileSync(join(webRoot, name), name);
after(() => rmSync(webRoot, { recursive: true }));

const headersOf = async (url: string, path: string) => (await fetch(url + path)).headers;
/** A policy as its directives. */
const policyOf = (headers: Headers) =>
  new Map(
    (headers.get('content-security-policy') ?? '').split('; ').map((line) => {
      const [name = '', ...values] = line.split(' ');
      return [name, values] as const;
    }),
  );

describe('a page of the relay', () => {
  it('runs its own scripts and styles only, asks nobody else, and is in nobody’s frame', async () => {
    await using relay = await openRelay({ webRoot });
    for (const path of ['/', '/index.html', '/app.js', '/stats']) {
      const policy = policyOf(await headersOf(relay.url, path));
      assert.deepEqual(policy.get('default-src'), ["'none'"], path);
      assert.deepEqual(policy.get('frame-ancestors'), ["'none'"], path);
      assert.deepEqual(policy.get('connect-src'), ["'self'", relay.ws], path);
      assert.deepEqual([policy.get('base-uri'), policy.get('form-action')], [["'none'"], ["'none'"]], path);
      for (const [directive, sources] of policy) {
        assert.ok(
          !sources.some((source) => /^(\*|https?:|wss?:|'unsafe-(inline|eval)')$/.test(source)),
          `${path} ${directive}`,
        );
      }
    }
  });

  it('lets its own inline styles be, by their hash alone', async () => {
    await using relay = await openRelay();
    const sources = policyOf(await headersOf(relay.url, '/stats')).get('style-src') ?? [];
    assert.equal(sources.length, 2);
    assert.match(sources[1] ?? '', /^'sha256-[\w+/]{43}='$/);
  });

  it('has of the browser’s powers what the app uses', async () => {
    await using relay = await openRelay({ webRoot });
    const policy = (await headersOf(relay.url, '/')).get('permissions-policy') ?? '';
    for (const name of ['publickey-credentials-get', 'autoplay', 'fullscreen'])
      assert.match(policy, new RegExp(`\\b${name}=\\(self\\)`));
    for (const name of ['camera', 'microphone', 'geolocation', 'usb', 'payment', 'display-capture']) {
      assert.match(policy, new RegExp(`(^|, )${name}=\\(\\)`));
    }
    assert.ok(!/=\*/.test(policy));
  });

  it('is apart from pages of other sites', async () => {
    await using relay = await openRelay({ webRoot });
    const headers = await headersOf(relay.url, '/');
    assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin');
    assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin');
    assert.equal(headers.get('access-control-allow-origin'), null);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
    assert.equal((await headersOf(relay.url, '/app.js')).get('access-control-allow-origin'), null);
  });

  it('names no host that the request made up', async () => {
    await using relay = await openRelay({ webRoot, trustProxy: ['127.0.0.1'] });
    for (const host of ["evil'; script-src *", 'a b', 'a;b', '']) {
      const answer = await fetch(relay.url, { headers: { 'X-Forwarded-Host': host } });
      assert.deepEqual(policyOf(answer.headers).get('connect-src'), ["'self'", relay.ws], host);
    }
  });
});

describe('/embed', () => {
  it('may be framed by the origins that were configured, and by nobody else', async () => {
    const embedOrigin = ['https://lab.example', 'http://localhost:8000'];
    await using relay = await openRelay({ embedOrigin });
    const policy = policyOf(await headersOf(relay.url, '/embed/front'));
    assert.deepEqual(policy.get('frame-ancestors'), ["'self'", ...embedOrigin]);
    await using closed = await openRelay();
    assert.deepEqual(policyOf(await headersOf(closed.url, '/embed/front')).get('frame-ancestors'), [
      "'self'",
    ]);
  });

  it('names a topic, whatever tricks the path plays', async () => {
    await using relay = await openRelay();
    assert.match(await (await fetch(`${relay.url}/embed/a%2Fb?code=x`)).text(), /data-topic="a\/b"/);
    for (const path of [
      '',
      '%00',
      'a%00',
      '..%2f',
      'a%2f..%2fb',
      '%2e%2e',
      '"><script>',
      '%22%3E',
      '%',
      '%c0%ae',
      'ä',
      'a//b',
    ]) {
      const { status } = await fetch(`${relay.url}/embed/${path}`);
      assert.equal(status, /%(?![0-7])/.test(path) ? 400 : 404, path);
    }
  });
});

it('what is no page is neither run nor framed by a browser', async () => {
  await using relay = await openRelay();
  for (const path of ['/api/v1/me', '/api/v1/streams', '/nothing', '/healthz', '/session/x']) {
    const headers = await headersOf(relay.url, path);
    assert.equal(headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'", path);
    assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin', path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
  }
});

it('the player is loaded by pages of any origin, isolated ones too', async () => {
  await using relay = await openRelay({ webRoot });
  for (const path of ['/player.js', '/player-mpeg1.js']) {
    const headers = await headersOf(relay.url, path);
    assert.equal(headers.get('access-control-allow-origin'), '*');
    assert.equal(headers.get('cross-origin-resource-policy'), 'cross-origin');
  }
});

it('a wrong origin to be embedded on is named at the start', async () => {
  for (const origin of [
    '*',
    'lab.example',
    'https://lab.example/',
    'https://a;b',
    'null',
    'https://*.example',
  ]) {
    await assert.rejects(openRelay({ embedOrigin: [origin] }), /embedOrigin: /, origin);
  }
});
