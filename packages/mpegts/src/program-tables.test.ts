import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from './bytes.ts';
import { PacketWriter } from './packet/write.ts';
import { ProgramTables } from './program-tables.ts';
import { descriptors, writePat, writePmt } from './psi/write.ts';
import { sameForAllCuts } from './testing/cuts.ts';
import { testPids, testStream } from './testing/streams.ts';

const tablesAfter = (bytes: Uint8Array) =>
  sameForAllCuts(
    bytes,
    (pieces) => {
      const tables = new ProgramTables();
      for (const piece of pieces) tables.push(piece);
      return tables.packets()?.slice();
    },
    assert.deepEqual,
  );

const pmt = (programNumber: number, version: number, padding = 0) =>
  writePmt({
    programNumber,
    version,
    pcrPid: 0x100,
    descriptors: Array.from({ length: padding }, () => descriptors.registration('pad!')),
    streams: [],
  });

describe('ProgramTables', () => {
  it('gives the latest PAT and PMT as they came', () => {
    const stream = testStream({ video: 'h264', audio: 'aac' });
    const again = stream.lastIndexOf(0x47, stream.length);
    assert.ok(again > 0);
    const found = tablesAfter(stream);
    assert.equal(found?.length, 376);
    // The second pair: counters 1.
    assert.deepEqual([...(found ?? []).subarray(0, 4)], [0x47, 0x40, 0, 0x11]);
    assert.deepEqual([...(found ?? []).subarray(188, 192)], [0x47, 0x50, 0, 0x11]);
  });

  it('gives nothing before both are there', () => {
    const writer = new PacketWriter();
    const pat = writer.section(0, writePat({ programs: [{ programNumber: 1, pmtPid: testPids.pmt }] }));
    assert.equal(tablesAfter(pat), undefined);
    assert.equal(tablesAfter(writer.section(testPids.pmt, pmt(1, 0))), undefined);
  });

  it('gives all packets of a long PMT, and the PMTs of all programs', () => {
    const writer = new PacketWriter();
    const programs = [1, 2].map((n) => ({ programNumber: n, pmtPid: 40 + n }));
    const pat = writer.section(0, writePat({ programs }));
    const long = writer.section(41, pmt(1, 0, 100));
    const short = writer.section(42, pmt(2, 0));
    assert.equal(long.length, 4 * 188);
    assert.deepEqual(tablesAfter(concat(pat, long, short)), concat(pat, long, short));
  });

  it('forgets a program that is gone', () => {
    const writer = new PacketWriter();
    const both = writer.section(
      0,
      writePat({ programs: [1, 2].map((n) => ({ programNumber: n, pmtPid: 40 + n })) }),
    );
    const one = writer.section(41, pmt(1, 0));
    const two = writer.section(42, pmt(2, 0));
    const only = writer.section(0, writePat({ version: 1, programs: [{ programNumber: 2, pmtPid: 42 }] }));
    assert.deepEqual(tablesAfter(concat(both, one, two, only)), concat(only, two));
  });

  it('keeps the last one that was right', () => {
    const writer = new PacketWriter();
    const pat = writer.section(0, writePat({ programs: [{ programNumber: 1, pmtPid: 41 }] }));
    const good = writer.section(41, pmt(1, 0));
    const wrong = writer.section(41, pmt(1, 1));
    wrong[20] = (wrong[20] ?? 0) ^ 1;
    assert.deepEqual(tablesAfter(concat(pat, good, wrong)), concat(pat, good));
  });

  it('hands out the same array until a table comes again', () => {
    const tables = new ProgramTables();
    tables.push(testStream({ video: 'h264' }));
    assert.equal(tables.packets(), tables.packets());
  });
});
