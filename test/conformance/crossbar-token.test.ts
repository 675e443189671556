import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { FakeClock } from '@perch/testkit';
import { makeJwt } from '../../packages/relay/src/legacy/testing/make-jwt.ts';
import { openRelay, Peer } from '../support/relay.ts';

/** Rows C8 and C9 of COMPAT.md 7: crossbar's token as first message (COMPAT 2.5). */
const secret = 'somesecret';
const audience = 'https://relay.example';
const NOW = Date.UTC(2026, 0, 1) / 1000;

/** A relay with crossbar's secret, and a clock that stands still at NOW. */
const open = async (options: Parameters<typeof openRelay>[0] = {}) => {
  const clock = new FakeClock();
  const relay = await openRelay({ crossbar: { secret, audience }, clock, ...options });
  return { relay, clock, [Symbol.asyncDispose]: () => relay.close() };
};

const tokenFor = (path: string, claims: object = {}) =>
  makeJwt({ secret, claims: { aud: audience + path, exp: NOW + 60, ...claims } });

interface AuthMessage {
  readonly topic: string;
  readonly token: string;
  readonly authorised: boolean;
  readonly reason: string;
}

/** What crossbar answers to a token. */
async function show(peer: Peer, token: string | Uint8Array): Promise<AuthMessage> {
  const heard = peer.heard.length;
  peer.send(token);
  return JSON.parse(String((await peer.hears(heard + 1)).at(-1))) as AuthMessage;
}

/** Connects as an old client does, and is let in. */
async function enter(ws: string, path: string, claims: object = {}): Promise<Peer> {
  const peer = await Peer.open(ws + path);
  assert.equal((await show(peer, tokenFor(path.replace(/\/$/, ''), claims))).authorised, true);
  peer.heard.length = 0;
  return peer;
}

describe("crossbar's token as first message", () => {
  it('C8: a right one is answered with ok, and from then on the path is what it was without tokens', async () => {
    await using at = await open();
    using viewer = await Peer.open(`${at.relay.ws}/out/demo`);
    assert.deepEqual(await show(viewer, tokenFor('/out/demo')), {
      topic: '/out/demo',
      token: '', // not repeated: COMPAT 2.6
      authorised: true,
      reason: 'ok',
    });
    using publisher = await enter(at.relay.ws, '/in/demo');
    using second = await enter(at.relay.ws, '/in/demo/');
    publisher.send('hello');
    publisher.send(Buffer.from([1, 2]));
    assert.deepEqual(await second.hears(2), ['hello', Buffer.from([1, 2])]);
    viewer.send('dropped: /out only hears');
    await viewer.settled();
    assert.deepEqual(viewer.heard.slice(1), ['hello', Buffer.from([1, 2])]);
    using a = await enter(at.relay.ws, '/bi/expt/deep');
    using b = await enter(at.relay.ws, '/bi/expt/deep');
    a.send('{"cmd":1}');
    assert.deepEqual(await b.hears(1), ['{"cmd":1}']);
    assert.deepEqual([publisher.heard, a.heard], [[], []]);
  });

  it('C8: a token as binary message, and with another HMAC, is as good; data may follow it at once', async () => {
    await using at = await open();
    using viewer = await enter(at.relay.ws, '/out/demo');
    using publisher = await Peer.open(`${at.relay.ws}/in/demo`);
    const claims = { aud: `${audience}/in/demo`, exp: NOW + 60 };
    publisher.send(Buffer.from(makeJwt({ secret, alg: 'HS512', claims })));
    publisher.send(Buffer.alloc(100_000, 1));
    publisher.send('second');
    assert.deepEqual(await viewer.hears(2), [Buffer.alloc(100_000, 1), 'second']);
  });

  it('C8: nothing is heard, published or listed before the token is accepted', async () => {
    await using at = await open();
    using stranger = await Peer.open(`${at.relay.ws}/bi/demo`);
    using a = await enter(at.relay.ws, '/bi/demo');
    using b = await enter(at.relay.ws, '/bi/demo');
    a.send('private');
    await b.hears(1);
    await stranger.settled();
    assert.deepEqual(stranger.heard, []);
    const metrics = await (await fetch(`${at.relay.url}/metrics`)).text();
    assert.match(metrics, /^perch_connections 2$/m);
    stranger.send('not a token');
    await stranger.closed;
    await b.settled();
    assert.deepEqual([...a.heard, ...b.heard], ['private']);
  });

  const denials: readonly [what: string, token: string, words: RegExp][] = [
    [
      'for another path',
      tokenFor('/out/demo'),
      /^Denied - not permitted to access https:\/\/relay\.example\/in\/demo with token for https:\/\/relay\.example\/out\/demo$/,
    ],
    ['for another relay', tokenFor('', { aud: 'https://other/in/demo' }), /^Denied - not permitted/],
    ['without audience', tokenFor('', { aud: undefined }), /^Denied - not permitted.*it has no aud$/],
    [
      'that has expired',
      tokenFor('/in/demo', { exp: NOW - 1 }),
      /^Error reading token: it has expired at 2025-/,
    ],
    ['that never ends', tokenFor('/in/demo', { exp: undefined }), /^Error reading token: it has no exp/],
    [
      'from the future',
      tokenFor('/in/demo', { nbf: NOW + 30 }),
      /^Error reading token: it is not valid before/,
    ],
    [
      'signed by nobody',
      makeJwt({ secret, alg: 'none', claims: { aud: `${audience}/in/demo`, exp: NOW + 60 } }),
      /^Error reading token: it is signed by "none"/,
    ],
    [
      'signed by somebody else',
      makeJwt({ secret: 'x', claims: { aud: `${audience}/in/demo`, exp: NOW + 60 } }),
      /not signed with our secret$/,
    ],
    ['that is none', '{"verb":"healthcheck"}', /^Error reading token: it is no JWT/],
    ['that is empty', '', /^Error reading token/],
  ];
  for (const [what, token, words] of denials) {
    it(`C8: a token ${what} is denied in words, and the line ends without a close frame`, async () => {
      await using at = await open();
      using peer = await Peer.open(`${at.relay.ws}/in/demo`);
      const answer = await show(peer, token);
      assert.deepEqual([answer.topic, answer.authorised, answer.token], ['/in/demo', false, '']);
      assert.match(answer.reason, words);
      assert.equal((await peer.closed).code, 1006);
    });
  }

  it('C9: when the token ends the line stays, silent both ways, and a new token brings it back', async () => {
    await using at = await open();
    using viewer = await enter(at.relay.ws, '/out/demo', { exp: NOW + 5 });
    using lasting = await enter(at.relay.ws, '/out/demo');
    using publisher = await enter(at.relay.ws, '/in/demo');
    at.clock.advance(4_999);
    publisher.send('before');
    assert.deepEqual(await viewer.hears(1), ['before']);
    at.clock.advance(1);
    publisher.send('silence');
    await lasting.hears(2);
    await viewer.settled();
    assert.deepEqual(viewer.heard, ['before']);

    assert.equal((await show(viewer, tokenFor('/out/demo', { exp: NOW + 9 }))).authorised, true);
    publisher.send('again');
    assert.equal((await viewer.hears(3)).at(-1), 'again');
    at.clock.advance(4_000);
    publisher.send('silence again');
    await lasting.hears(4);
    await viewer.settled();
    assert.equal(viewer.heard.length, 3);
  });

  it('C9: what a publisher sends after its token has ended is taken for a token, denied and not published', async () => {
    await using at = await open();
    using viewer = await enter(at.relay.ws, '/out/demo');
    using publisher = await enter(at.relay.ws, '/in/demo', { exp: NOW + 5 });
    at.clock.advance(5_000);
    const answer = await show(publisher, Buffer.alloc(1316, 0x47));
    assert.equal(answer.authorised, false);
    assert.equal((await publisher.closed).code, 1006);
    await viewer.settled();
    assert.deepEqual(viewer.heard, []);
  });

  it('a client that shows nothing is told so after 10 s and cut off', async () => {
    await using at = await open();
    using peer = await Peer.open(`${at.relay.ws}/in/demo`);
    at.clock.advance(10_000);
    const answer = JSON.parse(String((await peer.hears(1))[0])) as AuthMessage;
    assert.match(answer.reason, /none came within 10 s/);
    assert.equal((await peer.closed).code, 1006);
  });

  it('a client that sends much before its token is cut off', async () => {
    await using at = await open();
    using peer = await Peer.open(`${at.relay.ws}/in/demo`);
    peer.send(Buffer.alloc(1024 * 1024));
    assert.equal((await peer.closed).code, 1006);
    assert.deepEqual(peer.heard, []);
  });

  it('a denied client that does not hang up is cut off', async () => {
    await using at = await open();
    const socket = connect({ port: at.relay.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(
      'GET /in/demo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    // A masked text frame "x" (RFC 6455 5.2).
    socket.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x78]));
    const ended = new Promise((resolve) => socket.once('end', resolve));
    socket.resume();
    await ended;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    at.clock.advance(1_000);
    // It writes on; that fails once the relay has let go.
    socket.on('error', () => undefined);
    const talk = setInterval(() => socket.write(Buffer.from([0x81, 0x80, 0, 0, 0, 0])), 5);
    await closed;
    clearInterval(talk);
  });

  it('the new ways in stay: a token of ours, and perch.1, are not asked for a message', async () => {
    await using at = await open();
    const ours = await at.relay.createToken({ topic: '*', scope: ['read', 'write'], ttlMs: 3_600_000 });
    using viewer = await Peer.open(`${at.relay.ws}/out/demo`, { headers: { Authorization: ours } });
    using publisher = await enter(at.relay.ws, '/in/demo');
    publisher.send('hello');
    assert.deepEqual(await viewer.hears(1), ['hello']);
    const refused = { message: 'HTTP 401' };
    await assert.rejects(Peer.open(`${at.relay.ws}/out/demo`, { protocols: ['perch.1'] }), refused);
    await assert.rejects(
      Peer.open(`${at.relay.ws}/out/demo`, { headers: { Authorization: tokenFor('/out/demo') } }),
      refused,
    );
    using old = await Peer.open(`${at.relay.ws}/out/demo`, { protocols: ['null'] });
    assert.equal(old.webSocket.protocol, 'null');
  });

  it('without its secret the family is off: nobody gets so far as to show a token', async () => {
    await using relay = await openRelay();
    await assert.rejects(Peer.open(`${relay.ws}/in/demo`), { message: 'HTTP 401' });
  });

  it('no token, and no secret, gets into the log', async () => {
    const lines: string[] = [];
    const write = (...words: unknown[]) => void lines.push(JSON.stringify(words));
    const logger = { error: write, warn: write, info: write, debug: write, child: () => logger };
    await using at = await open({ logger });
    const good = tokenFor('/in/demo');
    const bad = tokenFor('/in/other');
    using peer = await Peer.open(`${at.relay.ws}/in/demo`);
    await show(peer, good);
    using denied = await Peer.open(`${at.relay.ws}/in/demo`);
    await show(denied, bad);
    await denied.closed;
    assert.ok(lines.some((line) => line.includes('a token was denied')));
    for (const word of [good, bad, good.split('.')[2], secret]) {
      assert.ok(!lines.join().includes(String(word)));
    }
  });
});
