import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLogger, systemClock } from '@perch/runtime';
import { openRelay, Peer } from '../../../../test/support/relay.ts';
import { createTokenIn, listTokensIn, revokeTokenIn, verifyAuditIn } from '../index.ts';

interface Line {
  readonly who: { readonly kind: string; readonly id?: string };
  readonly what: string;
  readonly topic?: string;
  readonly outcome: string;
  readonly from: string;
  readonly at: string;
  readonly until?: string;
  readonly detail?: string;
}

const HOUR = 3_600_000;
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const short = ({ who, what, topic = '', outcome }: Line) => `${who.kind} ${what} ${topic} ${outcome}`;

async function linesOf(relay: { url: string }, headers: Record<string, string>): Promise<Line[]> {
  const answer = await fetch(`${relay.url}/api/v1/audit?limit=1000`, { headers });
  assert.equal(answer.status, 200);
  return ((await answer.json()) as { entries: Line[] }).entries.reverse();
}

async function signIn(relay: {
  url: string;
  signInLink(): Promise<string>;
}): Promise<Record<string, string>> {
  const secret = new URL(await relay.signInLink()).hash.slice(1);
  const answer = await fetch(`${relay.url}/api/v1/sign-in`, {
    method: 'POST',
    body: JSON.stringify({ secret }),
    headers: { 'Content-Type': 'application/json', 'User-Agent': 'browser of the test' },
  });
  assert.equal(answer.status, 204);
  return { Cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '', Origin: relay.url };
}

test('who watched, published and was refused is in the audit', async () => {
  await using relay = await openRelay({ open: ['stats'] });
  const token = await relay.createToken({ topic: 'front', scope: ['read', 'write'], ttlMs: HOUR });
  const viewer = await Peer.open(`${relay.ws}/out/front`, { headers: bearer(token) });
  const publisher = await Peer.open(`${relay.ws}/in/front`, { headers: bearer(token) });
  const session = await fetch(`${relay.url}/session/front`, { method: 'POST', headers: bearer(token) });
  const both = await Peer.open(((await session.json()) as { uri: string }).uri);
  both.send('hello');
  await viewer.hears(1);
  const statistics = await Peer.open(`${relay.ws}/ws`);
  for (const peer of [viewer, publisher, both, statistics]) {
    peer.webSocket.close();
    await peer.closed;
  }
  await assert.rejects(Peer.open(`${relay.ws}/out/back`), { message: 'HTTP 401' });
  await assert.rejects(Peer.open(`${relay.ws}/in/back`, { headers: bearer('guess') }), {
    message: 'HTTP 401',
  });
  const cookie = await signIn(relay);

  const lines = await linesOf(relay, cookie);
  assert.deepEqual(lines.map(short).sort(), [
    'host relay-run  begun',
    'host token-make front done',
    'open statistics  begun',
    'open statistics  ended',
    'token publish front begun',
    'token publish front ended',
    'token publish front ended',
    'token view front begun',
    'token view front begun',
    'token view front ended',
    'token view front ended',
    'unknown publish back refused',
    'unknown view back refused',
    'user sign-in  done',
  ]);
  for (const { at, until, outcome, from, who } of lines) {
    assert.equal(until !== undefined, outcome === 'ended');
    if (until !== undefined) assert.ok(Date.parse(until) >= Date.parse(at));
    assert.equal(from, who.kind === 'host' ? 'here' : '127.0.0.1');
  }
  assert.ok(!JSON.stringify(lines).includes(token));
});

test('nothing of it is lost when the relay stops, and the chain goes on with the next', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'perch-audit-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const place = { data, clock: systemClock, logger: silentLogger };
  const relay = await openRelay({ data, open: ['lab'] });
  using _viewer = await Peer.open(`${relay.ws}/out/lab`);
  await relay.close();
  const token = await createTokenIn({ ...place, topic: '**', scope: ['audit'], ttlMs: HOUR });
  await using again = await openRelay({ data });
  const [kept] = await listTokensIn(place);
  const lines = await linesOf(again, bearer(token));
  assert.deepEqual(lines.map(short), [
    'host relay-run  begun',
    'open view lab begun',
    'host relay-run  ended',
    'open view lab ended',
    'host token-make ** done',
    'host relay-run  begun',
  ]);
  assert.ok(await revokeTokenIn({ ...place, id: kept?.id ?? '' }));
  const states = (await verifyAuditIn(place)) ?? [];
  assert.deepEqual(
    states.map((state) => [state.kind, 'records' in state && state.records]),
    [['whole', 7]],
  );
});

test('it is for members and tokens with scope audit only', async () => {
  await using relay = await openRelay({ open: ['**'] });
  const url = `${relay.url}/api/v1/audit`;
  const reads = await relay.createToken({ topic: '**', scope: ['read', 'write'], ttlMs: HOUR });
  const audits = await relay.createToken({ topic: 'x', scope: ['audit'], ttlMs: HOUR });
  const ask = async (headers: Record<string, string>, query = '') =>
    (await fetch(url + query, { headers })).status;
  assert.equal(await ask({}), 401);
  assert.equal(await ask(bearer(reads)), 401);
  assert.equal(await ask(bearer('guess')), 401);
  assert.equal(await ask(bearer(audits)), 200);
  assert.equal(await ask(await signIn(relay)), 200);
  for (const query of ['?before=x', '?limit=0', '?limit=1001', '?limit=x', `?before=${'1'.repeat(200)}`]) {
    assert.equal(await ask(bearer(audits), query), 400, query);
  }
});

test('a member lists who is signed in, and signs a browser out: what it has open ends at once', async () => {
  await using relay = await openRelay();
  const [mine, other] = [await signIn(relay), await signIn(relay)];
  using viewer = await Peer.open(`${relay.ws}/out/front`, { headers: other });
  const list = async (headers: Record<string, string>) => {
    const answer = await fetch(`${relay.url}/api/v1/sessions`, { headers });
    return { status: answer.status, sessions: (await answer.json()) as Record<string, unknown>[] };
  };
  const { sessions } = await list(mine);
  assert.deepEqual(
    sessions.map(({ current, userAgent, address }) => [current, userAgent, address]),
    [
      [true, 'browser of the test', '127.0.0.1'],
      [false, 'browser of the test', '127.0.0.1'],
    ],
  );
  const end = async (id: unknown, headers: Record<string, string>) =>
    (await fetch(`${relay.url}/api/v1/sessions/${id}`, { method: 'DELETE', headers })).status;
  const id = sessions[1]?.id;
  assert.equal(await end(id, {}), 401);
  assert.equal(await end(id, { ...mine, Origin: 'http://evil.example' }), 403);
  assert.equal(await end(id, { Cookie: mine.Cookie ?? '' }), 403);
  assert.equal(await end(id, mine), 204);
  assert.equal((await viewer.closed).code, 4401);
  assert.equal((await list(other)).status, 401);
  assert.equal(await end(id, mine), 404);
  const lines = await linesOf(relay, mine);
  assert.deepEqual(
    lines.filter(({ what }) => what === 'session-end').map(({ detail }) => detail),
    [`session ${id}`],
  );
});

test('a member lists tokens and revokes one: what rests on it ends at once', async () => {
  await using relay = await openRelay();
  const mine = await signIn(relay);
  const token = await relay.createToken({ topic: '**', scope: ['read'], ttlMs: HOUR });
  using viewer = await Peer.open(`${relay.ws}/out/front`, { headers: bearer(token) });
  using statistics = await Peer.open(`${relay.ws}/ws`, { headers: bearer(token) });
  const url = `${relay.url}/api/v1/tokens`;
  const answer = await fetch(url, { headers: mine });
  const text = await answer.text();
  assert.ok(!text.includes(token));
  const [{ id, topic, scope }] = JSON.parse(text);
  assert.deepEqual([topic, scope], ['**', ['read']]);
  assert.equal((await fetch(url)).status, 401);
  assert.equal((await fetch(url, { headers: bearer(token) })).status, 401);
  const revoke = async (headers: Record<string, string>) =>
    (await fetch(`${url}/${id}`, { method: 'DELETE', headers })).status;
  assert.equal(await revoke({ ...mine, Origin: 'http://evil.example' }), 403);
  assert.equal(await revoke(mine), 204);
  assert.equal((await viewer.closed).code, 4401);
  assert.equal((await statistics.closed).code, 4401);
  assert.equal(await revoke(mine), 404);
});

test('a member makes a token, whose secret is shown once', async () => {
  await using relay = await openRelay();
  const mine = await signIn(relay);
  const make = (body: unknown, headers = mine) =>
    fetch(`${relay.url}/api/v1/tokens`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json', ...headers },
    });
  const wanted = { topic: 'front/*', scope: ['write', 'read'], ttl: 3_600 };
  assert.equal((await make(wanted, {})).status, 401);
  assert.equal((await make(wanted, { ...mine, Origin: 'http://evil.example' })).status, 403);
  const answer = await make(wanted);
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const { token, id, scope, lastUsed } = (await answer.json()) as Record<string, unknown>;
  assert.deepEqual([scope, lastUsed], [['read', 'write'], null]);
  using publisher = await Peer.open(`${relay.ws}/in/front/large`, { headers: bearer(String(token)) });
  assert.equal(publisher.webSocket.readyState, 1);
  const lines = await linesOf(relay, mine);
  const [line] = lines.filter(({ what }) => what === 'token-make');
  assert.deepEqual([line?.who.kind, line?.topic], ['user', 'front/*']);
  assert.match(line?.detail ?? '', new RegExp(`^token ${id}: read, write, until `));
  for (const wrong of [
    {},
    { ...wanted, topic: '' },
    { ...wanted, scope: [] },
    { ...wanted, scope: ['admin'] },
    { ...wanted, ttl: 0 },
    { ...wanted, ttl: 1e12 },
    { ...wanted, topic: 'x'.repeat(257) },
  ]) {
    assert.equal((await make(wrong)).status, 400, JSON.stringify(wrong));
  }
});
