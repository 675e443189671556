import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuleError } from './errors.ts';
import { decodeDestinationRule, decodeFeedRule, decodeStreamRule, isName, refuseNesting } from './rule.ts';

test('one leading slash is taken away, no more', () => {
  assert.equal(decodeStreamRule({ stream: '/stream/x' }).stream, 'stream/x');
  assert.equal(decodeStreamRule({ stream: '//stream/x' }).stream, '/stream/x');
});

test('missing and null fields are zero', () => {
  assert.deepEqual(decodeStreamRule({ feeds: null }), { stream: '', feeds: null });
  assert.deepEqual(decodeStreamRule(null), { stream: '', feeds: null });
  assert.deepEqual(decodeDestinationRule({ token: null }), {
    id: '',
    stream: '',
    destination: '',
    token: '',
  });
});

test('unknown fields are ignored, the protocol is kept only when set', () => {
  const rule = { id: 'a', stream: 'v', destination: 'ws://x', token: 't', extra: 1 };
  assert.deepEqual(Object.keys(decodeDestinationRule(rule)), ['id', 'stream', 'destination', 'token']);
  assert.equal(decodeDestinationRule({ ...rule, protocol: 'perch.1' }).protocol, 'perch.1');
  assert.throws(() => decodeDestinationRule({ ...rule, protocol: 'perch.9' }), { code: 'bad-rule' });
});

test('an id that stands for all is refused', () => {
  assert.throws(() => decodeDestinationRule({ id: 'all' }), /stands for all/);
});

test('alternatives stand in place of feeds, each a list of feeds', () => {
  const alternatives = [['large', 'audio'], ['small']];
  assert.deepEqual(decodeStreamRule({ stream: 'stream/x', alternatives }), {
    stream: 'stream/x',
    feeds: null,
    alternatives,
  });
  assert.equal('alternatives' in decodeStreamRule({ feeds: ['v'], alternatives: null }), false);
  for (const [rule, words] of [
    [{ feeds: ['v'], alternatives }, /leave one of them out/],
    [{ alternatives: [] }, /1 to 8 lists/],
    [{ alternatives: ['v'] }, /`alternatives\[0\]` must be a list/],
    [{ alternatives: [['v'], ['a b']] }, /`alternatives\[1\]\[0\]` may hold letters/],
    [{ alternatives: [['api']] }, /control channel/],
  ] as const) {
    assert.throws(() => decodeStreamRule(rule), words);
  }
});

test('a stream is not put together of streams, least of all of itself', () => {
  const nested = (rule: object) => () => refuseNesting(decodeStreamRule({ stream: 'stream/x', ...rule }));
  assert.throws(nested({ feeds: ['v', '/stream/x'] }), /"stream\/x" names itself/);
  assert.throws(nested({ feeds: ['stream/y'] }), /"stream\/y" is a stream, .* name the feeds of "stream\/y"/);
  assert.throws(nested({ alternatives: [['v'], ['stream/y']] }), { code: 'bad-rule' });
  nested({ feeds: ['streams', 'x/stream/y'] })();
});

test('a feed rule holds a delay in milliseconds', () => {
  assert.deepEqual(decodeFeedRule({ feed: '/audio0', delayMs: 20.5 }), { feed: 'audio0', delayMs: 20.5 });
  assert.deepEqual(decodeFeedRule({ feed: 'audio0' }), { feed: 'audio0', delayMs: 0 });
  for (const delayMs of [-1, 10_001, Number.NaN, '20'])
    assert.throws(() => decodeFeedRule({ feed: 'a', delayMs }), /`delayMs` must be a number from 0 to 10000/);
});

test('names are letters, digits and . _ ~ - / up to 256', () => {
  for (const good of ['a', 'A9._~-/b', 'stream/x']) assert.equal(isName(good), true, good);
  for (const bad of ['', 'a b', 'ä', 'a?', 'x'.repeat(257)]) assert.equal(isName(bad), false, bad);
});

test('whatever comes in, a rule or a RuleError comes out', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      for (const decode of [decodeStreamRule, decodeDestinationRule, decodeFeedRule]) {
        try {
          decode(value);
        } catch (error) {
          assert.ok(error instanceof RuleError, String(error));
        }
      }
    }),
    { numRuns: 2_000 },
  );
});
