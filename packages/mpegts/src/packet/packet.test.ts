import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ticks27M } from '../time.ts';
import { hasPcr, isAdaptationSound, parseAdaptation, readPcr, stuffingBytes } from './adaptation.ts';
import {
  counterOf,
  hasPayload,
  hasTransportError,
  isRandomAccess,
  isScrambled,
  isUnitStart,
  looksLikePacket,
  payloadStart,
  pidOf,
} from './packet.ts';

const packet = (...begin: number[]): Uint8Array => {
  const bytes = new Uint8Array(188).fill(0xff);
  bytes.set(begin);
  return bytes;
};

describe('a packet header', () => {
  it('tells PID, flags and counter', () => {
    const bytes = packet(0x47, 0x51, 0x23, 0x1c);
    assert.equal(pidOf(bytes, 0), 0x1123);
    assert.equal(isUnitStart(bytes, 0), true);
    assert.equal(hasTransportError(bytes, 0), false);
    assert.equal(isScrambled(bytes, 0), false);
    assert.equal(hasPayload(bytes, 0), true);
    assert.equal(counterOf(bytes, 0), 12);
    assert.equal(payloadStart(bytes, 0), 4);
  });

  it('tells where the payload begins after an adaptation field', () => {
    assert.equal(payloadStart(packet(0x47, 0, 0, 0x30, 7, 0x50), 0), 12);
    assert.equal(payloadStart(packet(0x47, 0, 0, 0x30, 0), 0), 5);
    assert.equal(payloadStart(packet(0x47, 0, 0, 0x20, 183), 0), 188);
    assert.equal(payloadStart(packet(0x47, 0, 0, 0x30, 255), 0), 188);
  });

  it('is told from bytes that cannot be one', () => {
    assert.equal(looksLikePacket(packet(0x47, 0, 0, 0x10), 0, 188), true);
    assert.equal(looksLikePacket(packet(0x46, 0, 0, 0x10), 0, 188), false);
    assert.equal(looksLikePacket(packet(0x47, 0, 0, 0x00), 0, 188), false);
    assert.equal(looksLikePacket(packet(0x47, 0, 0, 0x30, 183), 0, 188), false);
    assert.equal(looksLikePacket(packet(0x47, 0, 0, 0x20, 182), 0, 188), false);
  });
});

describe('an adaptation field', () => {
  it('tells random access only when its flags are there', () => {
    assert.equal(isRandomAccess(packet(0x47, 0, 0, 0x30, 1, 0x40), 0), true);
    assert.equal(isRandomAccess(packet(0x47, 0, 0, 0x30, 0, 0x40), 0), false);
    assert.equal(isRandomAccess(packet(0x47, 0, 0, 0x10, 1, 0x40), 0), false);
  });

  it('carries a PCR of 33 bits × 300 + 9 bits', () => {
    const bytes = packet(0x47, 0, 0, 0x30, 7, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0x2b);
    assert.equal(hasPcr(bytes, 0), true);
    assert.equal(readPcr(bytes, 6), (2 ** 33 - 1) * 300 + 299);
    assert.deepEqual(parseAdaptation(bytes), {
      discontinuity: false,
      randomAccess: false,
      pcr: ticks27M((2 ** 33 - 1) * 300 + 299),
      opcr: undefined,
      spliceCountdown: undefined,
      stuffingBytes: 0,
    });
  });

  it('counts as stuffing only what says nothing', () => {
    assert.equal(stuffingBytes(packet(0x47, 0, 0, 0x10), 0), 0);
    assert.equal(stuffingBytes(packet(0x47, 0, 0, 0x30, 0), 0), 1);
    assert.equal(stuffingBytes(packet(0x47, 0, 0, 0x30, 1, 0), 0), 2);
    assert.equal(stuffingBytes(packet(0x47, 0, 0, 0x30, 1, 0x40), 0), 0, 'random access alone');
    assert.equal(stuffingBytes(packet(0x47, 0, 0, 0x30, 7, 0x10), 0), 0, 'a PCR alone');
    assert.equal(stuffingBytes(packet(0x47, 0, 0, 0x30, 9, 0x50), 0), 2, 'a PCR and two bytes');
    assert.equal(stuffingBytes(packet(0x47, 0, 0, 0x30, 3, 0x02, 1, 0), 0), 0, 'private data');
    assert.equal(stuffingBytes(packet(0x47, 0, 0, 0x30, 5, 0x01, 1, 0), 0), 2, 'an extension and two bytes');
  });

  it('is malformed when its flags announce more than it holds', () => {
    assert.equal(stuffingBytes(packet(0x47, 0, 0, 0x30, 3, 0x10), 0), -1);
    assert.equal(parseAdaptation(packet(0x47, 0, 0, 0x30, 3, 0x10)), undefined);
    assert.equal(isAdaptationSound(packet(0x47, 0, 0, 0x30, 183), 0), false);
    assert.equal(parseAdaptation(packet(0x47, 0, 0, 0x30, 183)), undefined);
    assert.equal(parseAdaptation(new Uint8Array(10)), undefined);
  });
});
