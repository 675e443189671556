import type { FakeAnswer, FakeRoutes } from './fake-relay.ts';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

/** A household with something in every list, as a relay's API would answer for its owner. Lists may be changed. */
export function household(now = Date.now()) {
  const ago = (ms: number) => new Date(now - ms).toISOString();
  const me = {
    id: 'u-anna',
    name: 'Anna',
    role: 'owner',
    household: { id: 'home', name: 'Lindenhof' },
    hasPassword: false,
    passkeys: [
      { id: 'k1', name: 'Chrome on Android', created: ago(40 * DAY), lastUsed: ago(5 * MINUTE) },
    ] as unknown[],
    permissions: {},
  };
  const users: { id: string; name: string; role: string; permissions: Record<string, string[]> }[] = [
    { id: 'u-anna', name: 'Anna', role: 'owner', permissions: {} },
    { id: 'u-ben', name: 'Ben', role: 'member', permissions: {} },
    { id: 'u-grandma', name: 'Oma Hilde', role: 'guest', permissions: { '*': ['view', 'listen'] } },
  ];
  const devices = [
    {
      id: 'kitchen-x7k2',
      name: 'Kitchen',
      enrolled: ago(20 * DAY),
      certificateExpires: ago(-70 * DAY),
      online: true,
      lastSeen: ago(1_000),
      address: '192.0.2.7',
    },
    {
      id: 'porch-m4qd',
      name: 'Porch',
      enrolled: ago(200 * DAY),
      certificateExpires: ago(-20 * DAY),
      online: false,
      lastSeen: ago(180 * MINUTE),
      address: '192.0.2.7',
    },
  ];
  const push = {
    publicKey: 'BAAA',
    subscription: null as object | null,
    quiet: {
      ...{ from: '22:00', to: '07:00', zone: 'Europe/Zurich', days: [1, 2, 3, 4, 5, 6, 7], alarms: true },
    },
    devices: devices.map(({ id, name }, i) => ({ id, name, send: i === 0 ? 'all' : 'alarms' })),
  };
  const invites = [
    {
      id: 'i1',
      for: 'Tom',
      topic: 'kitchen-x7k2/camera',
      permissions: ['view', 'listen'],
      expires: ago(-2 * DAY),
      once: false,
    },
    {
      id: 'i2',
      for: 'The plumber',
      device: 'porch-m4qd',
      permissions: ['view'],
      expires: ago(-50 * MINUTE),
      once: true,
    },
  ];
  const sessions = [
    {
      id: 's1',
      user: 'u-anna',
      created: ago(9 * DAY),
      lastUsed: ago(0),
      address: '192.0.2.7',
      userAgent:
        'Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36',
      current: true,
    },
    {
      id: 's2',
      user: 'u-ben',
      created: ago(90 * DAY),
      lastUsed: ago(3 * DAY),
      address: '198.51.100.4',
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      current: false,
    },
  ];
  const tokens = [
    {
      id: '1f0c22a9b3d4',
      topic: 'kitchen-x7k2/**',
      scope: ['read'],
      expires: ago(-60 * DAY),
      lastUsed: ago(2 * MINUTE),
    },
  ];
  const streams = [
    { topic: 'kitchen-x7k2/camera', viewers: 1, bitrate: 1_840_000, waiting: false },
    { topic: 'kitchen-x7k2/stream/front', viewers: 0, bitrate: 1_910_000, waiting: false },
    { topic: 'lab/bench', viewers: 2, bitrate: 640_000, waiting: true },
  ];
  const json = (body: unknown): FakeAnswer => ({ body });
  const done: FakeAnswer = { status: 204 };
  const routes: FakeRoutes = {
    'GET /api/v1/me': () => json(me),
    'PATCH /api/v1/me': ({ body }) => {
      Object.assign(me, body);
      return done;
    },
    'POST /api/v1/sign-in': () => done,
    'POST /api/v1/sign-out': () => done,
    'PUT /api/v1/me/password': () => {
      me.hasPassword = true;
      return done;
    },
    'GET /api/v1/users': () => json(users),
    'POST /api/v1/users': ({ body }) => {
      const user = { id: 'u-new', permissions: {}, ...(body as { name: string; role: string }) };
      users.push(user);
      return { status: 201, body: { ...user, link: 'https://relay.example/#Zm9vYmFyYmF6cXV1eA-3kQ' } };
    },
    'POST /api/v1/users/:id/link': () => ({
      status: 201,
      body: { link: 'https://relay.example/#Zm9vYmFyYmF6cXV1eA-3kQ' },
    }),
    'PATCH /api/v1/users/:id': ({ names, body }) => {
      const user = users.find(({ id }) => id === names[0]);
      const { permissions, ...rest } = body as { permissions?: Record<string, string[] | null> };
      const lists = Object.entries({ ...user?.permissions, ...permissions });
      const kept = Object.fromEntries(
        lists.filter((entry): entry is [string, string[]] => entry[1] !== null),
      );
      if (user) Object.assign(user, rest, { permissions: kept });
      return done;
    },
    'DELETE /api/v1/users/:id': ({ names }) => {
      users.splice(
        users.findIndex(({ id }) => id === names[0]),
        1,
      );
      return done;
    },
    'GET /api/v1/devices': () => json(devices),
    'PATCH /api/v1/devices/:id': ({ names, body }) => {
      const device = devices.find(({ id }) => id === names[0]);
      if (device) Object.assign(device, body);
      return done;
    },
    'DELETE /api/v1/devices/:id': ({ names }) => {
      devices.splice(
        devices.findIndex(({ id }) => id === names[0]),
        1,
      );
      return done;
    },
    'POST /api/v1/devices/codes': () => ({
      status: 201,
      body: {
        code: 'K4TP-9XQ2',
        expires: new Date(Date.now() + 10 * MINUTE).toISOString(),
        command: 'perch enroll https://relay.example K4TP-9XQ2',
        qr: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 3"><path fill="#fff" d="M0 0h3v3H0z"/><path d="M0 0h1v1H0zM2 0h1v1H2zM1 1h1v1H1zM0 2h1v1H0z"/></svg>',
      },
    }),
    'POST /api/v1/devices/:id/streams': ({ body }) => json(body),
    'POST /api/v1/devices/:id/destinations': ({ body }) => json(body),
    'DELETE /api/v1/devices/:id/destinations/:name': () => done,
    'POST /api/v1/devices/:id/move': () => done,
    'GET /api/v1/invites': () => json(invites),
    'POST /api/v1/invites': ({ body }) => {
      invites.push({ ...(body as (typeof invites)[0]), id: 'i-new' });
      return {
        status: 201,
        body: { id: 'i-new', link: 'https://relay.example/#/invite/cXV1eC1mb28tYmFyLWJheg' },
      };
    },
    'DELETE /api/v1/invites/:id': ({ names }) => {
      invites.splice(
        invites.findIndex(({ id }) => id === names[0]),
        1,
      );
      return done;
    },
    'GET /api/v1/sessions': () => json(sessions),
    'DELETE /api/v1/sessions/:id': ({ names }) => {
      sessions.splice(
        sessions.findIndex(({ id }) => id === names[0]),
        1,
      );
      return done;
    },
    'GET /api/v1/push': () => json(push),
    'GET /api/v1/tokens': () => json(tokens),
    'POST /api/v1/tokens': ({ body }) => {
      tokens.push({
        id: 'new',
        lastUsed: ago(0),
        expires: ago(-DAY),
        ...(body as object),
      } as (typeof tokens)[0]);
      return { status: 201, body: { id: 'new', token: 'prch_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0' } };
    },
    'GET /api/v1/streams': () => json(streams),
    'GET /api/v1/audit': () => json({ entries: history(now) }),
  };
  return { me, users, devices, invites, sessions, tokens, streams, routes };
}

/** What the kitchen's device tells. */
export const kitchenState = (host: string) => ({
  feeds: [
    feed('camera', 1_840_000, [{ class: 'video', codec: 'h264' }]),
    feed('microphone', 64_000, [{ class: 'audio', codec: 'aac' }]),
    feed('thermal', 310_000, [{ class: 'video', codec: 'hevc' }]),
  ],
  streams: [
    {
      stream: 'stream/front',
      feeds: ['camera', 'microphone'],
      alternatives: null,
      takers: 1,
      bitRate: 1_910_000,
      tracks: [
        { class: 'video', codec: 'h264', feed: 'camera' },
        { class: 'audio', codec: 'aac', feed: 'microphone' },
      ],
      oddities: [],
    },
  ],
  destinations: [
    destination('shared/stream/front', 'stream/front', `http://${host}/session/kitchen-x7k2/stream/front`, {
      viewers: 2,
    }),
    destination('camera', 'camera', `ws://${host}/in/kitchen-x7k2/camera`, { viewers: 0, bitRate: 0 }),
    destination('backup', 'stream/front', 'wss://backup.example/in/kitchen', {
      state: 'waiting',
      nextTryInMs: 4_200,
      lastError: 'connect ECONNREFUSED 198.51.100.9:443',
      reconnects: 12,
      readOnly: true,
    }),
  ],
  sources: [],
});

const feed = (name: string, bitRate: number, tracks: object[]) => ({
  feed: name,
  publishers: 1,
  takers: 1,
  bitRate,
  tracks,
  oddities: [],
});

const destination = (id: string, stream: string, address: string, over: object) => ({
  id,
  stream,
  destination: address,
  readOnly: false,
  state: 'open',
  openForMs: 90_000,
  nextTryInMs: null,
  lastError: null,
  bitRate: 1_910_000,
  delayMs: 38,
  dropped: { messages: 0, bytes: 0 },
  viewers: null,
  reconnects: 0,
  ...over,
});

/** A day of the household, the latest first. */
function history(now: number) {
  let seq = 100;
  const phone =
    'Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36';
  const line = (minutes: number, over: object) => ({
    node: 'a1b2c3d4a1b2c3d4',
    seq: seq--,
    who: { kind: 'user', id: 'u-anna', name: 'Anna' },
    what: 'view',
    from: '192.0.2.7',
    at: new Date(now - minutes * MINUTE).toISOString(),
    outcome: 'done',
    times: 1,
    hash: '0'.repeat(64),
    ...over,
  });
  const until = (minutes: number) => ({
    outcome: 'ended',
    until: new Date(now - minutes * MINUTE).toISOString(),
  });
  const ben = { who: { kind: 'user', id: 'u-ben', name: 'Ben' } };
  return [
    line(3, { ...ben, topic: 'kitchen-x7k2/camera', outcome: 'begun', detail: phone }),
    line(30, { topic: 'kitchen-x7k2/camera', ...until(22), detail: phone }),
    line(44, {
      who: { kind: 'unknown' },
      what: 'sign-in',
      outcome: 'refused',
      from: '203.0.113.80',
      times: 6,
      until: new Date(now - 41 * MINUTE).toISOString(),
      detail: 'the secret of no sign-in link that is good',
    }),
    line(60, { who: { kind: 'invite', id: 'i1', name: 'Tom' }, topic: 'kitchen-x7k2/camera', ...until(55) }),
    line(95, { what: 'token-make', topic: 'kitchen-x7k2/**', detail: 'token 1f0c22a9b3d4: read' }),
    line(180, {
      who: { kind: 'device', id: 'porch-m4qd' },
      what: 'publish',
      topic: 'porch-m4qd/camera',
      ...until(170),
    }),
    line(1_500, { ...ben, what: 'sign-in', detail: phone }),
    line(1_520, { who: { kind: 'host' }, what: 'relay-run', from: 'here', outcome: 'begun' }),
  ];
}
