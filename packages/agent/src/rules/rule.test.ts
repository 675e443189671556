import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuleError } from './errors.ts';
import { decodeDestinationRule, decodeStreamRule, isName } from './rule.ts';

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

test('names are letters, digits and . _ ~ - / up to 256', () => {
  for (const good of ['a', 'A9._~-/b', 'stream/x']) assert.equal(isName(good), true, good);
  for (const bad of ['', 'a b', 'ä', 'a?', 'x'.repeat(257)]) assert.equal(isName(bad), false, bad);
});

test('whatever comes in, a rule or a RuleError comes out', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      for (const decode of [decodeStreamRule, decodeDestinationRule]) {
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
