import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMotionRule, noMotion } from './motion-rule.ts';

test('a rule that says only that it is on takes the defaults', () => {
  assert.deepEqual(decodeMotionRule({ feed: 'v', isOn: true }), {
    feed: 'v',
    isOn: true,
    sensitivity: 5,
    zones: [],
    beforeMs: 10_000,
    afterMs: 20_000,
    mostMs: 300_000,
  });
});

test('what it leaves out stays as it is, also when it is switched off', () => {
  const zones = [{ x: 0, y: 0.5, width: 1, height: 0.5 }];
  const before = { ...noMotion('v'), isOn: true, sensitivity: 8, zones };
  const off = decodeMotionRule({ feed: 'v', isOn: false }, () => before);
  assert.deepEqual(off, { ...before, isOn: false });
  assert.deepEqual(decodeMotionRule({ feed: 'v', zones: [] }, () => before).zones, []);
});

test('what it cannot be is refused, and the field is named', () => {
  const refusals: [rule: unknown, words: RegExp][] = [
    [7, /JSON object/],
    [{}, /`feed` must name/],
    [{ feed: 'a b' }, /`feed` may hold/],
    [{ feed: 'v', isOn: 'yes' }, /`isOn` must be true or false/],
    [{ feed: 'v', sensitivity: 11 }, /`sensitivity` must be a number from 1 to 10, not 11/],
    [{ feed: 'v', mostMs: 5 }, /`mostMs` must be a number from 10000/],
    [{ feed: 'v', zones: {} }, /`zones` must be a list of at most 16/],
    [{ feed: 'v', zones: [{ x: 0, y: 0, width: 2, height: 1 }] }, /`zones\[0\]\.width` must be a part/],
  ];
  for (const [rule, words] of refusals)
    assert.throws(() => decodeMotionRule(rule), { code: 'bad-rule', message: words });
});
