import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeStreams, topicWords } from './stream-info.ts';

test('streams are read in order, and what is no stream is passed over', () => {
  assert.deepEqual(
    decodeStreams([
      { topic: 'b' },
      { topic: 'a', viewers: 2, bitrate: 3, waiting: true, more: 1 },
      null,
      5,
      {},
    ]),
    [
      { topic: 'a', viewers: 2, bitrate: 3, waiting: true },
      { topic: 'b', viewers: 0, bitrate: 0, waiting: false },
    ],
  );
  assert.deepEqual(decodeStreams({ not: 'a list' }), []);
});

test("a device's topics bear its name, others their own", () => {
  const names = new Map([['kitchen-x7k2', 'Kitchen']]);
  assert.deepEqual(topicWords('kitchen-x7k2/front/large', names), {
    where: 'Kitchen / ',
    what: 'front/large',
  });
  assert.deepEqual(topicWords('lab/a/b', names), { where: 'lab/a/', what: 'b' });
  assert.deepEqual(topicWords('flat', names), { where: '', what: 'flat' });
});
