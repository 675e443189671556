import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat } from './bytes.ts';
import { findRandomAccess } from './find-random-access.ts';
import { PACKET_BYTES } from './packet/packet.ts';
import { TestPublisher } from './testing/publisher.ts';

test('a random access point is found by its packet: unit start, flag and stream', () => {
  const publisher = new TestPublisher();
  const [audio, plain, key] = [publisher.audio(), publisher.video(false), publisher.video(true)];
  const bytes = concat(audio, plain, key);
  assert.equal(findRandomAccess(bytes, 'video'), audio.length + plain.length);
  assert.equal(findRandomAccess(bytes.subarray(PACKET_BYTES), 'audio'), 0);
  assert.equal(findRandomAccess(plain, 'video'), 0);
  assert.equal(findRandomAccess(new Uint8Array(0), 'video'), 0);
});
