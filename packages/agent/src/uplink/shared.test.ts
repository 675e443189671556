import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DestinationRule, StreamRule } from '../rules/rule.ts';
import { Shared } from './shared.ts';

const shared = () => new Shared({ relay: 'http://127.0.0.1:8080', token: 'T' });
const rules = (streams: readonly StreamRule[] = [], destinations: readonly DestinationRule[] = []) => ({
  streams: new Map(streams.map((rule) => [rule.stream, rule])),
  destinations: new Map(destinations.map((rule) => [rule.id, rule])),
});
const away: DestinationRule = { id: '0', stream: 'video0', destination: 'ws://elsewhere/in/x', token: '' };

test('a feed that no rule sends anywhere goes to a topic of its own name', () => {
  assert.deepEqual(
    [...shared().complete(rules(), ['cam'])],
    [
      [
        'shared/cam',
        {
          id: 'shared/cam',
          stream: 'cam',
          destination: 'http://127.0.0.1:8080/session/cam',
          token: 'T',
          protocol: 'perch.1',
        },
      ],
    ],
  );
});

test('a stream goes out as soon as its rule exists', () => {
  const complete = shared().complete(rules([{ stream: 'stream/front', feeds: ['v'] }]), []);
  assert.deepEqual([...complete.keys()], ['shared/stream/front']);
});

test('what a rule sends somewhere is left to that rule', () => {
  const complete = shared().complete(rules([], [away]), ['video0', 'audio0']);
  assert.deepEqual([...complete.keys()], ['0', 'shared/audio0']);
});

test('as long as a feed lasts its rule is the same object, so that the connection stays', () => {
  const one = shared();
  const rule = one.complete(rules(), ['cam']).get('shared/cam');
  assert.equal(one.complete(rules([], [away]), ['cam', 'other']).get('shared/cam'), rule);
});

test('the control channel, and names that are no topics, are never shared', () => {
  assert.deepEqual([...shared().complete(rules(), ['api', 'a//b', 'stream/without-rule']).keys()], []);
});
