import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ContinuityCheck } from './continuity.ts';

const PID = 0x100;
const payload = (counter: number, content = counter): Uint8Array => {
  const bytes = new Uint8Array(188).fill(content);
  bytes.set([0x47, 0x01, 0x00, 0x10 | counter]);
  return bytes;
};
const adaptationOnly = (counter: number, flags = 0): Uint8Array => {
  const bytes = new Uint8Array(188).fill(0xff);
  bytes.set([0x47, 0x01, 0x00, 0x20 | counter, 183, flags]);
  return bytes;
};
const run = (...packets: Uint8Array[]) => {
  const check = new ContinuityCheck();
  return packets.map((bytes) => check.check(PID, bytes, 0));
};

describe('ContinuityCheck', () => {
  it('is content with a counter that counts, over its wrap', () => {
    const counters = Array.from({ length: 40 }, (_, i) => (i + 5) & 15);
    assert.ok(run(...counters.map((c) => payload(c))).every((result) => result === 'good'));
  });

  it('sees missing packets', () => {
    assert.deepEqual(run(payload(0), payload(1), payload(3)), ['good', 'good', 'lost']);
  });

  it('takes a repetition once', () => {
    const results = run(payload(0), payload(1), payload(1), payload(2), payload(2), payload(2));
    assert.deepEqual(results, ['good', 'good', 'again', 'good', 'again', 'lost']);
  });

  it('does not take another packet with the same counter for a repetition: sixteen are missing', () => {
    assert.deepEqual(run(payload(1, 7), payload(1, 8)), ['good', 'lost']);
  });

  it('lets packets without payload stand beside the count', () => {
    assert.deepEqual(run(payload(0), adaptationOnly(0), adaptationOnly(9), payload(1)), [
      'good',
      'good',
      'good',
      'good',
    ]);
  });

  it('believes an encoder that announces a jump', () => {
    assert.deepEqual(run(payload(0), adaptationOnly(0, 0x80), payload(9)), ['good', 'good', 'good']);
  });

  it('starts anew when it is told to forget', () => {
    const check = new ContinuityCheck();
    check.check(PID, payload(0), 0);
    check.forget();
    assert.equal(check.check(PID, payload(7), 0), 'good');
    check.forget(PID);
    assert.equal(check.check(PID, payload(3), 0), 'good');
  });
});
