import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { PERCH_CAPTURES_1 } from '@perch/protocol';
import { FakeClock } from '@perch/testkit';
import { type Permit, socketPermits } from '../../packages/relay/src/api/permit.ts';
import type { Relay } from '../../packages/relay/src/index.ts';
import { openRelay, Peer } from '../support/relay.ts';
import { type CallerName, Callers, callerNames, dial, send } from './support/callers.ts';

// Every route and every WebSocket × everybody who may ask. The routes come from the relay itself; a route that is not in
// the table below fails, and so does one that is there and no more.

/** What becomes of a caller: an exact status. */
type Outcomes = Readonly<Record<CallerName, number>>;

/** A harmless request to a route, and what it answers to whom it lets in. */
interface Sample {
  /** Status for whom the row lets in. */
  readonly in: number;
  /** Where somebody who is let in gets another. */
  readonly but?: Partial<Outcomes>;
  /** Default: the pattern with `:id` and `*` filled in. */
  readonly path?: string;
  readonly body?: unknown;
  /** It ends the session that asks. */
  readonly endsSession?: true;
}

/** What is not there is not there for anybody who is signed in, whatever he may do. */
const NO_FILM: Partial<Outcomes> = {
  ...{ 'guest without': 404, 'guest with': 404, 'guest with another': 404, invite: 404 },
};

/** By method and pattern. `HEAD` is as `GET`. */
const samples: Readonly<Record<string, Sample>> = {
  'POST /api/v1/sign-in': { body: { secret: 'guess' }, in: 401 },
  'POST /api/v1/sign-in/password': { body: {}, in: 400 },
  'POST /api/v1/sign-in/passkey/options': { body: {}, in: 200 },
  'POST /api/v1/sign-in/passkey': { body: { response: {} }, in: 401 },
  'POST /api/v1/sign-out': { in: 204, endsSession: true },
  'GET /api/v1/me': { in: 200 },
  'PATCH /api/v1/me': { body: {}, in: 400 },
  'PUT /api/v1/me/password': { body: {}, in: 400 },
  'POST /api/v1/me/passkeys/options': { body: {}, in: 200 },
  'POST /api/v1/me/passkeys': { body: {}, in: 400 },
  'DELETE /api/v1/me/passkeys/:id': { in: 404 },
  'GET /api/v1/users': { in: 200 },
  'POST /api/v1/users': { body: {}, in: 400 },
  'POST /api/v1/users/:id/link': { in: 404 },
  'PATCH /api/v1/users/:id': { body: {}, in: 404 },
  'DELETE /api/v1/users/:id': { in: 404 },
  'GET /api/v1/sessions': { in: 200 },
  'DELETE /api/v1/sessions/:id': { in: 404 },
  'GET /api/v1/tokens': { in: 200 },
  'POST /api/v1/tokens': { body: {}, in: 400 },
  'DELETE /api/v1/tokens/:id': { in: 404 },
  'GET /api/v1/audit': { in: 200 },
  'GET /api/v1/devices': { in: 200 },
  'POST /api/v1/devices/codes': { body: {}, in: 400 },
  'POST /api/v1/devices/renew': { body: {}, in: 400 },
  'GET /api/v1/devices/challenge': { in: 200 },
  'GET /api/v1/devices/:id': { in: 200 },
  'PATCH /api/v1/devices/:id': { body: {}, in: 400 },
  'DELETE /api/v1/devices/:id': { path: '/api/v1/devices/nobody', in: 404 },
  'POST /api/v1/enroll': { body: {}, in: 400 },
  'GET /api/v1/devices/:id/state': { in: 200 },
  // Its answer never ends: the header shows that it begins.
  'GET /api/v1/devices/:id/events': { in: 200 },
  'POST /api/v1/devices/:id/commands': { body: { command: 'capture' }, in: 202 },
  'GET /api/v1/devices/:id/camera': { in: 200 },
  'PUT /api/v1/devices/:id/camera': { body: {}, in: 400 },
  'PUT /api/v1/devices/:id/camera/schedule': { body: {}, in: 400 },
  'POST /api/v1/devices/:id/move': { body: { relays: ['https://relay.example'] }, in: 503 },
  'GET /api/v1/devices/:id/feeds/:feed/motion': { in: 503 },
  'PUT /api/v1/devices/:id/feeds/:feed/motion': { body: {}, in: 503 },
  ...Object.fromEntries(
    ['streams', 'destinations', 'feeds', 'motion'].flatMap((list) => [
      [`GET /api/v1/devices/:id/${list}`, { in: 503 }],
      [`POST /api/v1/devices/:id/${list}`, { body: {}, in: 503 }],
      [`PUT /api/v1/devices/:id/${list}`, { body: {}, in: 503 }],
      [`GET /api/v1/devices/:id/${list}/*`, { in: 503 }],
      [`DELETE /api/v1/devices/:id/${list}/*`, { in: 503 }],
    ]),
  ),
  'GET /api/v1/openapi.json': { in: 200 },
  'OPTIONS /session/*': { in: 204 },
  'POST /bids/deny': { in: 401 },
  'GET /bids/deny': { in: 401 },
  'OPTIONS /bids/deny': { in: 204 },
  'POST /bids/allow': { in: 401 },
  'GET /bids/allow': { in: 401 },
  'OPTIONS /bids/allow': { in: 204 },
  'GET /status': { in: 401 },
  'OPTIONS /status': { in: 204 },
  'GET /swagger.json': { in: 200 },
  'GET /docs': { in: 200 },
  'GET /': { in: 200 },
  'GET /index.html': { in: 200 },
  'GET /player.js': { in: 200 },
  'GET /embed/*': { in: 200 },
  'GET /stats': { in: 200 },
  'GET /stats.js': { in: 200 },
  'GET /healthz': { in: 200 },
  'GET /readyz': { in: 200 },
  'GET /metrics': { in: 200 },
  'GET /trust': { in: 200 },
  'GET /trust/perch-ca.crt': { in: 200 },
  'GET /api/v1/captures': { in: 200 },
  'GET /api/v1/captures/alarms': { in: 200 },
  'GET /api/v1/captures/retention': { in: 200 },
  'PUT /api/v1/captures/retention': { body: {}, in: 400 },
  'GET /api/v1/captures/:id': { in: 200 },
  'PATCH /api/v1/captures/:id': { body: {}, in: 400 },
  'DELETE /api/v1/captures/:id': { path: '/api/v1/captures/nobody', in: 404, but: NO_FILM },
  // There is nothing in it that could be played.
  'GET /api/v1/captures/:id/video.mp4': { in: 404 },
  'GET /api/v1/captures/:id/playlist.m3u8': { in: 404 },
  'GET /api/v1/captures/:id/parts/:part': { in: 404 },
  'GET /api/v1/captures/:id/thumbnail.jpg': { in: 404 },
  'GET /api/v1/captures/:id/strip.jpg': { in: 404 },
  'GET /api/v1/captures/:id/segments/:segment': { in: 404 },
  'GET /api/v1/captures/:id/export.zip': { in: 200 },
  'GET /api/v1/captures/:id/shares': { in: 200 },
  'POST /api/v1/captures/:id/shares': { body: {}, in: 400 },
  'DELETE /api/v1/captures/shares/:id': { in: 404 },
  'POST /api/v1/shares/open': { body: { secret: 'guess' }, in: 410 },
  'GET /api/v1/captures/days': { in: 200 },
  // Its answer never ends: the header shows that it begins.
  'GET /api/v1/captures/events': { in: 200 },
  'GET /api/v1/push': { in: 200 },
  'PUT /api/v1/push/subscription': { body: {}, in: 400 },
  'DELETE /api/v1/push/subscription': { in: 204 },
  'PUT /api/v1/push/settings': { body: {}, in: 400 },
  'POST /api/v1/push/test': { in: 409 },
  'GET /api/v1/invites': { in: 200 },
  'POST /api/v1/invites': { body: {}, in: 400 },
  'DELETE /api/v1/invites/:id': { in: 404 },
  'POST /api/v1/invites/open': { body: { secret: 'guess' }, in: 401 },
  // Verbs that the older relay answers in its own words.
  ...Object.fromEntries(
    ['GET', 'PUT', 'PATCH', 'DELETE'].flatMap((verb) => [
      [`${verb} /session/*`, { in: 405 }],
      ...(verb === 'GET'
        ? []
        : [
            [`${verb} /bids/deny`, { in: 405 }],
            [`${verb} /bids/allow`, { in: 405 }],
            [`${verb} /status`, { in: 405 }],
          ]),
    ]),
  ),
  'POST /status': { in: 405 },
};

/** Everybody gets the same, but for some. */
const outcomes = (usual: number, but: Partial<Outcomes> = {}): Outcomes => ({
  ...(Object.fromEntries(callerNames.map((name) => [name, usual])) as Outcomes),
  ...but,
});

const people = [
  'guest without',
  'guest with',
  'guest with another',
  'invite',
  'member',
  'owner',
  'other owner',
] as const;
const roles: Readonly<Record<(typeof people)[number], number>> = {
  'guest without': 0,
  'guest with': 0,
  'guest with another': 0,
  invite: 0,
  member: 1,
  owner: 2,
  'other owner': 2,
};
const least = { session: 0, user: 0, guest: 0, member: 1, owner: 2 } as const;

/** What a row makes of everybody. */
function expected(permit: Permit, { in: status, but = {} }: Sample): Outcomes {
  const byRole = (role: keyof typeof least) =>
    Object.fromEntries(people.map((name) => [name, roles[name] >= least[role] ? status : 403]));
  switch (permit.to) {
    case 'everyone':
    case 'legacy':
      return outcomes(status, but);
    case 'session':
    case 'user':
    case 'member':
    case 'owner':
      return outcomes(401, { ...byRole(permit.to), ...(permit.to === 'user' && { invite: 403 }), ...but });
    case 'scope':
      return outcomes(401, { ...(permit.or && byRole(permit.or)), token: status, ...but });
    case 'capture':
      return outcomes(401, {
        ...byRole(permit.least ?? 'guest'),
        ...{ 'guest without': 404, 'other owner': 404 },
        ...but,
      });
    case 'device':
      // Who has nothing to do with the device is told that there is none.
      return outcomes(401, {
        ...byRole(permit.least ?? 'guest'),
        'guest without': 404,
        'other owner': 404,
        ...(!['any', 'captures'].includes(permit.permission) && { 'guest with another': 403 }),
        ...but,
      });
    case 'enrolled':
      return outcomes(401, { device: status, ...but });
    case 'topic':
      throw new Error('what a topic allows is in a table of its own');
  }
}

/** Flat topics belong to the first household, those of a device to its own. */
const readers = { 'guest with': 200, member: 200, owner: 200, token: 200 } as const;
const badTokens = { 'revoked token': 401, 'expired code': 401, 'foreign device': 401 } as const;
const topicRoutes: Readonly<Record<string, readonly (readonly [path: string, Outcomes])[]>> = {
  'POST /session/*': [
    ['/session/front', outcomes(401, readers)],
    // Without a token a topic with slashes is nothing that practable relay's API knows.
    ['/session/DEVICE/front', outcomes(404, { ...badTokens, ...readers, invite: 200, device: 200 })],
    ['/session/elsewhere-aaaa/front', outcomes(404, { ...badTokens, device: 401, ...readers })],
  ],
  'GET /api/v1/streams': [['/api/v1/streams', outcomes(200, { nobody: 401, ...badTokens })]],
  'GET /api/v1/stats': [
    ['/api/v1/stats', outcomes(401, { member: 200, owner: 200, 'other owner': 200, token: 200 })],
  ],
};

const watchers = { 'guest with': 101, member: 101, owner: 101, token: 101 } as const;
const sockets: Readonly<Record<string, readonly (readonly [path: string, Outcomes])[]>> = {
  '/in/*': [
    ['/in/front', outcomes(401, { token: 101 })],
    ['/in/DEVICE/front', outcomes(401, { token: 101, device: 101 })],
    ['/in/DEVICE', outcomes(401, { token: 101 })],
  ],
  '/out/*': [
    ['/out/front', outcomes(401, watchers)],
    ['/out/DEVICE/front', outcomes(401, { ...watchers, invite: 101 })],
    ['/out/DEVICE%2f..%2ffront', outcomes(404)],
    ['/out/front%00', outcomes(404)],
  ],
  '/bi/*': [['/bi/front', outcomes(401, watchers)]],
  '/session/*': [['/session/front', outcomes(401)]],
  '/ws': [['/ws', outcomes(401, { member: 101, owner: 101, 'other owner': 101, token: 101 })]],
  // Whose identity is good is told which subprotocol to offer.
  '/agent': [['/agent', outcomes(401, { device: 400 })]],
  '/ds/v3': [['/ds/v3', outcomes(401, { device: 101 })]],
  '/agent/captures': [['/agent/captures', outcomes(401, { device: 400 })]],
};

const clock = new FakeClock();
const many = 1_000_000;
const webRoot = mkdtempSync(join(tmpdir(), 'perch-web-'));
for (const name of ['index.html', 'player.js']) writeFileSync(join(webRoot, name), name);

let callers: Callers;
/** The id of a capture of the first household's device. */
let film: string;
let rows: Relay['permits'];

before(async () => {
  const relay = await openRelay({
    tls: 'local',
    clock,
    webRoot,
    practable: { secret: 'secret', audience: 'https://relay.example', url: 'wss://relay.example' },
    limits: {
      signInBurst: many,
      accountSignInBurst: many,
      inviteBurst: many,
      enrolmentBurst: many,
      codeBurst: many,
      strangerBurst: many,
      connectBurst: many,
    },
  });
  callers = await Callers.open(relay, clock);
  film = await makeCapture();
  rows = relay.permits;
});
async function makeCapture(): Promise<string> {
  const { headers } = await callers.bring('device');
  const { relay } = callers;
  using device = await Peer.open(`${relay.ws}/agent/captures`, {
    ...{ protocols: [PERCH_CAPTURES_1], headers: { ...headers }, insecure: true },
  });
  await device.hears(1);
  const capture = { id: 'a', trigger: 'pir', timestamp: 1 };
  // Nothing of it can be played; an alarm tells that it was.
  const event = { kind: 'alarm', timestamp: 1, capture };
  device.send(JSON.stringify({ type: 'event', id: 'e', event }));
  await device.hears(2);
  const by = await callers.bring('owner');
  const { body } = await send(`${relay.url}/api/v1/captures`, { method: 'GET', headers: by.headers });
  return (JSON.parse(body) as { id: string }[])[0]?.id ?? '';
}

after(async () => {
  await callers?.[Symbol.asyncDispose]();
  rmSync(webRoot, { recursive: true, force: true });
});

const asGet = (method: string): string => (method === 'HEAD' ? 'GET' : method);

/** The row's name in our tables; a `HEAD` with no row of its own is its `GET`. */
const keyOf = (method: string, url: string): string =>
  `${method} ${url}` in samples ? `${method} ${url}` : `${asGet(method)} ${url}`;

const everybody = async (attempt: (name: CallerName) => Promise<number>): Promise<Outcomes> => {
  const seen: [CallerName, number][] = [];
  for (const name of callerNames) seen.push([name, await attempt(name)]);
  return Object.fromEntries(seen) as Outcomes;
};

describe('every route answers everybody as its row says', () => {
  it('and each is in the table', () => {
    const known = new Set(rows.map(({ method, url }) => keyOf(method, url)));
    const inTables = new Set([...Object.keys(samples), ...Object.keys(topicRoutes)]);
    assert.deepEqual(
      [...known].filter((key) => !inTables.has(key)),
      [],
      'routes without a sample here',
    );
    assert.deepEqual(
      [...inTables].filter((key) => !known.has(key)),
      [],
      'samples without a route',
    );
  });

  it('over HTTP', async (t) => {
    for (const { method, url, permit } of rows) {
      await t.test(`${method} ${url}`, async () => {
        const topics = topicRoutes[keyOf(method, url)];
        if (permit.to === 'topic') {
          for (const [path, wanted] of topics ?? []) {
            const at = callers.relay.url + path.replace('DEVICE', callers.device);
            const seen = await everybody(
              async (name) => (await send(at, { method, ...(await callers.bring(name)) })).status,
            );
            assert.deepEqual(seen, wanted, path);
          }
          return;
        }
        const sample = samples[keyOf(method, url)];
        assert.ok(sample, 'every route needs a sample in this test');
        const ids: Partial<Record<string, string>> = { device: callers.device, capture: film };
        const id = ids[permit.to] ?? 'nobody';
        const path = sample.path ?? url.replace(':id', id).replace('*', 'front');
        const seen = await everybody(async (name) => {
          const { headers } = sample.endsSession ? await callers.bringAnew(name) : await callers.bring(name);
          const { body } = sample;
          return (await send(callers.relay.url + path, { method, headers, body })).status;
        });
        assert.deepEqual(seen, expected(permit, sample));
      });
    }
  });
});

describe('every WebSocket answers everybody as its row says', () => {
  it('and each is in the table', () => {
    assert.deepEqual(Object.keys(sockets).sort(), Object.keys(socketPermits).sort());
  });

  for (const [pattern, cells] of Object.entries(sockets)) {
    for (const [path, wanted] of cells) {
      it(`${pattern}: ${path}`, async () => {
        const at = callers.relay.url + path.replace('DEVICE', callers.device);
        const seen = await everybody(async (name) => {
          const { headers, code } = await callers.bring(name);
          return dial(code === undefined ? at : `${at}?code=${code}`, headers);
        });
        assert.deepEqual(seen, wanted);
      });
    }
  }
});
