import assert from 'node:assert/strict';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silentLogger, systemClock } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { openRelay, Peer } from '../../../../test/support/relay.ts';
import { createTokenIn, listTokensIn, revokeTokenIn } from '../index.ts';

const HOUR = 3_600_000;
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
const post = (url: string, headers: Record<string, string> = {}) => fetch(url, { method: 'POST', headers });
const uriOf = async (answer: Response) => ((await answer.json()) as { uri: string }).uri;

describe('access to topics', () => {
  it('is closed where nothing opens it', async () => {
    await using relay = await openRelay();
    for (const path of ['/in/x', '/out/x', '/bi/x', '/session/x', '/session/x?code=no', '/ws']) {
      await assert.rejects(Peer.open(relay.ws + path), { message: 'HTTP 401' }, path);
    }
  });

  it('is open to anyone on topics that --open covers, and closed on all others', async () => {
    await using relay = await openRelay({ open: ['lab/*', 'bi/lab'] });
    using viewer = await Peer.open(`${relay.ws}/out/lab/video0`);
    using publisher = await Peer.open(`${relay.ws}/in/lab/video0`);
    using both = await Peer.open(`${relay.ws}/bi/lab`);
    publisher.send('hello');
    assert.deepEqual(await viewer.hears(1), ['hello']);
    assert.deepEqual(both.heard, []);
    for (const path of ['/out/lab', '/out/lab/a/b', '/bi/other', '/ws']) {
      await assert.rejects(Peer.open(relay.ws + path), { message: 'HTTP 401' }, path);
    }
  });

  it('is what the token says: topic and scope', async () => {
    await using relay = await openRelay();
    const reads = await relay.createToken({ topic: 'front/**', scope: ['read'], ttlMs: HOUR });
    const writes = await relay.createToken({ topic: 'front/video0', scope: ['write'], ttlMs: HOUR });
    using viewer = await Peer.open(`${relay.ws}/out/front/video0`, bearer(reads));
    using publisher = await Peer.open(`${relay.ws}/in/front/video0`, bearer(writes));
    using second = await Peer.open(`${relay.ws}/in/front/video0`, { headers: { Authorization: writes } });
    publisher.send('hello');
    assert.deepEqual(await viewer.hears(1), ['hello']);
    await second.settled();
    assert.deepEqual(second.heard, [], 'to hear other publishers one needs read');
    await assert.rejects(Peer.open(`${relay.ws}/in/front/video0`, bearer(reads)), { message: 'HTTP 401' });
    await assert.rejects(Peer.open(`${relay.ws}/out/front/video0`, bearer(writes)), { message: 'HTTP 401' });
    await assert.rejects(Peer.open(`${relay.ws}/out/back`, bearer(reads)), { message: 'HTTP 401' });
    await assert.rejects(Peer.open(`${relay.ws}/out/front/video0`, bearer(`${reads}x`)), {
      message: 'HTTP 401',
    });
  });

  it('ends with the token: one that expires or is removed closes what rests on it', async () => {
    const clock = new FakeClock();
    await using relay = await openRelay({ clock });
    const short = await relay.createToken({ topic: 'x', scope: ['read'], ttlMs: 5_000 });
    const long = await relay.createToken({ topic: 'x', scope: ['read'], ttlMs: HOUR });
    using expiring = await Peer.open(`${relay.ws}/out/x`, bearer(short));
    using revoked = await Peer.open(`${relay.ws}/out/x`, bearer(long));
    const { uri } = (await (await post(`${relay.url}/session/x`, { Authorization: long })).json()) as {
      uri: string;
    };
    clock.advance(6_000);
    assert.equal((await expiring.closed).code, 4401);
    await assert.rejects(Peer.open(`${relay.ws}/out/x`, bearer(short)), { message: 'HTTP 401' });

    const [kept] = await listTokensIn({ ...relay, clock, logger: silentLogger });
    assert.ok(kept);
    await revokeTokenIn({ ...relay, id: kept.id, clock, logger: silentLogger });
    clock.advance(500);
    assert.equal((await revoked.closed).code, 4401);
    await assert.rejects(Peer.open(uri), { message: 'HTTP 401' }, 'nor does its unused code live on');
  });

  it('sees a token that another process makes while the relay runs', async () => {
    await using relay = await openRelay();
    const token = await createTokenIn({
      data: relay.data,
      topic: 'x',
      scope: ['read'],
      ttlMs: HOUR,
      clock: systemClock,
      logger: silentLogger,
    });
    using viewer = await Peer.open(`${relay.ws}/out/x`, bearer(token));
    assert.equal(viewer.webSocket.readyState, 1);
  });

  it('keeps hashes, never secrets, in files for their owner only', async () => {
    await using relay = await openRelay({ appSecret: 'a chosen secret' });
    const token = await relay.createToken({ topic: '*', scope: ['read', 'write'], ttlMs: HOUR });
    const files = readdirSync(relay.data).filter((name) => name.startsWith('perch.db'));
    assert.ok(files.length > 0);
    for (const name of files) {
      const path = join(relay.data, name);
      const text = readFileSync(path, 'latin1');
      assert.ok(!text.includes(token) && !text.includes('a chosen secret'), name);
      assert.equal(statSync(path).mode & 0o077, 0, name);
    }
  });

  it('leaves files that the relay’s own user can read, whoever makes a token', async (t) => {
    const data = mkdtempSync(join(tmpdir(), 'perch-owner-'));
    t.after(() => rmSync(data, { recursive: true, force: true }));
    // Root makes a token for a relay that runs as somebody else; anybody else can only be himself.
    if (process.getuid?.() === 0) chownSync(data, 65_534, 65_534);
    const place = { data, clock: systemClock, logger: silentLogger };
    await createTokenIn({ ...place, topic: 'x', scope: ['read'], ttlMs: HOUR });
    const { uid } = statSync(data);
    for (const name of readdirSync(data)) assert.equal(statSync(join(data, name)).uid, uid, name);
    assert.deepEqual(readdirSync(data).sort(), ['node', 'perch.db']);
  });

  it('remembers when a token was last used, to the minute', async () => {
    const clock = new FakeClock();
    await using relay = await openRelay({ clock });
    const token = await relay.createToken({ topic: 'x', scope: ['read'], ttlMs: HOUR });
    const lastUsed = async () =>
      (await listTokensIn({ ...relay, clock, logger: silentLogger })).map((record) => record.lastUsed);
    assert.deepEqual(await lastUsed(), [undefined]);
    const use = async () => {
      using viewer = await Peer.open(`${relay.ws}/out/x`, bearer(token));
      assert.equal(viewer.webSocket.readyState, 1);
    };
    const first = clock.wall();
    await use();
    assert.deepEqual(await lastUsed(), [first]);
    clock.advance(59_000);
    await use();
    assert.deepEqual(await lastUsed(), [first]);
    clock.advance(1_000);
    await use();
    assert.deepEqual(await lastUsed(), [first + 60_000]);
  });

  it('refuses a token without topic, scope or life', async () => {
    await using relay = await openRelay();
    await assert.rejects(relay.createToken({ topic: '', scope: ['read'], ttlMs: 1 }), {
      name: 'TypeError',
      message: /^topic/,
    });
    await assert.rejects(relay.createToken({ topic: 'x', scope: [], ttlMs: 1 }), {
      name: 'TypeError',
      message: /^scope/,
    });
    await assert.rejects(relay.createToken({ topic: 'x', scope: ['read'], ttlMs: 0 }), {
      name: 'TypeError',
      message: /^ttlMs/,
    });
  });
});

describe('POST /session/<topic>', () => {
  it('gives an address that works once', async () => {
    await using relay = await openRelay();
    const token = await relay.createToken({ topic: 'a/*', scope: ['read', 'write'], ttlMs: HOUR });
    for (const authorization of [token, `Bearer ${token}`]) {
      const answer = await post(`${relay.url}/session/a%2Fb`, { Authorization: authorization });
      assert.equal(answer.status, 200);
      const uri = await uriOf(answer);
      assert.match(
        uri,
        /^ws:\/\/127\.0\.0\.1:\d+\/session\/a\/b\?code=[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/,
      );
      using peer = await Peer.open(uri);
      assert.equal(peer.webSocket.readyState, 1);
      await assert.rejects(Peer.open(uri), { message: 'HTTP 401' });
    }
  });

  it('carries the scopes over: who may only read is not heard, who may only write does not hear', async () => {
    await using relay = await openRelay();
    const session = async (scope: ('read' | 'write')[]) => {
      const token = await relay.createToken({ topic: 'x', scope, ttlMs: HOUR });
      return Peer.open(await uriOf(await post(`${relay.url}/session/x`, { Authorization: token })));
    };
    using reads = await session(['read']);
    using writes = await session(['write']);
    using both = await session(['read', 'write']);
    reads.send('not heard');
    await reads.settled();
    writes.send('1');
    assert.deepEqual(await reads.hears(1), ['1']);
    both.send('2');
    assert.deepEqual(await reads.hears(2), ['1', '2']);
    assert.deepEqual(await both.hears(1), ['1']);
    await writes.settled();
    assert.deepEqual(writes.heard, []);
    assert.equal(reads.webSocket.readyState, 1, 'it stays connected');
  });

  it('gives codes for 30 s, for their own topic only', async () => {
    const clock = new FakeClock();
    await using relay = await openRelay({ open: ['**'], clock });
    const fresh = () => post(`${relay.url}/session/x`).then(uriOf);
    const inTime = await fresh();
    clock.advance(29_999);
    using peer = await Peer.open(inTime);
    assert.equal(peer.webSocket.readyState, 1);
    const late = await fresh();
    clock.advance(30_000);
    await assert.rejects(Peer.open(late), { message: 'HTTP 401' });
    const other = await fresh();
    await assert.rejects(Peer.open(other.replace('/session/x', '/session/y')), { message: 'HTTP 401' });
    await assert.rejects(
      Peer.open(other),
      { message: 'HTTP 401' },
      'a code that was tried elsewhere is spent',
    );
  });

  it('answers 401 in JSON without a good token, 404 for no topic name, 400 for no host name', async () => {
    await using relay = await openRelay();
    const token = await relay.createToken({ topic: 'x', scope: ['read'], ttlMs: HOUR });
    const unknown = await post(`${relay.url}/session/x`);
    assert.deepEqual(
      [unknown.status, await unknown.json()],
      [401, { code: 401, message: 'unauthenticated for invalid credentials' }],
    );
    assert.equal((await post(`${relay.url}/session/y`, { Authorization: token })).status, 401);
    assert.equal((await post(`${relay.url}/session/x`, { Authorization: 'Bearer nonsense' })).status, 401);
    assert.equal((await post(`${relay.url}/session/..%2Fx`, { Authorization: token })).status, 404);
    const plain = await fetch(`${relay.url}/session/x`);
    assert.deepEqual([plain.status, await plain.text()], [400, 'Bad Request\n']);
  });

  it('takes an empty body and JSON, nothing else', async () => {
    await using relay = await openRelay({ open: ['**'] });
    const send = (type: string, body: string) =>
      fetch(`${relay.url}/session/x`, { method: 'POST', body, headers: { 'Content-Type': type } }).then(
        (a) => a.status,
      );
    assert.equal(await send('application/json', '{}'), 200);
    assert.equal(await send('application/json', ''), 200);
    assert.equal(await send('application/json', '{'), 400);
    assert.equal(await send('text/plain', 'x'), 415);
    assert.equal(await send('application/json', `"${'x'.repeat(1024 * 1024)}"`), 413);
  });

  it('may be asked by a page of another site, which brings its own token', async () => {
    await using relay = await openRelay({ open: ['**'] });
    const options = await fetch(`${relay.url}/session/x`, { method: 'OPTIONS' });
    assert.equal(options.status, 204);
    assert.equal(options.headers.get('access-control-allow-origin'), '*');
    assert.match(options.headers.get('access-control-allow-headers') ?? '', /Authorization/);
    const answer = await post(`${relay.url}/session/x`, { Origin: 'https://elsewhere.example' });
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    using peer = await Peer.open(await uriOf(answer), { headers: { Origin: 'https://elsewhere.example' } });
    assert.equal(peer.webSocket.readyState, 1);
  });

  it('names the address as the caller reached us, also behind a trusted proxy that ends TLS', async () => {
    const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'relay.example' };
    await using behindProxy = await openRelay({ open: ['**'], trustProxy: ['127.0.0.1'] });
    assert.match(
      await uriOf(await post(`${behindProxy.url}/session/x`, forwarded)),
      /^wss:\/\/relay\.example\/session\/x\?/,
    );
    await using relay = await openRelay({ open: ['**'] });
    assert.match(await uriOf(await post(`${relay.url}/session/x`, forwarded)), /^ws:\/\/127\.0\.0\.1:/);
  });
});

describe('the app', () => {
  const signIn = (url: string, secret: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/api/v1/sign-in`, {
      method: 'POST',
      body: JSON.stringify({ secret }),
      headers: { 'Content-Type': 'application/json', ...headers },
    });
  const secretOf = (link: string) => new URL(link).hash.slice(1);
  const cookieOf = (answer: Response) => (answer.headers.get('set-cookie') ?? '').split(';')[0] as string;

  it('is opened by a link that works once', async () => {
    await using relay = await openRelay();
    const link = await relay.signInLink();
    assert.match(link, /^http:\/\/localhost:\d+\/#[\w-]{43}$/);
    const answer = await signIn(relay.url, secretOf(link));
    assert.equal(answer.status, 204);
    assert.match(
      answer.headers.get('set-cookie') ?? '',
      /^perch_session=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/,
    );
    assert.equal((await signIn(relay.url, secretOf(link))).status, 401);
    assert.equal((await signIn(relay.url, 'guess')).status, 401);
    assert.equal((await fetch(`${relay.url}/api/v1/sign-in`, { method: 'POST' })).status, 400);
  });

  it('opens with the secret that the caller chose, and no longer than 15 minutes', async () => {
    const clock = new FakeClock();
    await using relay = await openRelay({ clock, appSecret: 'chosen' });
    assert.equal(secretOf(await relay.signInLink()), 'chosen');
    assert.equal((await signIn(relay.url, 'chosen')).status, 204);
    const next = secretOf(await relay.signInLink());
    assert.notEqual(next, 'chosen');
    await using again = await openRelay({ clock, appSecret: next, data: relay.data });
    assert.equal(secretOf(await again.signInLink()), next, 'chosen again before it was used');
    clock.advance(15 * 60_000);
    assert.equal((await signIn(relay.url, next)).status, 401);
  });

  it('lets its own page see everything, and no other site', async () => {
    await using relay = await openRelay();
    const cookie = cookieOf(await signIn(relay.url, secretOf(await relay.signInLink())));
    const own = { Cookie: cookie, Origin: relay.url };
    const foreign = { Cookie: cookie, Origin: 'http://evil.example' };
    const token = await relay.createToken({ topic: '**', scope: ['write'], ttlMs: HOUR });
    using publisher = await Peer.open(`${relay.ws}/in/front`, bearer(token));
    using viewer = await Peer.open(await uriOf(await post(`${relay.url}/session/front`, own)));
    publisher.send('hello');
    assert.deepEqual(await viewer.hears(1), ['hello']);
    using direct = await Peer.open(`${relay.ws}/out/front`, { headers: own });
    using stats = await Peer.open(`${relay.ws}/ws`, { headers: own });
    assert.equal(direct.webSocket.readyState + stats.webSocket.readyState, 2);

    assert.equal((await post(`${relay.url}/session/front`, foreign)).status, 401);
    assert.equal((await post(`${relay.url}/session/front`, { Cookie: cookie })).status, 401);
    for (const path of ['/out/front', '/ws']) {
      await assert.rejects(Peer.open(relay.ws + path, { headers: foreign }), { message: 'HTTP 401' });
    }
    await assert.rejects(
      Peer.open(`${relay.ws}/in/front`, { headers: own }),
      { message: 'HTTP 401' },
      'it only watches',
    );
    const link = await relay.signInLink();
    assert.equal((await signIn(relay.url, secretOf(link), { Origin: 'http://evil.example' })).status, 403);
  });

  it('lists what is live to the app, to a token and, of open topics, to anyone', async () => {
    await using relay = await openRelay({ open: ['lab'] });
    const list = async (headers: Record<string, string>) => {
      const answer = await fetch(`${relay.url}/api/v1/streams`, { headers });
      return answer.status === 200
        ? ((await answer.json()) as { topic: string }[]).map(({ topic }) => topic)
        : answer.status;
    };
    const writes = await relay.createToken({ topic: '**', scope: ['write'], ttlMs: HOUR });
    const reads = await relay.createToken({ topic: 'a', scope: ['read'], ttlMs: HOUR });
    using _a = await Peer.open(`${relay.ws}/in/a`, bearer(writes));
    using _b = await Peer.open(`${relay.ws}/in/b`, bearer(writes));
    using _lab = await Peer.open(`${relay.ws}/in/lab`);
    const cookie = cookieOf(await signIn(relay.url, secretOf(await relay.signInLink())));
    assert.deepEqual(await list({ Cookie: cookie }), ['a', 'b', 'lab']);
    assert.deepEqual(await list({ Authorization: `Bearer ${reads}` }), ['a', 'lab']);
    assert.deepEqual(await list({}), ['lab']);
    assert.equal(await list({ Authorization: 'Bearer no' }), 401);
    const stats = (headers: Record<string, string>) =>
      fetch(`${relay.url}/api/v1/stats`, { headers }).then((a) => a.status);
    assert.deepEqual([await stats({}), await stats({ Cookie: cookie })], [401, 200]);
  });

  it('stays signed in over a restart of the relay, and its unused links stay good', async (t) => {
    const data = mkdtempSync(join(tmpdir(), 'perch-restart-'));
    t.after(() => rmSync(data, { recursive: true, force: true }));
    const relay = await openRelay({ data });
    const cookie = cookieOf(await signIn(relay.url, secretOf(await relay.signInLink())));
    const unused = secretOf(await relay.signInLink());
    await relay.close();
    await using again = await openRelay({ data });
    assert.equal((await signIn(again.url, unused)).status, 204);
    assert.equal((await fetch(`${again.url}/api/v1/streams`, { headers: { Cookie: cookie } })).status, 200);
    assert.equal(
      (await fetch(`${again.url}/api/v1/streams`, { headers: { Cookie: `${cookie}x` } })).status,
      401,
    );
  });
});
