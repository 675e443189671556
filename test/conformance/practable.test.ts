import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { describe, it } from 'node:test';
import { millis } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import type { RelayOptions } from '../../packages/relay/src/index.ts';
import { makeJwt } from '../../packages/relay/src/legacy/testing/make-jwt.ts';
import { openRelay, Peer } from '../support/relay.ts';

/** Rows R1 to R32 of COMPAT.md 7: practable relay's access API and its WebSockets (COMPAT 3). */
const secret = 'somesecret';
const audience = 'https://app.example/access';
const NOW = Date.UTC(2026, 0, 1) / 1000;
const JSON_TYPE = 'application/json';

type Options = Omit<RelayOptions, 'listen' | 'practable'>;
type Practable = NonNullable<RelayOptions['practable']>;

/** A relay with practable relay's settings, on a clock that stands still at NOW. */
async function open({ practable, ...options }: Partial<Options> & { practable?: Partial<Practable> } = {}) {
  const clock = new FakeClock();
  // Where WebSockets arrive is known only once it listens; a proxy's address is, before.
  const url = 'wss://app.example/relay';
  const relay = await openRelay({ clock, ...options, practable: { secret, audience, url, ...practable } });
  const dial = (uri: string) => Peer.open(uri.replace(url, relay.ws));
  return { relay, clock, url, dial, [Symbol.asyncDispose]: () => relay.close() };
}
type At = Awaited<ReturnType<typeof open>>;

const claims = {
  booking_id: 'b1',
  topic: 't1',
  prefix: 'session',
  scopes: ['read', 'write'],
  aud: [audience],
  iat: NOW - 1,
  nbf: NOW - 1,
  exp: NOW + 60,
};
const tokenWith = (other: object = {}) => makeJwt({ secret, claims: { ...claims, ...other } });
const admin = makeJwt({ secret, claims: { scopes: ['relay:admin'], aud: audience, exp: NOW + 60 } });
const watcher = makeJwt({ secret, claims: { scopes: ['relay:stats'], aud: audience, exp: NOW + 60 } });

/** Calls as the old clients do: the token raw, no body unless given. */
async function call(at: At, method: string, path: string, token?: string, init: RequestInit = {}) {
  const headers = { ...(token !== undefined && { Authorization: token }), ...init.headers };
  const answer = await fetch(at.relay.url + path, { method, ...init, headers });
  const body = await answer.text();
  return { status: answer.status, type: answer.headers.get('content-type'), body, headers: answer.headers };
}
const session = (at: At, token?: string, init?: RequestInit) => call(at, 'POST', '/session/t1', token, init);

/** The answer to the byte. */
async function answers(got: ReturnType<typeof call>, status: number, body: string | RegExp): Promise<void> {
  const { status: gotStatus, type, body: gotBody } = await got;
  assert.deepEqual([gotStatus, type], [status, JSON_TYPE], gotBody);
  if (typeof body === 'string') assert.equal(gotBody, body);
  else assert.match(gotBody, body);
}

/** A new address, as the Go client and the browser's page get one. */
async function uriFor(at: At, other: object = {}): Promise<string> {
  const token = tokenWith(other);
  const topic = 'topic' in other ? encodeURIComponent(String(other.topic)) : 't1';
  const { status, body } = await call(at, 'POST', `/session/${topic}`, token);
  assert.equal(status, 200, body);
  return (JSON.parse(body) as { uri: string }).uri;
}
const join = async (at: At, other: object = {}): Promise<Peer> => at.dial(await uriFor(at, other));
const refused = { message: 'HTTP 401' };

describe("practable relay's access API", () => {
  it('R1: POST /session with a good token gives an address with a code', async () => {
    await using at = await open();
    const uri =
      /^\{"uri":"wss:\/\/app\.example\/relay\/session\/t1\?code=[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"\}\n$/;
    await answers(session(at, tokenWith()), 200, uri);
    await answers(session(at, tokenWith({ aud: audience })), 200, uri);
    await answers(session(at, `Bearer ${tokenWith()}`), 200, uri);
    for (const alg of ['HS384', 'HS512'])
      await answers(session(at, makeJwt({ secret, alg, claims })), 200, uri);
    // As a browser's page posts.
    const headers = { 'Content-Type': 'application/json;charset=utf-8' };
    await answers(session(at, tokenWith(), { headers, body: '{}' }), 200, uri);
  });

  it('R2: without Authorization it is 401', async () => {
    await using at = await open();
    const words = '{"code":401,"message":"unauthenticated for invalid credentials"}';
    await answers(session(at), 401, words);
    for (const path of ['/bids/deny', '/bids/allow', '/status'])
      await answers(call(at, 'GET', path), 401, words);
    await answers(call(at, 'POST', '/bids/deny?bid=b1&exp=99999999999'), 401, words);
  });

  const invalid: readonly [what: string, token: string, words: RegExp][] = [
    ['none', 'rubbish', /^\{"code":401,"message":"token invalid: it is no JWT[^"]*"\}$/],
    ['expired', tokenWith({ exp: NOW }), /token invalid: it has expired at 2026-01-01T00:00:00Z/],
    ['early', tokenWith({ nbf: NOW + 10 }), /token invalid: it is not valid before 2026-01-01T00:00:10Z/],
    ["signed with another's secret", makeJwt({ secret: 'x', claims }), /is not signed with our secret/],
    ['not signed', makeJwt({ secret, alg: 'none', claims }), /only HS256, HS384 and HS512 are taken/],
    ['for a public key', makeJwt({ secret, alg: 'RS256', claims }), /only HS256, HS384 and HS512 are taken/],
    ['without end', tokenWith({ exp: undefined }), /has no exp/],
  ];
  for (const [what, token, words] of invalid) {
    it(`R3: a token that is ${what} is told so in words`, async () => {
      await using at = await open();
      await answers(session(at, token), 401, words);
      await answers(session(at, `Bearer ${token}`), 401, words);
      await answers(call(at, 'GET', '/status', token), 401, words);
    });
  }

  it('R4: a token for another host is refused, naming both', async () => {
    await using at = await open();
    const token = tokenWith({ aud: ['http://other', 'http://third'] });
    const words = `{"code":401,"message":"aud [http://other http://third] does not match this host ${audience}"}`;
    await answers(session(at, token), 401, words);
  });

  it('R5: a token for another topic is refused', async () => {
    await using at = await open();
    await answers(session(at, tokenWith({ topic: 't2' })), 401, '"Token Wrong Topic"\n');
  });

  for (const claim of ['topic', 'scopes', 'prefix', 'aud']) {
    it(`R6: a token without ${claim} is refused`, async () => {
      await using at = await open();
      const words = '"Token Missing Required Claims"\n';
      await answers(session(at, tokenWith({ [claim]: undefined })), 401, words);
      await answers(
        session(at, tokenWith({ [claim]: claim === 'scopes' || claim === 'aud' ? [] : '' })),
        401,
        words,
      );
    });
  }

  it('R7: a token without exp, iat or nbf gets an answer, where the older relay fell over', async () => {
    await using at = await open();
    await answers(session(at, tokenWith({ exp: undefined })), 401, /has no exp/);
    for (const claim of ['iat', 'nbf']) {
      await answers(session(at, tokenWith({ [claim]: undefined })), 401, '"Token Missing Required Claims"\n');
    }
  });

  it('R8: a token without booking is refused, unless that is allowed', async () => {
    await using strict = await open();
    const words = '{"code":"400","message":"empty bookingID field is not permitted"}\n';
    await answers(session(strict, tokenWith({ booking_id: undefined })), 400, words);
    await answers(session(strict, tokenWith({ booking_id: '' })), 400, words);
    await using lenient = await open({ practable: { allowNoBookingId: true } });
    using peer = await join(lenient, { booking_id: undefined });
    assert.equal(peer.webSocket.readyState, 1);
    await answers(call(lenient, 'GET', '/bids/allow', admin), 200, '{"booking_ids":[]}\n');
  });

  it('R9: a token of a cancelled booking is refused', async () => {
    await using at = await open();
    assert.equal((await call(at, 'POST', `/bids/deny?bid=b1&exp=${NOW + 30}`, admin)).status, 204);
    const words =
      '{"code":"400","message":"bookingID has been deny-listed, probably because the session was cancelled"}\n';
    await answers(session(at, tokenWith()), 400, words);
    assert.equal((await session(at, tokenWith({ booking_id: 'b2' }))).status, 200);
    at.clock.advance(30_000);
    assert.equal((await session(at, tokenWith())).status, 200, 'it was denied until then');
  });

  it('R10: a body that is no JSON is refused, after the token was looked at', async () => {
    await using at = await open();
    const post = (type: string | undefined, token = tokenWith()) =>
      session(at, token, {
        body: Buffer.from('x=1'),
        headers: type === undefined ? {} : { 'Content-Type': type },
      });
    const words = (type: string) =>
      `{"code":415,"message":"unsupported media type ${JSON.stringify(type).replaceAll('"', '\\"')}, only [application/json] are allowed"}`;
    await answers(post('text/plain'), 415, words('text/plain'));
    await answers(post(undefined), 415, words('application/octet-stream'));
    await answers(post('text/plain', 'rubbish'), 401, /token invalid/);
  });

  it('R11: a path of two segments is not known; an encoded slash is part of the topic', async () => {
    await using at = await open();
    const words = '{"code":404,"message":"path /session/a/b was not found"}';
    await answers(call(at, 'POST', '/session/a/b', tokenWith({ topic: 'a/b' })), 404, words);
    await answers(call(at, 'POST', '/session/a/b'), 404, words);
    const uri = await uriFor(at, { topic: 'a/b' });
    assert.match(uri, /\/session\/a\/b\?code=/);
    using peer = await at.dial(uri);
    assert.equal(peer.webSocket.readyState, 1);
  });

  it('R12: another verb is refused, naming the right one', async () => {
    await using at = await open();
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const got = call(at, method, '/session/t1', tokenWith());
      await answers(got, 405, `{"code":405,"message":"method ${method} is not allowed, but [POST] are"}`);
      assert.equal((await got).headers.get('allow'), 'POST');
    }
    const lists = await call(at, 'PUT', '/bids/deny', admin, {
      body: 'x',
      headers: { 'Content-Type': 'a/b' },
    });
    assert.deepEqual([lists.status, lists.headers.get('allow')], [405, 'GET, POST']);
    await answers(
      call(at, 'POST', '/status', watcher),
      405,
      '{"code":405,"message":"method POST is not allowed, but [GET] are"}',
    );
  });

  it('R13: an administrator cancels a booking', async () => {
    await using at = await open();
    const { status, body } = await call(at, 'POST', `/bids/deny?bid=b1&exp=${NOW + 60}`, admin);
    assert.deepEqual([status, body], [204, '']);
  });

  it('R14: nobody else may', async () => {
    await using at = await open();
    const words =
      '{"code":"401","message":"is token missing relay:admin scope? missing relay:admin Scope"}\n';
    await answers(call(at, 'POST', `/bids/deny?bid=b1&exp=${NOW + 60}`, tokenWith()), 401, words);
    await answers(call(at, 'POST', `/bids/deny?bid=b1&exp=${NOW + 60}`, watcher), 401, words);
    await answers(call(at, 'GET', '/bids/deny', admin), 200, '{"booking_ids":[]}\n');
  });

  it('R15: which booking, and until when, must be said', async () => {
    await using at = await open();
    for (const path of ['/bids/deny', '/bids/allow']) {
      const post = (query: string) => call(at, 'POST', `${path}${query}`, admin);
      await answers(post(''), 422, '{"code":602,"message":"bid in query is required"}');
      await answers(post(`?exp=${NOW + 60}`), 422, '{"code":602,"message":"bid in query is required"}');
      await answers(post('?bid=b1'), 422, '{"code":602,"message":"exp in query is required"}');
      for (const exp of ['soon', '1.5', '0x10', '1e9', '9'.repeat(400)]) {
        await answers(
          post(`?bid=b1&exp=${exp}`),
          422,
          /^\{"code":601,"message":"exp in query must be of type int64/,
        );
      }
      await answers(post(`?bid=${'b'.repeat(300)}&exp=${NOW + 60}`), 422, /"code":601/);
    }
  });

  it('R16: a booking that has ended needs no cancelling', async () => {
    await using at = await open();
    const words = '{"code":"400","message":"booking expiry time (exp) of [5] missing or in the past"}\n';
    await answers(call(at, 'POST', '/bids/deny?bid=b1&exp=5', admin), 400, words);
    const other = '{"code":"400","message":"exp (booking expiry time) missing or in the past"}\n';
    await answers(call(at, 'POST', '/bids/allow?bid=b1&exp=5', admin), 400, other);
  });

  it('R17: an administrator takes a cancellation back, nobody else may', async () => {
    await using at = await open();
    const path = `/bids/allow?bid=b1&exp=${NOW + 60}`;
    const words = '{"code":"401","message":"token missing relay:admin scope"}\n';
    await answers(call(at, 'POST', path, tokenWith()), 401, words);
    const { status, body } = await call(at, 'POST', path, admin);
    assert.deepEqual([status, body], [204, '']);
  });

  it('R18: an administrator sees both lists', async () => {
    await using at = await open();
    const list = (name: string) => call(at, 'GET', `/bids/${name}`, admin);
    await answers(list('deny'), 200, '{"booking_ids":[]}\n');
    await call(at, 'POST', `/bids/deny?bid=b1&exp=${NOW + 60}`, admin);
    await call(at, 'POST', `/bids/deny?bid=b2&exp=${NOW + 20}`, admin);
    await call(at, 'POST', `/bids/allow?bid=b3&exp=${NOW + 60}`, admin);
    await answers(list('deny'), 200, '{"booking_ids":["b1","b2"]}\n');
    await answers(list('allow'), 200, '{"booking_ids":["b3"]}\n');
    await call(at, 'POST', `/bids/allow?bid=b1&exp=${NOW + 60}`, admin);
    at.clock.advance(20_000);
    await answers(list('deny'), 200, '{"booking_ids":[]}\n');
    await answers(list('allow'), 200, '{"booking_ids":["b3","b1"]}\n');
    const words = '{"code":"401","message":"token missing relay:admin scope"}\n';
    for (const name of ['deny', 'allow'])
      await answers(call(at, 'GET', `/bids/${name}`, watcher), 401, words);
  });

  it('R19: the status needs its scope', async () => {
    await using at = await open();
    const words = '{"code":"401","message":"token missing relay:stats scope"}\n';
    await answers(call(at, 'GET', '/status', tokenWith()), 401, words);
    await answers(call(at, 'GET', '/status', admin), 401, words);
    assert.equal((await call(at, 'GET', '/status', watcher)).status, 200);
  });

  it('R20: the API describes itself, to programs and to people', async () => {
    await using at = await open();
    const spec = await call(at, 'GET', '/swagger.json');
    assert.deepEqual([spec.status, spec.type], [200, JSON_TYPE]);
    assert.deepEqual(Object.keys((JSON.parse(spec.body) as { paths: object }).paths), [
      '/session/{session_id}',
      '/bids/deny',
      '/bids/allow',
      '/status',
    ]);
    const page = await call(at, 'GET', '/docs');
    assert.equal(page.status, 200);
    assert.match(page.body, /POST \/session/);
  });

  it('R21: an administrator needs scopes, aud and exp, and no more', async () => {
    await using at = await open();
    const without = makeJwt({ secret, claims: { scopes: ['relay:admin', 'relay:stats'], exp: NOW + 60 } });
    await answers(
      call(at, 'GET', '/bids/deny', without),
      401,
      '{"code":"401","message":"token missing relay:admin scope"}\n',
    );
    await answers(
      call(at, 'GET', '/status', without),
      401,
      '{"code":"401","message":"token missing relay:stats scope"}\n',
    );
    assert.equal((await call(at, 'GET', '/bids/deny', admin)).status, 200);
  });

  it('R22: each session that is opened lists its booking as allowed', async () => {
    await using at = await open();
    await uriFor(at);
    await uriFor(at, { booking_id: 'b2' });
    await uriFor(at);
    await answers(call(at, 'GET', '/bids/allow', admin), 200, '{"booking_ids":["b1","b2"]}\n');
  });
});

describe("practable relay's WebSockets", () => {
  it('R23: a code works once, and for 30 s', async () => {
    await using at = await open();
    const uri = await uriFor(at);
    using peer = await at.dial(uri);
    assert.equal(peer.webSocket.readyState, 1);
    await assert.rejects(at.dial(uri), refused);
    const late = await uriFor(at);
    at.clock.advance(30_000);
    await assert.rejects(at.dial(late), refused);
  });

  it('R24: a code works for its topic only', async () => {
    await using at = await open();
    const uri = await uriFor(at);
    await assert.rejects(at.dial(uri.replace('/t1?', '/t2?')), refused);
    await assert.rejects(at.dial(uri), refused, 'who tries has spent it');
    await assert.rejects(at.dial((await uriFor(at)).replace('/session/', '/shell/')), {
      message: 'HTTP 404',
    });
    const plain = await fetch(uri.replace(at.url, at.relay.url));
    assert.deepEqual([plain.status, await plain.text()], [400, 'Bad Request\n']);
  });

  it('R25: read hears, write is heard, and nobody hears itself', async () => {
    await using at = await open();
    using both = await join(at);
    using reader = await join(at, { scopes: ['read'] });
    using writer = await join(at, { scopes: ['write'] });
    using elsewhere = await join(at, { topic: 't2' });
    writer.send('from writer');
    both.send(Buffer.from([1, 2]));
    assert.deepEqual(await reader.hears(2), ['from writer', Buffer.from([1, 2])]);
    assert.deepEqual(await both.hears(1), ['from writer']);
    reader.send('dropped');
    await reader.settled();
    await writer.settled();
    await elsewhere.settled();
    assert.deepEqual([writer.heard, elsewhere.heard, both.heard.length], [[], [], 1]);
    assert.equal(reader.webSocket.readyState, 1);
  });

  it('R26: the connection ends with its token', async () => {
    await using at = await open();
    using short = await join(at, { exp: NOW + 2 });
    using long = await join(at);
    at.clock.advance(1_999);
    await short.settled();
    at.clock.advance(1);
    assert.equal((await short.closed).code, 4401);
    await long.settled();
  });

  it('R27: cancelling a booking ends its connections at once, and its codes', async () => {
    await using at = await open();
    using live = await join(at);
    using second = await join(at, { topic: 't2' });
    using other = await join(at, { booking_id: 'b2' });
    const unused = await uriFor(at);
    await call(at, 'POST', `/bids/deny?bid=b1&exp=${NOW + 60}`, admin);
    // No second passes on the relay's clock.
    assert.deepEqual(await live.closed, { code: 4401, reason: 'the right to be here has ended' });
    await second.closed;
    await assert.rejects(at.dial(unused), refused);
    await other.settled();
  });

  it('R27: a peer that does not take part in the goodbye is cut off all the same', async () => {
    await using at = await open();
    const { pathname, search } = new URL(await uriFor(at));
    const stuck = connect({ port: at.relay.port, host: '127.0.0.1', allowHalfOpen: true });
    stuck.write(
      `GET ${pathname.replace('/relay', '')}${search} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n` +
        'Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    await new Promise((resolve) => stuck.once('data', resolve));
    const ended = new Promise((resolve) => stuck.once('end', resolve));
    await call(at, 'POST', `/bids/deny?bid=b1&exp=${NOW + 60}`, admin);
    await ended;
    stuck.destroy();
  });

  it('R27: what was cancelled stays so over a restart', async () => {
    const data = mkdtempSync(joinPath(tmpdir(), 'perch-practable-'));
    try {
      await using first = await open({ data });
      await call(first, 'POST', `/bids/deny?bid=b1&exp=${NOW + 60}`, admin);
      await first.relay.close();
      await using second = await open({ data });
      assert.equal((await session(second, tokenWith())).status, 400);
      await answers(call(second, 'GET', '/bids/deny', admin), 200, '{"booking_ids":["b1"]}\n');
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  });

  it('R27: what is cancelled at one relay ends at all that share its database', async () => {
    const data = mkdtempSync(joinPath(tmpdir(), 'perch-practable-'));
    try {
      const database = `sqlite:${data}/shared.db`;
      await using here = await open({ database });
      await using there = await open({ database });
      using peer = await join(there);
      const unused = await uriFor(there);
      await call(here, 'POST', `/bids/deny?bid=b1&exp=${NOW + 60}`, admin);
      there.clock.advance(500);
      assert.equal((await peer.closed).code, 4401);
      await assert.rejects(there.dial(unused), refused);
      assert.equal((await session(there, tokenWith())).status, 400);
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  });

  it('R28: a cancellation that is taken back lets new sessions in, and revives no old code', async () => {
    await using at = await open();
    const old = await uriFor(at);
    await call(at, 'POST', `/bids/deny?bid=b1&exp=${NOW + 60}`, admin);
    at.clock.advance(10);
    await call(at, 'POST', `/bids/allow?bid=b1&exp=${NOW + 60}`, admin);
    await assert.rejects(at.dial(old), refused);
    using peer = await join(at);
    await peer.settled();
  });

  const statsClaims = { topic: 'stats', booking_id: 'b9', exp: NOW + 61 };

  it('R29: the topic stats tells every 5 s who is connected, and a second after somebody has asked', async () => {
    await using at = await open();
    using expt = await join(at);
    using stats = await join(at, statsClaims);
    using listener = await join(at, { ...statsClaims, scopes: ['read'] });
    at.clock.advance(4_999);
    await stats.settled();
    assert.deepEqual(stats.heard, []);
    at.clock.advance(1);
    const [first] = await stats.hears(1);
    await listener.hears(1);
    assert.equal(typeof first, 'string');
    assert.deepEqual(JSON.parse(String(first)), [
      {
        canRead: true,
        canWrite: true,
        connected: '2026-01-01T00:00:00Z',
        expiresAt: '2026-01-01T00:01:00Z',
        remoteAddr: '127.0.0.1',
        scopes: ['read', 'write'],
        topic: 't1',
        userAgent: '',
      },
      ...['read,write', 'read'].map((scopes) => ({
        canRead: true,
        canWrite: scopes !== 'read',
        connected: '2026-01-01T00:00:00Z',
        expiresAt: '2026-01-01T00:01:01Z',
        remoteAddr: '127.0.0.1',
        scopes: scopes.split(','),
        topic: 'stats',
        userAgent: '',
      })),
      {
        canRead: true,
        canWrite: true,
        connected: '2026-01-01T00:00:00Z',
        expiresAt: '1970-01-01T00:00:00Z',
        remoteAddr: 'internal',
        scopes: ['read', 'stats', 'write'],
        topic: 'stats',
        userAgent: 'crossbar',
      },
    ]);

    listener.send('{"cmd":"update"}'); // may not write
    await listener.settled();
    for (let i = 0; i < 3; i++) stats.send('{"cmd":"update"}');
    stats.send(Buffer.from([0xff]));
    await listener.hears(5); // the first list, and what the other said
    at.clock.advance(999);
    await stats.settled();
    assert.equal(stats.heard.length, 1);
    at.clock.advance(1);
    await stats.hears(2);
    at.clock.advance(2_000);
    await stats.settled();
    assert.equal(stats.heard.length, 2, 'asked three times at once, answered once');
    expt.webSocket.terminate();
  });

  it('R29: how often is a setting', async () => {
    await using at = await open({ practable: { statsEvery: millis(2_000) } });
    using stats = await join(at, statsClaims);
    at.clock.advance(2_000);
    await stats.hears(1);
    assert.equal(stats.heard.length, 1);
  });

  it('R30: the status tells the same in its own spelling, and leaves out what is false or empty', async () => {
    await using at = await open();
    using expt = await join(at, { scopes: ['write'] });
    const { body, type } = await call(at, 'GET', '/status', watcher);
    assert.equal(type, JSON_TYPE);
    assert.equal(
      body,
      '[{"can_write":true,"connected_at":"2026-01-01T00:00:00Z","expires_at":"2026-01-01T00:01:00Z","remote_addr":"127.0.0.1","scopes":["write"],"topic":"t1"},' +
        '{"can_read":true,"can_write":true,"connected_at":"2026-01-01T00:00:00Z","expires_at":"1970-01-01T00:00:00Z","remote_addr":"internal","scopes":["read","stats","write"],"topic":"stats","user_agent":"crossbar"}]\n',
    );
    assert.equal(expt.webSocket.readyState, 1);
  });

  it('R31: pages of other sites may ask', async () => {
    await using at = await open();
    const headers = {
      Origin: 'https://lab.example',
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization,content-type',
    };
    for (const path of ['/session/t1', '/bids/deny', '/status']) {
      const answer = await call(at, 'OPTIONS', path, undefined, { headers });
      assert.equal(answer.status, 204);
      const get = (name: string) => answer.headers.get(`access-control-${name}`);
      assert.deepEqual(
        [get('allow-origin'), get('allow-credentials'), get('allow-methods'), get('max-age')],
        ['*', 'true', 'GET, POST, OPTIONS', '86400'],
      );
      assert.match(get('allow-headers') ?? '', /^Authorization,DNT,.*,Content-Type$/);
    }
    for (const answer of [await session(at, tokenWith()), await session(at, 'rubbish')]) {
      assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    }
  });

  it('R32: whoever has no good code is refused at once, where the older relay left the socket open', async () => {
    await using at = await open();
    for (const query of ['', '?code=', '?code=00000000-0000-4000-8000-000000000000', '?token=x']) {
      await assert.rejects(at.dial(`${at.url}/session/t1${query}`), refused, query);
    }
    const idle = await uriFor(at, { scopes: ['relay:stats'] });
    await assert.rejects(at.dial(idle), refused, 'neither read nor write');
    const short = await uriFor(at, { exp: NOW + 1 });
    at.clock.advance(1_000);
    await assert.rejects(at.dial(short), refused, 'expired since');
  });
});

describe("practable relay's access API beside ours", () => {
  it('a token of ours and an open topic work as ever', async () => {
    await using at = await open({ open: ['lab/*'] });
    const ours = await at.relay.createToken({ topic: 'front/**', scope: ['read'], ttlMs: 3_600_000 });
    const mine = await call(at, 'POST', '/session/front/video0', `Bearer ${ours}`);
    assert.equal(mine.status, 200);
    using viewer = await Peer.open((JSON.parse(mine.body) as { uri: string }).uri);
    assert.equal(viewer.webSocket.readyState, 1);
    assert.equal((await call(at, 'POST', '/session/lab/cam')).status, 200);
    const wrong = await call(at, 'POST', '/session/back/video0', `Bearer ${ours}`);
    assert.deepEqual(
      [wrong.status, wrong.body],
      [401, '{"code":401,"message":"unauthenticated for invalid credentials"}'],
    );
  });

  it('who came by which booking, who was refused and what was cancelled is in the audit', async () => {
    await using at = await open();
    const reader = await at.relay.createToken({ topic: '*', scope: ['audit'], ttlMs: 3_600_000 });
    using peer = await join(at);
    await session(at, 'rubbish');
    await call(at, 'POST', `/bids/deny?bid=b1&exp=${NOW + 60}`, admin);
    await peer.closed;
    const { body } = await call(at, 'GET', '/api/v1/audit', `Bearer ${reader}`);
    for (const words of [
      /"who":\{"kind":"booking","id":"b1"\},"what":"view"/,
      /"what":"booking-cancel"/,
      /a code was asked for without a good token/,
    ]) {
      assert.match(body, words);
    }
    assert.ok(!body.includes(secret) && !body.includes(tokenWith().split('.')[2] ?? ''));
  });

  it('without its secret the family is off', async () => {
    await using relay = await openRelay();
    const headers = { Authorization: tokenWith() };
    assert.equal((await fetch(`${relay.url}/session/t1`, { method: 'POST', headers })).status, 401);
    for (const path of ['/bids/deny', '/bids/allow', '/status', '/swagger.json', '/docs']) {
      assert.equal((await fetch(relay.url + path, { headers })).status, 404, path);
    }
  });

  it('no token, code or secret gets into the log', async () => {
    const lines: string[] = [];
    const write = (...words: unknown[]) => void lines.push(JSON.stringify(words));
    const logger = { error: write, warn: write, info: write, debug: write, child: () => logger };
    await using at = await open({ logger });
    const uri = await uriFor(at);
    using peer = await at.dial(uri);
    await session(at, tokenWith({ exp: NOW }));
    await assert.rejects(at.dial(uri), refused);
    peer.webSocket.terminate();
    await peer.closed;
    assert.ok(lines.length > 0);
    for (const word of [tokenWith().split('.')[2], uri.split('code=')[1], secret]) {
      assert.ok(!lines.join().includes(String(word)), String(word));
    }
  });
});
