import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from './bytes.ts';
import { codecName } from './codec/codec.ts';
import { Demuxer } from './demuxer.ts';
import { limits } from './limits.ts';
import { counterOf, pidOf } from './packet/packet.ts';
import { PacketWriter } from './packet/write.ts';
import { writePes } from './pes/write.ts';
import type { Descriptor } from './psi/descriptors.ts';
import { descriptors, writePat, writePmt } from './psi/write.ts';
import { sameForAllCuts } from './testing/cuts.ts';
import { type Demuxed, demux } from './testing/demux.ts';
import { Random } from './testing/random.ts';
import { type TestAudio, type TestVideo, testPids, testStream } from './testing/streams.ts';
import { TICKS_WRAP, ticks27M, ticks90k } from './time.ts';

const run = (bytes: Uint8Array): Demuxed => sameForAllCuts(bytes, demux, assert.deepEqual);
const kinds = ({ damage }: Demuxed): string[] => damage.map(({ kind }) => kind);
const packet = (bytes: Uint8Array, index: number): Uint8Array =>
  bytes.subarray(index * 188, index * 188 + 188);
const without = (bytes: Uint8Array, index: number, count = 1): Uint8Array =>
  concat(bytes.subarray(0, index * 188), bytes.subarray((index + count) * 188));
const indexOf = (bytes: Uint8Array, test: (at: number) => boolean, from = 0): number => {
  for (let i = from; i * 188 < bytes.length; i++) if (test(i * 188)) return i;
  throw new Error('no such packet');
};
const inVideo = (bytes: Uint8Array) => (at: number) =>
  pidOf(bytes, at) === testPids.video && ((bytes[at + 1] ?? 0) & 0x40) === 0;

describe('Demuxer', () => {
  const pairs: [TestVideo | undefined, TestAudio | undefined][] = [
    ['h264', 'aac'],
    ['h264', 'opus'],
    ['mpeg1video', 'mp2'],
    ['mpeg1video', 'mp3'],
    ['mpeg2video', 'mp2'],
    ['hevc', 'aac'],
    ['h264', 'aac_latm'],
    ['h264', undefined],
    [undefined, 'aac'],
    [undefined, 'opus'],
  ];
  for (const [video, audio] of pairs) {
    for (const bounded of [true, false]) {
      const name = [video, audio].filter(Boolean).join(' and ');
      it(`finds every unit of ${name}${bounded ? '' : ' in PES packets without length'}, however cut`, () => {
        const stream = testStream({ ...(video && { video }), ...(audio && { audio }), bounded });
        const { programs, units, damage } = run(stream);
        assert.deepEqual(damage, []);
        const codecs = programs.at(-1)?.streams.map((stream) => stream.codec);
        assert.deepEqual(codecs, [video, audio].filter(Boolean));
        if (video) {
          const pictures = units.filter((unit) => unit.pid === testPids.video);
          assert.deepEqual(
            pictures.map((unit) => unit.pts),
            Array.from({ length: 10 }, (_, i) => 126_000 + i * 3600),
          );
          assert.deepEqual(
            pictures.map((unit) => unit.randomAccess),
            Array.from({ length: 10 }, (_, i) => i % 5 === 0),
          );
        }
        if (audio) {
          const sound = units.filter((unit) => unit.pid === testPids.audio);
          assert.ok(sound.length >= 13 && sound.every((unit) => unit.keyFrame && unit.codec === audio));
          // Only some frames of LATM carry what a decoder must know.
          const points = sound.filter((unit) => unit.randomAccess).length;
          assert.equal(points, audio === 'aac_latm' ? Math.ceil(sound.length / 8) : sound.length);
          assert.equal(sound[0]?.pts, 126_000);
        }
      });
    }
  }

  for (const data of ['klv', 'klv_sync', 'timed_id3'] as const) {
    it(`finds every unit of ${data} beside video, however cut`, () => {
      const { programs, units, damage } = run(testStream({ video: 'h264', data }));
      assert.deepEqual(damage, []);
      const stream = programs.at(-1)?.streams[1];
      assert.deepEqual([stream?.codec, stream?.class], [data.replace('_sync', ''), 'data']);
      const found = units.filter((unit) => unit.pid === testPids.data);
      assert.deepEqual(
        found.map((unit) => unit.pts),
        Array.from({ length: 10 }, (_, i) => 126_000 + i * 3600),
        'KLV without time stamps is due where it comes',
      );
      const begin = data === 'timed_id3' ? 'ID3' : '\x06\x0e+4';
      for (const unit of found) assert.ok(Buffer.from(unit.data).toString('latin1').startsWith(begin));
    });
  }

  it('gives data without time stamps the time of the clock, where nothing else has one', () => {
    const writer = new PacketWriter();
    const streams = [{ pid: 0x100, streamType: 6, descriptors: [descriptors.registration('KLVA')] }];
    const pat = writePat({ programs: [{ programNumber: 1, pmtPid: 32 }] });
    const pmt = writePmt({ programNumber: 1, version: 0, pcrPid: 0x100, descriptors: [], streams });
    const unit = (pcr: number) =>
      writer.pes(0x100, writePes({ streamId: 0xbd }, Uint8Array.of(6, 14, 43, 52)), {
        pcr: ticks27M(pcr * 300),
      });
    const { units } = run(concat(writer.section(0, pat), writer.section(32, pmt), unit(900), unit(1800)));
    assert.deepEqual(
      units.map((found) => found.pts),
      [900, 1800],
    );
  });

  it('looks for no access units in sections', () => {
    const writer = new PacketWriter();
    const pat = writePat({ programs: [{ programNumber: 1, pmtPid: 32 }] });
    const streams = [{ pid: 0x100, streamType: 0x86, descriptors: [descriptors.registration('CUEI')] }];
    const pmt = writePmt({ programNumber: 1, version: 0, pcrPid: 0x1fff, descriptors: [], streams });
    const cue = writer.section(0x100, Uint8Array.of(0xfc, 0x30, 0x03, 1, 2, 3));
    const { programs, units, damage } = run(concat(writer.section(0, pat), writer.section(32, pmt), cue));
    assert.deepEqual([units, damage], [[], []]);
    assert.deepEqual(programs[0]?.streams[0]?.codec, { unknown: 'scte_35' });
  });

  it('names private data by what is registered', () => {
    const named = (streamType: number, list: Descriptor[]) => {
      const streams = [{ pid: 0x100, streamType, descriptors: list }];
      const pat = writePat({ programs: [{ programNumber: 1, pmtPid: 32 }] });
      const pmt = writePmt({ programNumber: 1, version: 0, pcrPid: 0x100, descriptors: [], streams });
      const writer = new PacketWriter();
      const { programs } = run(concat(writer.section(0, pat), writer.section(32, pmt)));
      return programs[0]?.streams.map(({ codec, class: kind }) => `${kind} ${codecName(codec)}`).join();
    };
    const { registration, metadata } = descriptors;
    assert.equal(named(6, []), 'data bin_data');
    assert.equal(named(6, [registration('ABCD')]), 'data bin_data (ABCD)');
    assert.equal(named(6, [registration('A\nCD')]), 'data bin_data');
    assert.equal(named(6, [registration('KLVA')]), 'data klv');
    assert.equal(named(6, [registration('HEVC')]), 'video hevc');
    assert.equal(named(0x15, []), 'data metadata');
    assert.equal(named(0x15, [metadata('KLVA')]), 'data klv');
    assert.equal(named(0x15, [registration('ID3 ')]), 'data timed_id3');
    assert.equal(named(0x15, [metadata('ID3 ')]), 'data timed_id3');
    assert.equal(named(0x15, [metadata('WXYZ')]), 'data metadata (WXYZ)');
    assert.equal(named(0x99, []), 'data stream type 0x99');
  });

  it('describes the program as its PMT does', () => {
    const [program] = run(testStream({ video: 'h264', audio: 'opus' })).programs;
    assert.ok(program);
    assert.deepEqual(
      [program.number, program.pmtPid, program.pcrPid, program.version],
      [1, 0x1000, 0x100, 0],
    );
    const described = program.streams.map((s) => [s.pid, s.streamType, s.codec, s.class, s.language]);
    assert.deepEqual(described, [
      [0x100, 0x1b, 'h264', 'video', undefined],
      [0x101, 6, 'opus', 'audio', 'deu'],
    ]);
  });

  it('tells the codec that is there, when the PMT announces another', () => {
    // ffmpeg announces MPEG-1 video as MPEG-2, and layer III as what may be any layer.
    const writer = new PacketWriter();
    const stream = testStream({ video: 'mpeg1video', audio: 'mp3' });
    const streams = [
      { pid: testPids.video, streamType: 2, descriptors: [] },
      { pid: testPids.audio, streamType: 3, descriptors: [] },
    ];
    const pmt = writePmt({ programNumber: 1, version: 0, pcrPid: 0x100, descriptors: [], streams });
    stream.set(writer.section(testPids.pmt, pmt), 188);
    const { programs, units } = demux([
      stream.subarray(0, 188 * indexOf(stream, (at) => at > 188 && pidOf(stream, at) === testPids.pmt)),
    ]);
    assert.deepEqual(
      programs.map((program) => program.streams.map((s) => codecName(s.codec)).join('+')),
      ['mpeg2video+mp2', 'mpeg1video+mp2', 'mpeg1video+mp3'],
    );
    assert.equal(units[0]?.codec, 'mpeg1video');
  });

  it('delivers a bounded unit with the packet that ends it', () => {
    const stream = testStream({ video: 'h264', pictures: 1 });
    let units = 0;
    const demuxer = new Demuxer({ onAccessUnit: () => units++ });
    demuxer.push(stream.subarray(0, -1));
    assert.equal(units, 0);
    demuxer.push(stream.subarray(-1));
    assert.equal(units, 1);
  });

  it('counts time on over the 33-bit wrap, and puts sound and picture on one line', () => {
    // One that begins so shortly before the wrap begins below zero.
    const start = -5000;
    const wrapped = TICKS_WRAP + start;
    const { units, clocks } = run(testStream({ video: 'h264', audio: 'aac', start: wrapped }));
    const times = (pid: number) => units.filter((unit) => unit.pid === pid).map((unit) => unit.pts);
    assert.deepEqual(
      times(testPids.video),
      Array.from({ length: 10 }, (_, i) => start + i * 3600),
    );
    assert.ok(times(testPids.audio).every((pts) => pts >= start && pts < start + 45_000));
    const pcrs = clocks.map(({ pcr }) => pcr);
    assert.deepEqual(
      pcrs,
      Array.from({ length: 10 }, (_, i) => (start - 9000 + i * 3600) * 300),
    );
  });

  it('gives every access unit an array of its own', () => {
    const { units } = demux([testStream({ video: 'h264', audio: 'aac' })]);
    assert.ok(units.every(({ data }) => data.byteOffset === 0 && data.buffer.byteLength === data.length));
  });

  it('leaves null packets aside', () => {
    const stream = testStream({ video: 'h264' });
    const parts: Uint8Array[] = [];
    for (let i = 0; i * 188 < stream.length; i++) parts.push(packet(stream, i), new PacketWriter().null());
    const found = run(concat(...parts));
    assert.deepEqual([found.damage, found.units.length], [[], 10]);
    assert.equal(found.stats.nullPackets, stream.length / 188);
  });

  it('takes a repeated packet once', () => {
    const stream = testStream({ video: 'h264', audio: 'aac' });
    const plain = demux([stream]);
    const parts: Uint8Array[] = [];
    for (let i = 0; i * 188 < stream.length; i++) parts.push(packet(stream, i), packet(stream, i));
    const twice = run(concat(...parts));
    assert.deepEqual(twice.units, plain.units);
    assert.deepEqual(twice.damage, []);
    assert.equal(twice.stats.duplicatePackets, stream.length / 188);
  });

  it('reads packets of 192 and 204 bytes', () => {
    const stream = testStream({ video: 'h264', audio: 'aac' });
    const plain = demux([stream]);
    for (const [front, behind] of [
      [4, 0],
      [0, 16],
    ] as const) {
      const parts: Uint8Array[] = [];
      for (let i = 0; i * 188 < stream.length; i++) {
        parts.push(new Uint8Array(front).fill(0x20), packet(stream, i), new Uint8Array(behind).fill(0x30));
      }
      assert.deepEqual(run(concat(...parts)).units, plain.units);
    }
  });
});

describe('Demuxer, damaged streams', () => {
  const stream = testStream({ video: 'h264', audio: 'aac' });
  const plain = demux([stream]);

  it('tells of a lost packet and marks the unit that misses it', () => {
    const lost = indexOf(stream, inVideo(stream));
    const found = run(without(stream, lost));
    assert.deepEqual(kinds(found), ['continuity', 'pes']);
    const [damage] = found.damage;
    assert.ok(damage?.kind === 'continuity');
    const counter = counterOf(stream, lost * 188);
    assert.deepEqual([damage.expected, damage.found], [counter, (counter + 1) & 15]);
    assert.deepEqual(found.units.map((u) => u.damaged).filter(Boolean).length, 1);
    assert.equal(found.units.length, plain.units.length);
  });

  it('goes on after garbage between packets', () => {
    const garbage = new Random(8).bytes(1000).map((byte) => (byte === 0x47 ? 0 : byte));
    const at = indexOf(stream, (packet) => pidOf(stream, packet) === testPids.pmt, 3) * 188;
    const found = run(concat(stream.subarray(0, at), garbage, stream.subarray(at)));
    assert.deepEqual(found.damage, [{ kind: 'sync', at, bytes: 1000 }]);
    assert.deepEqual(found.units, plain.units);
  });

  it('does not read a packet that is marked as faulty', () => {
    const faulty = stream.slice();
    const index = indexOf(stream, inVideo(stream));
    faulty[index * 188 + 1] = (faulty[index * 188 + 1] ?? 0) | 0x80;
    assert.deepEqual(kinds(run(faulty)), ['transport-error', 'continuity', 'pes']);
  });

  it('does not read encrypted payload', () => {
    const locked = stream.slice();
    for (let at = 0; at < locked.length; at += 188) {
      if (pidOf(locked, at) === testPids.video) locked[at + 3] = (locked[at + 3] ?? 0) | 0x80;
    }
    const found = run(locked);
    assert.ok(found.units.length > 0 && found.units.every((unit) => unit.pid === testPids.audio));
    assert.ok(found.stats.damage.scrambled > 0);
  });

  it('does not read a packet whose adaptation field is impossible', () => {
    const wrong = stream.slice();
    const index = indexOf(stream, (at) => ((stream[at + 3] ?? 0) & 0x30) === 0x30, 6);
    wrong[index * 188 + 4] = 184;
    assert.equal(kinds(run(wrong))[0], 'adaptation');
  });

  it('goes by the last table that was right', () => {
    const wrong = stream.slice();
    const index = indexOf(stream, (at) => pidOf(stream, at) === testPids.pmt, 3);
    wrong[index * 188 + 20] = (wrong[index * 188 + 20] ?? 0) ^ 1;
    const found = run(wrong);
    assert.deepEqual(found.units, plain.units);
    assert.deepEqual(found.damage, [{ kind: 'section', at: index * 188, pid: testPids.pmt, fault: 'crc' }]);
  });

  it('begins anywhere', () => {
    for (const skip of [1, 187, 188 * 3, 188 * 5 + 40]) {
      const found = run(stream.subarray(skip));
      const first = found.units.find((unit) => unit.pid === testPids.video);
      assert.equal(first?.randomAccess, true);
      assert.ok(
        kinds(found).every((kind) => kind === 'sync'),
        kinds(found).join(),
      );
    }
  });

  it('is not stopped by bytes that are no stream at all', () => {
    const found = run(new Random(4).bytes(20_000));
    assert.deepEqual([found.programs, found.units], [[], []]);
  });
});

describe('Demuxer, changing programs', () => {
  const pmt = (version: number, streams: [pid: number, streamType: number][]) =>
    writePmt({
      programNumber: 1,
      version,
      pcrPid: 0x100,
      descriptors: [],
      streams: streams.map(([pid, streamType]) => ({ pid, streamType, descriptors: [] })),
    });
  const pat = writePat({ programs: [{ programNumber: 1, pmtPid: 32 }] });

  it('follows a stream that comes, goes and changes its codec', () => {
    const writer = new PacketWriter();
    const sound = (pts: number) =>
      writer.pes(0x101, writePes({ streamId: 0xbd, pts: ticks90k(pts) }, Uint8Array.of(1, 2, 3)));
    const { programs, units } = run(
      concat(
        writer.section(0, pat),
        writer.section(32, pmt(0, [[0x101, 0x81]])),
        sound(1),
        writer.section(32, pmt(1, [])),
        sound(2),
        writer.section(32, pmt(2, [[0x101, 0x99]])),
        sound(3),
      ),
    );
    assert.deepEqual(
      programs.map((p) => p.streams.map((s) => codecName(s.codec)).join()),
      ['ac3', '', 'stream type 0x99'],
    );
    assert.deepEqual(
      units.map((u) => [u.pts, codecName(u.codec)]),
      [
        [1, 'ac3'],
        [3, 'stream type 0x99'],
      ],
    );
  });

  it('delivers what was waiting when its stream goes', () => {
    const writer = new PacketWriter();
    const open = writePes({ streamId: 0xe0, pts: ticks90k(9), bounded: false }, new Uint8Array(170).fill(7));
    const { units } = run(
      concat(
        writer.section(0, pat),
        writer.section(32, pmt(0, [[0x100, 0x24]])),
        writer.pes(0x100, open),
        writer.section(0, writePat({ version: 1, programs: [] })),
      ),
    );
    assert.deepEqual(
      units.map((u) => u.data.length),
      [170],
    );
  });

  it('tells when a program is gone', () => {
    const writer = new PacketWriter();
    const { gone } = run(
      concat(
        writer.section(0, pat),
        writer.section(32, pmt(0, [[0x100, 0x24]])),
        writer.section(0, writePat({ version: 1, programs: [] })),
      ),
    );
    assert.deepEqual(gone, [1]);
  });

  it('follows several programs, each with its own clock', () => {
    const writer = new PacketWriter();
    const two = writePat({ programs: [1, 2].map((n) => ({ programNumber: n, pmtPid: 31 + n })) });
    const second = writePmt({
      programNumber: 2,
      version: 0,
      pcrPid: 0x200,
      descriptors: [],
      streams: [{ pid: 0x200, streamType: 0x24, descriptors: [] }],
    });
    const { programs, clocks } = run(
      concat(
        writer.section(0, two),
        writer.section(32, pmt(0, [[0x100, 0x24]])),
        writer.section(33, second),
        writer.clock(0x100, { pcr: ticks27M(27) }),
        writer.clock(0x200, { pcr: ticks27M(5000), discontinuity: true }),
      ),
    );
    assert.deepEqual(
      programs.map((p) => p.number),
      [1, 2],
    );
    assert.deepEqual(
      clocks.map((c) => [c.programNumber, c.pcr, c.discontinuity]),
      [
        [1, 27, false],
        [2, 5000, true],
      ],
    );
  });

  it('follows so many streams and tells of the rest', () => {
    const writer = new PacketWriter();
    const pids = (from: number) =>
      Array.from({ length: 150 }, (_, i) => [from + i, 0x24] as [number, number]);
    const programs = writePat({ programs: [1, 2].map((n) => ({ programNumber: n, pmtPid: 31 + n })) });
    const second = writePmt({
      programNumber: 2,
      version: 0,
      pcrPid: 0x1fff,
      descriptors: [],
      streams: pids(0x800).map(([pid, streamType]) => ({ pid, streamType, descriptors: [] })),
    });
    const found = run(
      concat(
        writer.section(0, programs),
        writer.section(32, pmt(0, pids(0x400))),
        writer.section(33, second),
      ),
    );
    assert.equal(found.stats.damage['too-many-streams'], 300 - limits.streams);
  });
});
