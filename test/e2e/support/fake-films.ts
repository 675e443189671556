import type { FakeRoutes } from './fake-relay.ts';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

/** A film as the relay's API tells of it. */
export interface FakeFilm {
  readonly id: string;
  readonly device: string;
  readonly cause: 'motion' | 'asked';
  readonly at: string;
  readonly ended: string | null;
  readonly complete: boolean;
  readonly segments: number;
  readonly lost: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly alarms: number;
  readonly keep: boolean;
}

export const fakeFilm = (at: number, over: Partial<FakeFilm> = {}): FakeFilm => ({
  id: `f${Math.floor(at / 1_000)}`,
  device: 'kitchen-x7k2',
  cause: 'motion',
  at: new Date(at).toISOString(),
  ended: new Date(at + 23_000).toISOString(),
  complete: true,
  segments: 1,
  lost: 0,
  bytes: 4_200_000,
  seconds: 23,
  alarms: 0,
  keep: false,
  ...over,
});

/** So many films, the newest first: one every 20 minutes, each fourth of the porch, each fifth asked for, each sixth with an alarm. */
export const fakeFilms = (many: number, now = Date.now()): FakeFilm[] =>
  Array.from({ length: many }, (_, i) =>
    fakeFilm(now - (i + 1) * 20 * MINUTE, {
      id: `f${i}`,
      device: i % 4 === 3 ? 'porch-m4qd' : 'kitchen-x7k2',
      cause: i % 5 === 4 ? 'asked' : 'motion',
      alarms: i % 6 === 5 ? 1 : 0,
      keep: i === 2,
    }),
  );

/** What a device's camera is, as `…/camera` tells it. */
export const fakeCamera = (over: object = {}) => ({
  armed: {
    wanted: true,
    known: true,
    by: 'Anna',
    at: new Date(Date.now() - 30 * MINUTE).toISOString(),
  },
  schedule: null,
  zone: 'Europe/Berlin',
  problem: null,
  last: [],
  ...over,
});

/** A relay's routes for films: `films` may be changed at any time. */
export function filmRoutes(films: FakeFilm[]): FakeRoutes {
  const find = (id: string | undefined) => films.findIndex((film) => film.id === id);
  const missing = { status: 404, body: { code: 404, message: 'there is no such capture' } };
  return {
    'GET /api/v1/captures': ({ query }) => ({ body: page(films, query) }),
    'GET /api/v1/captures/days': () => ({ body: daysOf(films) }),
    'GET /api/v1/captures/alarms': () => ({
      body: films
        .filter(({ alarms }) => alarms > 0)
        .map(({ id, device, at }) => ({
          ...{ id: `a-${id}`, device, capture: id, gpio: null },
          at: new Date(Date.parse(at) + 5_000).toISOString(),
        })),
    }),
    'GET /api/v1/captures/retention': () => ({ body: { days: 30, bytes: 20e9, used: 7.4e9 } }),
    'PUT /api/v1/captures/retention': ({ body }) => ({ body }),
    'GET /api/v1/captures/:id/shares': () => ({ body: [] }),
    'GET /api/v1/captures/:id': ({ names: [id] }) => {
      const film = films[find(id)];
      return film ? { body: { ...film, segmentList: [] } } : missing;
    },
    'PATCH /api/v1/captures/:id': ({ names: [id], body }) => {
      const film = films[find(id)];
      if (!film) return missing;
      films[find(id)] = { ...film, ...(body as { keep: boolean }) };
      return { body: films[find(id)] };
    },
    'DELETE /api/v1/captures/:id': ({ names: [id] }) => {
      if (find(id) === -1) return missing;
      films.splice(find(id), 1);
      return { status: 204 };
    },
  };
}

function page(films: readonly FakeFilm[], query: URLSearchParams): FakeFilm[] {
  const [since, until] = [Date.parse(query.get('since') ?? ''), Date.parse(query.get('until') ?? '')];
  const wanted = films.filter(
    ({ device, cause, alarms, at }) =>
      (query.get('device') ?? device) === device &&
      (query.get('cause') ?? cause) === cause &&
      (query.get('alarm') === null || alarms > 0) &&
      !(Date.parse(at) < since) &&
      !(Date.parse(at) > until),
  );
  const from = query.get('after') === null ? 0 : wanted.findIndex(({ id }) => id === query.get('after')) + 1;
  return wanted.slice(from, from + Number(query.get('limit') ?? 50));
}

function daysOf(films: readonly FakeFilm[]) {
  const byDay = Map.groupBy(films, ({ at }) => {
    const date = new Date(at);
    // In the browser's own zone, which is ours.
    return new Date(date.getTime() - date.getTimezoneOffset() * MINUTE).toISOString().slice(0, 10);
  });
  return [...byDay].map(([day, some]) => ({
    day,
    captures: some.length,
    alarms: some.reduce((sum, { alarms }) => sum + alarms, 0),
  }));
}

export { DAY, MINUTE };
