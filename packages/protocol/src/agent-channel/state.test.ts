import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyChanges, type DeviceState, noState, StateDiffer, type StateItems } from './index.ts';

const nothing: StateItems = { feeds: [], streams: [], destinations: [], sources: [], cameras: [] };
const name = fc.constantFrom('a', 'b', 'c', 'd', '__proto__');
const items = (key: string) =>
  fc.uniqueArray(
    fc
      .record({ name, value: fc.nat(3) })
      .map((item): Record<string, unknown> => ({ [key]: item.name, value: item.value })),
    { selector: (item) => String(item[key]), maxLength: 4 },
  );
const states = fc.record({
  feeds: items('feed'),
  streams: items('stream'),
  destinations: items('id'),
  sources: items('source'),
  cameras: items('camera'),
});

const byName = (state: DeviceState) => ({
  ...state,
  ...Object.fromEntries(
    (['feeds', 'streams', 'destinations', 'sources', 'cameras'] as const).map((list) => [
      list,
      [...state[list]].map((item) => JSON.stringify(item)).sort(),
    ]),
  ),
});

test('whoever applies each change has what the other end has', () => {
  fc.assert(
    fc.property(fc.array(states, { maxLength: 8 }), (row) => {
      const differ = new StateDiffer(10_000);
      let theirs = noState;
      for (const ours of row) {
        const changes = differ.next(ours);
        if (changes) theirs = applyChanges(theirs, JSON.parse(JSON.stringify(changes)));
        assert.deepEqual(byName(theirs), byName({ ...ours, leftOut: 0 }));
      }
    }),
  );
});

test('the first time something is said even where there is nothing, then only what is new', () => {
  const differ = new StateDiffer(1_000);
  const feed = (bitRate: number) => ({ ...nothing, feeds: [{ feed: 'v', bitRate }, { feed: 'w' }] });
  assert.deepEqual(differ.next(nothing), {});
  assert.equal(differ.next(nothing), undefined);
  assert.deepEqual(differ.next(feed(1)), { feeds: { set: [{ feed: 'v', bitRate: 1 }, { feed: 'w' }] } });
  assert.equal(differ.next(feed(1)), undefined);
  assert.deepEqual(differ.next(feed(2)), { feeds: { set: [{ feed: 'v', bitRate: 2 }] } });
  assert.deepEqual(differ.next(nothing), { feeds: { gone: ['v', 'w'] } });
});

test('what is too much to show is left out and counted', () => {
  const differ = new StateDiffer(40);
  const many = { ...nothing, feeds: Array.from({ length: 10 }, (_, i) => ({ feed: `video${i}` })) };
  const state = applyChanges(noState, differ.next(many) ?? {});
  assert.deepEqual(state.feeds, [{ feed: 'video0' }, { feed: 'video1' }]);
  assert.equal(state.leftOut, 8);
  assert.deepEqual(differ.next(nothing), { feeds: { gone: ['video0', 'video1'] }, leftOut: 0 });
});

test('of two items with one name the first is shown', () => {
  const differ = new StateDiffer(1_000);
  const twice = {
    ...nothing,
    sources: [
      { source: 'demo', n: 1 },
      { source: 'demo', n: 2 },
    ],
  };
  assert.deepEqual(differ.next(twice), { sources: { set: [{ source: 'demo', n: 1 }] } });
  assert.equal(differ.next(twice), undefined);
});
