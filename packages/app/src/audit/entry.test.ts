import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuditLine, decodeAudit, happeningsOf, isOf } from './entry.ts';

const at = '2026-11-21T14:02:00.000Z';
const until = '2026-11-21T14:10:00.000Z';
const line = (over: object) => ({
  node: 'n',
  seq: 1,
  who: { kind: 'user', id: 'u' },
  what: 'view',
  topic: 't',
  from: 'x',
  at,
  ...over,
});
const read = (...lines: object[]): readonly AuditLine[] => decodeAudit({ entries: lines.map(line) }).lines;

test('what has begun and ended is told once, by its end', () => {
  const [only, ...rest] = happeningsOf(
    read({ seq: 2, outcome: 'ended', until }, { seq: 1, outcome: 'begun' }),
  );
  assert.equal(only?.seq, 2);
  assert.equal(only?.state, 'over');
  assert.deepEqual(rest, []);
});

test('what has not ended goes on', () => {
  assert.equal(happeningsOf(read({ outcome: 'begun' }))[0]?.state, 'goes-on');
});

test('what had not ended when its relay was started anew was cut off, of that relay alone', () => {
  const lines = read(
    { seq: 9, what: 'relay-run', outcome: 'begun', topic: undefined, at: until },
    { seq: 8, outcome: 'begun' },
    { seq: 3, node: 'other', outcome: 'begun' },
  );
  assert.deepEqual(
    happeningsOf(lines).map(({ state }) => state),
    ['goes-on', 'cut-off', 'goes-on'],
  );
});

test('two who look at the same moment are two', () => {
  const lines = read(
    { seq: 2, outcome: 'ended', until },
    { seq: 1, outcome: 'begun', who: { kind: 'user', id: 'other' } },
  );
  assert.equal(happeningsOf(lines).length, 2);
});

test('sets of lines', () => {
  const [view, change, refused, sent] = read(
    { outcome: 'ended' },
    { what: 'token-make', outcome: 'done' },
    { outcome: 'refused' },
    { what: 'publish', outcome: 'ended' },
  );
  assert.ok(view && change && refused && sent);
  assert.ok(isOf('seen', view) && !isOf('changes', view) && !isOf('refused', view));
  assert.ok(isOf('changes', change) && !isOf('seen', change));
  assert.ok(isOf('refused', refused) && !isOf('seen', refused));
  assert.ok(isOf('all', sent) && !isOf('changes', sent) && !isOf('seen', sent));
});

test('a line without a time is passed over, words that are new stay', () => {
  const { lines, next } = decodeAudit({ entries: [{ what: 'x' }, line({ what: 'fly' })], next: 'more' });
  assert.deepEqual(
    lines.map(({ what }) => what),
    ['fly'],
  );
  assert.equal(next, 'more');
});
