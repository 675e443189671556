import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Codec } from '../codec/codec.ts';
import { looksLikeKeyFrame } from './key-frame.ts';

const isKey = (codec: Codec, hex: string) => {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return looksLikeKeyFrame(codec, bytes, 0, bytes.length);
};

test('a key frame is known by its first NAL units or headers, whatever the packet says', () => {
  // Access unit delimiter, then a parameter set or a slice of an IDR picture.
  assert.equal(isKey('h264', '0000000109f0000000016742c00d'), true);
  assert.equal(isKey('h264', '0000000109f00000000165880400'), true);
  assert.equal(isKey('hevc', '00000001460150000000014001' + '0c01'), true);
  assert.equal(isKey('hevc', '0000000146015000000001260100'), true);
  assert.equal(isKey('mpeg2video', '000001b31400f023'), true);
});

test('what needs other pictures is none, and neither is what is not known', () => {
  assert.equal(isKey('h264', '0000000109f0000000014188aa00'), false);
  assert.equal(isKey('hevc', '0000000146015000000001020100'), false);
  assert.equal(isKey('mpeg2video', '00000100000ffff8'), false);
  assert.equal(isKey({ unknown: 'data' }, '000001b31400f023'), false);
});
