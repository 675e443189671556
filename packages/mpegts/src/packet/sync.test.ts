import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from '../bytes.ts';
import { crc32 } from '../psi/crc32.ts';
import { sameForAllCuts } from '../testing/cuts.ts';
import { Random } from '../testing/random.ts';
import { testStream } from '../testing/streams.ts';
import { type PacketStride, PacketSync } from './sync.ts';

const stream = testStream({ video: 'h264', audio: 'aac' });
/** Short, so that a failure can be read. */
const hex = (bytes: Uint8Array): string => crc32(bytes).toString(16);

function packetsOf(pieces: Iterable<Uint8Array>, strides: readonly PacketStride[] = [188]) {
  const packets: string[] = [];
  const skipped: number[] = [];
  const sync = new PacketSync({
    strides,
    onPackets(bytes, start, end, stride) {
      for (let at = start; at < end; at += stride) packets.push(hex(bytes.subarray(at, at + 188)));
    },
    onSkipped: (bytes) => skipped.push(bytes),
  });
  for (const piece of pieces) sync.push(piece);
  sync.flush();
  return { packets, skipped };
}

const run = (bytes: Uint8Array, strides?: readonly PacketStride[]) =>
  sameForAllCuts(bytes, (pieces) => packetsOf(pieces, strides), assert.deepEqual);

const expected = (bytes: Uint8Array): string[] =>
  Array.from({ length: bytes.length / 188 }, (_, i) => hex(bytes.subarray(i * 188, i * 188 + 188)));

describe('PacketSync', () => {
  it('finds every packet however the bytes are cut', () => {
    assert.deepEqual(run(stream), { packets: expected(stream), skipped: [] });
  });

  it('finds the packets after garbage and tells how much that was', () => {
    const garbage = new Random(3).bytes(500);
    assert.deepEqual(run(concat(garbage, stream)), { packets: expected(stream), skipped: [500] });
  });

  it('finds its place again after lost bytes', () => {
    const cut = concat(stream.subarray(0, 188 * 10 + 50), stream.subarray(188 * 12 + 70));
    const { packets, skipped } = run(cut);
    const whole = expected(stream);
    // The broken packet swallows the begin of the next one.
    assert.deepEqual(packets.slice(0, 10), whole.slice(0, 10));
    assert.deepEqual(packets.slice(11), whole.slice(packets.length === whole.length - 2 ? 13 : 14));
    assert.equal(skipped.length, 1);
  });

  it('drops a packet whose sync byte is wrong, and no other', () => {
    const wrong = stream.slice();
    wrong[188 * 5] = 0x46;
    const whole = expected(stream);
    assert.deepEqual(run(wrong), { packets: [...whole.slice(0, 5), ...whole.slice(6)], skipped: [188] });
  });

  it('takes the little that there is when a stream is shorter than what it wants to see', () => {
    assert.deepEqual(run(stream.subarray(0, 188)), {
      packets: expected(stream.subarray(0, 188)),
      skipped: [],
    });
    assert.deepEqual(run(stream.subarray(0, 100)), { packets: [], skipped: [100] });
  });

  it('finds nothing in random bytes without a sync byte', () => {
    const bytes = new Random(5).bytes(2000).map((byte) => (byte === 0x47 ? 0 : byte));
    assert.deepEqual(run(bytes), { packets: [], skipped: [2000] });
  });

  for (const [stride, front, behind] of [
    [192, 4, 0],
    [204, 0, 16],
  ] as const) {
    it(`recognises packets of ${stride} bytes`, () => {
      const parts: Uint8Array[] = [];
      for (let at = 0; at < stream.length; at += 188) {
        parts.push(
          new Uint8Array(front).fill(1),
          stream.subarray(at, at + 188),
          new Uint8Array(behind).fill(2),
        );
      }
      assert.deepEqual(run(concat(...parts), [188, 192, 204]).packets, expected(stream));
    });
  }
});
