import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger, systemClock } from '@perch/runtime';
import { startAgent } from '../agent.ts';
import { Encoder } from '../streams/testing/encoder.ts';
import { captureRoutes } from './captures.ts';
import { formatMetrics } from './metrics.ts';
import { openapi } from './openapi.ts';
import { makeRoutes } from './routes.ts';
import type { Stats } from './stats.ts';

async function start(t: TestContext) {
  const data = await mkdtemp(join(tmpdir(), 'perch-routes-'));
  const agent = await startAgent({ listen: { host: '127.0.0.1', port: 0 }, data, logger: silentLogger });
  t.after(async () => {
    await agent.close();
    await rm(data, { recursive: true, force: true });
  });
  return agent;
}

/** Verbs by path, in the words of the description. */
function describedVerbs(): Map<string, string[]> {
  return new Map(
    Object.entries(openapi.paths).map(([path, operations]) => [
      path.replace(/\{.*\}$/, ''),
      Object.keys(operations)
        .filter((key) => key !== 'parameters')
        .map((verb) => verb.toUpperCase())
        .sort(),
    ]),
  );
}

test('the description and the routes are the same, verb for verb', () => {
  // Handlers are looked at, not called.
  const pages = captureRoutes(undefined, systemClock);
  const routes = makeRoutes({ pages } as unknown as Parameters<typeof makeRoutes>[0]);
  const described = describedVerbs();
  assert.deepEqual([...described.keys()].sort(), routes.map(({ path }) => path).sort());
  for (const { path, verbs } of routes) {
    if ('any' in verbs) continue; // any verb does, one is described
    assert.deepEqual(described.get(path), Object.keys(verbs).sort(), path);
  }
});

test('every reference in the description leads somewhere, and it is served as it is', async (t) => {
  const agent = await start(t);
  const text = await (await fetch(`${agent.url}/api/openapi.json`)).text();
  assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(openapi)));
  for (const [, schema] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(schema && schema in openapi.components.schemas, schema);
  }
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Every record in `value` has the fields of its schema, in order. */
function assertFields(value: unknown, schema: Schema, where: string): void {
  if (Array.isArray(value)) {
    for (const [i, entry] of value.entries()) assertFields(entry, schema.items ?? {}, `${where}[${i}]`);
  } else if (schema.properties && typeof value === 'object' && value !== null) {
    assert.deepEqual(Object.keys(value), Object.keys(schema.properties), where);
    for (const [key, entry] of Object.entries(value)) {
      assertFields(entry, schema.properties[key] ?? {}, `${where}.${key}`);
    }
  }
}

test('real figures have exactly the fields that the description names', async (t) => {
  const agent = await start(t);
  const put = (kind: string, rule: object) =>
    fetch(`${agent.url}/api/${kind}`, { method: 'PUT', body: JSON.stringify(rule) });
  const destination = 'ws://user:secret@127.0.0.1:1/x?code=secret';
  await put('destinations', { id: '0', stream: 'stream/x', destination });
  await put('streams', { stream: 'stream/x', alternatives: [['v'], ['w']] });
  const encoder = new Encoder('video');
  const publisher = request(`${agent.url}/ts/v`, { method: 'POST' });
  publisher.on('error', () => {
    // it is cut off at the end
  });
  t.after(() => publisher.destroy());
  publisher.write(Buffer.concat([encoder.unit({ key: true }), encoder.unit(), encoder.unit()]));
  const ask = async () => (await (await fetch(`${agent.url}/api/stats`)).json()) as Stats;
  while ((await ask()).feeds.every(({ tracks }) => tracks.length === 0));
  const stats = await ask();
  assertFields(stats, openapi.components.schemas.Stats as Schema, 'stats');
  assert.deepEqual([stats.feeds.length, stats.streams.length, stats.destinations.length], [1, 1, 1]);
  assert.deepEqual(
    stats.streams[0]?.tracks.map(({ feed, codec }) => [feed, codec]),
    [['v', 'h264']],
  );
  assert.doesNotMatch(JSON.stringify(stats), /secret/);
});

test('the page is served with a strict policy, and so are its parts', async (t) => {
  const agent = await start(t);
  for (const [path, type] of [
    ['/', 'text/html'],
    ['/page.js', 'text/javascript'],
    ['/page.css', 'text/css'],
  ] as const) {
    const response = await fetch(agent.url + path);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', new RegExp(type));
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    await response.text();
  }
  assert.equal((await fetch(`${agent.url}/preview/v`)).status, 404, 'without the player there is no preview');
});

test('metrics are in the text format of Prometheus, with labels escaped', () => {
  const stats: Stats = {
    preview: false,
    control: null,
    feeds: [
      {
        ...{ feed: 'a"b\\c\nd', publishers: 1, takers: 2, bitRate: 8, messages: 3, bytes: 4 },
        ...{ tracks: [], delayMs: 0, offsetMs: 2.5, driftPpm: -3, restarts: 1, losses: 0, oddities: [] },
        motion: null,
      },
    ],
    streams: [],
    destinations: [],
    members: [],
    sources: [],
    cameras: [],
  };
  const text = formatMetrics(stats);
  assert.match(
    text,
    /^# HELP perch_agent_feed_bytes_total .*\n# TYPE perch_agent_feed_bytes_total counter\n/,
  );
  assert.ok(text.includes('perch_agent_feed_bytes_total{feed="a\\"b\\\\c\\nd"} 4\n'));
  assert.ok(text.includes('perch_agent_members 0\n'));
  for (const line of text.trimEnd().split('\n'))
    assert.match(line, /^(# (HELP|TYPE) |[a-z_]+(\{.*\})? [0-9.]+$)/);
});
