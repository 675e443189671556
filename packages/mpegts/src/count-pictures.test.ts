import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat } from './bytes.ts';
import { countPictures } from './count-pictures.ts';
import { PACKET_BYTES } from './packet/packet.ts';
import { TestPublisher } from './testing/publisher.ts';

test('a picture is counted in the message in which it begins, and sound is none', () => {
  const publisher = new TestPublisher();
  const picture = publisher.video(true);
  assert.ok(picture.length > PACKET_BYTES);
  assert.equal(countPictures(concat(publisher.tables(), picture, publisher.audio())), 1);
  assert.equal(countPictures(picture.subarray(PACKET_BYTES)), 0);
  assert.equal(countPictures(concat(publisher.video(false), publisher.video(false))), 2);
  assert.equal(countPictures(publisher.audio()), 0);
});

test('what is no transport stream, or ends in the middle, holds no more pictures than can be seen', () => {
  const picture = new TestPublisher().video(true);
  assert.equal(countPictures(new TextEncoder().encode('GPS: 52.5')), 0);
  assert.equal(countPictures(new Uint8Array(0)), 0);
  assert.equal(countPictures(concat(picture, Uint8Array.of(0x47, 0x41, 0x00))), 1);
  assert.equal(countPictures(concat(picture, new Uint8Array(PACKET_BYTES))), 1);
});
