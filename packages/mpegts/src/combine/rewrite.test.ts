import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasPcr, isAdaptationSound, parseAdaptation, stuffingBytes } from '../packet/adaptation.ts';
import { counterOf, isDiscontinuity, isUnitStart, payloadStart, pidOf } from '../packet/packet.ts';
import { Random } from '../testing/random.ts';
import { rewritePacket, setRandomAccess } from './rewrite.ts';

const random = new Random(4);

/** A packet with an adaptation field of these bytes (without the length), and a payload. */
function packetOf(field: readonly number[] | undefined): Uint8Array {
  const packet = Uint8Array.from({ length: 188 }, () => random.below(256));
  packet.set([0x47, 0x41, 0x00, field ? 0x37 : 0x17]);
  if (field) packet.set([field.length, ...field], 4);
  return packet;
}

const clock = [1, 2, 3, 4, 0x7e, 6];
const fields: Readonly<Record<string, readonly number[] | undefined>> = {
  'no field': undefined,
  'an empty field': [],
  'one byte of flags, all 0, which is stuffing': [0],
  stuffing: [0, 0xff, 0xff, 0xff],
  'random access': [0x40],
  'discontinuity alone': [0x80],
  'discontinuity and stuffing': [0x80, 0xff, 0xff],
  'a clock': [0x10, ...clock],
  'a clock and stuffing': [0x50, ...clock, 0xff, 0xff, 0xff],
  'both clocks': [0x18, ...clock, ...clock],
  'a clock, a splice countdown and private data': [0x16, ...clock, 5, 3, 7, 8, 9],
  'private data': [0x02, 3, 7, 8, 9],
};

describe('a packet that goes into another multiplex', () => {
  for (const [name, field] of Object.entries(fields)) {
    it(`with ${name}: gets PID and counter, loses its clock, and ends a unit as much as before`, () => {
      const before = packetOf(field);
      const packet = before.slice();
      rewritePacket(packet, 0, 0x1234, 9);
      assert.deepEqual([pidOf(packet, 0), counterOf(packet, 0), isUnitStart(packet, 0)], [0x1234, 9, true]);
      assert.equal(hasPcr(packet, 0), false);
      assert.equal(isDiscontinuity(packet, 0), false);
      assert.ok(isAdaptationSound(packet, 0));
      assert.equal(stuffingBytes(packet, 0) > 0, stuffingBytes(before, 0) > 0);
      const payload = payloadStart(before, 0);
      assert.equal(payloadStart(packet, 0), payload);
      assert.deepEqual(packet.subarray(payload), before.subarray(payload));
      assert.equal(parseAdaptation(packet)?.randomAccess, parseAdaptation(before)?.randomAccess);
    });

    it(`with ${name}: says random access, where need be with one more packet, and keeps its payload`, () => {
      const before = packetOf(field);
      rewritePacket(before, 0, 0x100, 3);
      const two = new Uint8Array(376);
      two.set(before);
      const split = setRandomAccess(two, 0);
      assert.equal(split, field === undefined || field.length === 0);
      assert.equal(parseAdaptation(two)?.randomAccess, true);
      assert.ok(isAdaptationSound(two, 0));
      const payload = [...two.subarray(payloadStart(two, 0), 188)];
      if (split) {
        assert.ok(isAdaptationSound(two, 188));
        assert.equal(stuffingBytes(two, 188), 0);
        assert.deepEqual([pidOf(two, 188), isUnitStart(two, 188)], [0x100, false]);
        payload.push(...two.subarray(payloadStart(two, 188)));
      }
      assert.deepEqual(payload, [...before.subarray(payloadStart(before, 0))]);
    });
  }
});
