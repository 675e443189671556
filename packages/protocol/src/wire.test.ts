import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from './errors.ts';
import { readWireHeader, WIRE_HEADER_BYTES, type WireHeader, writeWireHeader } from './wire.ts';

const written = (header: WireHeader) => {
  const bytes = new Uint8Array(WIRE_HEADER_BYTES + 3);
  writeWireHeader(bytes, 3, header);
  return bytes.subarray(3);
};

test('what is written is read', () => {
  for (const mediaClass of ['data', 'video', 'audio'] as const) {
    for (const bits of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const header: WireHeader = {
        class: mediaClass,
        randomAccess: (bits & 1) !== 0,
        text: (bits & 2) !== 0,
        replay: (bits & 4) !== 0,
        sequence: 0xffff_fffe,
        ...(bits & 1 && { capturedAt: 1_795_000_000_123_456 }),
      };
      assert.deepEqual(readWireHeader(written(header)), header);
    }
  }
});

test('the bytes are those of the reference page', () => {
  const header: WireHeader = {
    class: 'video',
    randomAccess: true,
    text: false,
    replay: true,
    sequence: 7,
    capturedAt: 0x1_0000_0002,
  };
  assert.equal(Buffer.from(written(header)).toString('hex'), '01a3000000000007' + '0000000100000002');
});

test('what is no header is refused in words', () => {
  const bad = (bytes: number[], words: RegExp) =>
    assert.throws(
      () => readWireHeader(Uint8Array.from(bytes)),
      (error: ProtocolError) => error instanceof ProtocolError && words.test(error.message),
    );
  bad([1, 0, 0], /at least 16 bytes/);
  bad([9, ...Array(15).fill(0)], /version 9/);
  bad([1, 0x1e, ...Array(14).fill(0)], /media class 15/);
});
