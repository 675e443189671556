import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeStreams, showBitrate } from './api.ts';

test('streams are read, and what is no stream is passed over', () => {
  assert.deepEqual(
    decodeStreams([{ topic: 'a', viewers: 2, bitrate: 3, waiting: true, more: 1 }, null, 5, {}]),
    [{ topic: 'a', viewers: 2, bitrate: 3, waiting: true }],
  );
  assert.deepEqual(decodeStreams({ not: 'a list' }), []);
});

test('bit rates are short', () => {
  assert.equal(showBitrate(1_234_000), '1.2 Mbit/s');
  assert.equal(showBitrate(64_300), '64 kbit/s');
});
