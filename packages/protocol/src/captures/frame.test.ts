import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../errors.ts';
import { FRAME_HEADER_BYTES, readFrameHeader, writeFrameHeader } from './frame.ts';
import { captureLimits } from './limits.ts';

test('what is written is read, also beyond 4 GiB', () => {
  for (const header of [
    { stream: 0, offset: 0 },
    { stream: 0xffff_ffff, offset: 5 * 2 ** 32 + 7 },
  ]) {
    const message = new Uint8Array(FRAME_HEADER_BYTES + 1);
    writeFrameHeader(message, header);
    assert.deepEqual(readFrameHeader(message), header);
  }
});

test('the bytes are those of the reference page', () => {
  const message = new Uint8Array(FRAME_HEADER_BYTES);
  writeFrameHeader(message, { stream: 7, offset: 0x1_0000_0002 });
  assert.equal(Buffer.from(message).toString('hex'), '0100000000000007' + '0000000100000002');
});

test('what is no frame is refused in words', () => {
  const refused = (message: Uint8Array, words: RegExp) =>
    assert.throws(
      () => readFrameHeader(message),
      (error: ProtocolError) => error instanceof ProtocolError && words.test(error.message),
    );
  refused(new Uint8Array(3), /16 bytes of header/);
  refused(new Uint8Array(FRAME_HEADER_BYTES), /1 to 1048576 of payload/);
  refused(new Uint8Array(FRAME_HEADER_BYTES + captureLimits.frameBytes + 1), /1 to 1048576 of payload/);
  refused(new Uint8Array(FRAME_HEADER_BYTES + 1), /version 0/);
  const far = new Uint8Array(FRAME_HEADER_BYTES + 1);
  writeFrameHeader(far, { stream: 1, offset: captureLimits.segmentBytes });
  refused(far, /no segment has a byte/);
});
