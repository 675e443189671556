import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeAudit, happeningsOf } from './entry.ts';
import { sentenceOf, textOf } from './sentences.ts';
import { verbs } from './verbs.ts';

const on = (hour: number, minute: number, day = 21) => new Date(2026, 10, day, hour, minute).getTime();
const known = { me: 'me', devices: new Map([['porch-1a2b', 'Porch']]) };
const phone = 'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36';

function say(line: { at: number; until?: number; [field: string]: unknown }): string {
  const entry = {
    node: 'n',
    seq: 1,
    who: { kind: 'user', id: 'u1', name: 'Anna' },
    what: 'view',
    topic: 'kitchen-x7k2/camera',
    from: '192.0.2.7',
    outcome: 'ended',
    ...line,
    at: new Date(line.at).toISOString(),
    ...(line.until && { until: new Date(line.until).toISOString() }),
  };
  const [happening] = happeningsOf(decodeAudit({ entries: [entry] }).lines);
  assert.ok(happening);
  return textOf(sentenceOf(happening, known));
}

test('who saw what, from when to when, on what', () => {
  assert.equal(
    say({ at: on(14, 2), until: on(14, 10), detail: phone }),
    'Anna saw kitchen-x7k2/camera from 14:02 to 14:10, phone',
  );
});

test('what goes on is said as going on', () => {
  assert.equal(say({ at: on(14, 2), outcome: 'begun' }), 'Anna sees kitchen-x7k2/camera since 14:02');
});

test('a device bears its name, and who reads is You', () => {
  assert.equal(
    say({
      at: on(9, 0),
      until: on(9, 5),
      who: { kind: 'user', id: 'me', name: 'Ben' },
      topic: 'porch-1a2b/cam',
    }),
    'You saw Porch / cam from 09:00 to 09:05',
  );
});

test('a look of less than a minute has one time', () => {
  assert.equal(say({ at: on(9, 0), until: on(9, 0) + 20_000 }), 'Anna saw kitchen-x7k2/camera at 09:00');
});

test('what began on another day than it ended names that day', () => {
  assert.equal(
    say({ at: on(23, 50, 20), until: on(0, 10) }),
    'Anna saw kitchen-x7k2/camera from 20 November 2026, 23:50 to 00:10',
  );
});

test('who was refused is told as an attempt, and how often', () => {
  assert.equal(
    say({ at: on(3, 0), until: on(3, 1), outcome: 'refused', who: { kind: 'unknown' }, times: 12 }),
    'Somebody unknown tried to see kitchen-x7k2/camera from 03:00 to 03:01, 12 times',
  );
});

test('an act that this version does not know is still told', () => {
  assert.equal(
    say({ at: on(3, 0), outcome: 'done', what: 'lamp-light', topic: undefined }),
    'Anna did “lamp light” at 03:00',
  );
});

test('there are words for everything that the relay writes down', () => {
  const source = readFileSync(join(import.meta.dirname, '../../../relay/src/audit/entry.ts'), 'utf8');
  const acts = [...(/export type Act =([^;]+);/.exec(source)?.[1]?.matchAll(/'([^']+)'/g) ?? [])];
  assert.ok(acts.length > 5);
  const wordless = acts.flatMap(([, act = '']) => (verbs[act] ? [] : [act]));
  assert.deepEqual(wordless, [], 'give them words in verbs.ts');
});
