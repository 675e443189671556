import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat, sameBytes } from './bytes.ts';
import { PACKET_BYTES, pidOf } from './packet/packet.ts';
import { PacketWriter } from './packet/write.ts';
import { writePes } from './pes/write.ts';
import { writePat, writePmt } from './psi/write.ts';
import { sameForAllCuts } from './testing/cuts.ts';
import { demux } from './testing/demux.ts';
import { fuzzInput } from './testing/fuzz.ts';
import { Random } from './testing/random.ts';
import { adtsFrame, h264Unit } from './testing/streams.ts';
import { ticks27M, ticks90k } from './time.ts';
import { TrackFilter } from './track-filter.ts';

const [VIDEO, AUDIO, PMT, UNLISTED] = [0x100, 0x101, 0x1000, 0x1234];

/** A program with a picture and sound, the clock on the picture, and a PID that no table lists. */
function programme(units: number): Uint8Array {
  const random = new Random(7);
  const writer = new PacketWriter();
  const parts: Uint8Array[] = [];
  const pat = writePat({ programs: [{ programNumber: 1, pmtPid: PMT }] });
  const streams = [
    { pid: VIDEO, streamType: 0x1b, descriptors: [] },
    { pid: AUDIO, streamType: 0x0f, descriptors: [] },
  ];
  const pmt = writePmt({ programNumber: 1, version: 3, pcrPid: VIDEO, descriptors: [], streams });
  for (let i = 0; i < units; i++) {
    const pts = ticks90k(126_000 + i * 3_600);
    const isKey = i % 5 === 0;
    if (isKey) parts.push(writer.section(0, pat), writer.section(PMT, pmt));
    const picture = writePes({ streamId: 0xe0, pts }, h264Unit(random, isKey ? 'idr' : 'p', 700));
    parts.push(writer.pes(VIDEO, picture, { pcr: ticks27M(pts * 300 - 90_000), randomAccess: isKey }));
    parts.push(writer.pes(UNLISTED, writePes({ streamId: 0xc0, pts }, adtsFrame(random, 90))));
    parts.push(writer.pes(AUDIO, writePes({ streamId: 0xc0, pts }, adtsFrame(random, 90))));
  }
  return concat(...parts);
}

function filtered(without: 'audio' | 'video' | 'data', pieces: Iterable<Uint8Array>): Uint8Array {
  const filter = new TrackFilter({ without: [without] });
  return concat(...Array.from(pieces, (piece) => filter.push(piece)));
}

const pidsOf = (bytes: Uint8Array) => {
  const pids = new Set<number>();
  for (let at = 0; at < bytes.length; at += PACKET_BYTES) pids.add(pidOf(bytes, at));
  return pids;
};

describe('a stream without one class of tracks', () => {
  const whole = programme(25);
  const all = demux([whole]);

  it('has every picture as it was, and no packet of sound', () => {
    const bytes = filtered('audio', [whole]);
    assert.deepEqual(pidsOf(bytes), new Set([0, PMT, VIDEO]));
    const { programs, units, damage, clocks } = demux([bytes]);
    assert.deepEqual(
      programs.map(({ streams, version }) => [version, ...streams.map(({ codec }) => codec)]),
      [[3, 'h264']],
    );
    assert.deepEqual(
      units,
      all.units.filter((unit) => unit.class === 'video'),
    );
    assert.equal(units.length, 25);
    assert.deepEqual(damage, []);
    assert.deepEqual(
      clocks.map(({ pcr }) => pcr),
      all.clocks.map(({ pcr }) => pcr),
    );
  });

  it('has all of the sound and keeps the clock, where that was with the pictures', () => {
    const bytes = filtered('video', [whole]);
    const { programs, units, damage, clocks } = demux([bytes]);
    assert.deepEqual(
      programs.map(({ streams }) => streams.map(({ codec }) => codec)),
      [['aac']],
    );
    assert.deepEqual(
      units.map(({ pts, data }) => [pts, data]),
      all.units.filter((unit) => unit.class === 'audio').map(({ pts, data }) => [pts, data]),
    );
    assert.equal(clocks.length, 25);
    assert.deepEqual(damage, []);
    // Of the pictures' PID there are packets without payload.
    for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
      if (pidOf(bytes, at) === VIDEO) assert.equal((bytes[at + 3] as number) & 0x10, 0);
    }
  });

  it('is the same however it was cut', () => {
    for (const without of ['audio', 'video'] as const) {
      sameForAllCuts(
        programme(6),
        (pieces) => filtered(without, pieces),
        (actual, expected, message) => assert.ok(sameBytes(actual, expected), message),
      );
    }
  });

  it('lets nothing pass before a PMT says what it is', () => {
    const tables = 2 * PACKET_BYTES;
    assert.equal(filtered('audio', [whole.subarray(tables, tables * 3)]).length, 0);
    const text = new TextEncoder().encode('{"temperature": 21}');
    assert.equal(filtered('audio', [text]).length, 0);
  });

  it('follows a PMT that gives a PID another class', () => {
    const writer = new PacketWriter();
    const random = new Random(1);
    const pmt = (version: number, streamType: number) =>
      writer.section(
        PMT,
        writePmt({
          programNumber: 1,
          version,
          pcrPid: 0x1fff,
          descriptors: [],
          streams: [{ pid: VIDEO, streamType, descriptors: [] }],
        }),
      );
    const pat = writer.section(0, writePat({ programs: [{ programNumber: 1, pmtPid: PMT }] }));
    const sound = () =>
      writer.pes(VIDEO, writePes({ streamId: 0xc0, pts: ticks90k(0) }, adtsFrame(random, 90)));
    const before = concat(pat, pmt(0, 0x1b), sound());
    const filter = new TrackFilter({ without: ['audio'] });
    assert.equal(filter.push(before).length, before.length);
    // The PMT alone is left, without the track.
    assert.equal(filter.push(concat(pmt(1, 0x0f), sound())).length, PACKET_BYTES);
  });

  it('is whole packets of listed tracks, whatever comes in', () => {
    for (let seed = 1; seed <= 500; seed++) {
      const bytes = filtered('audio', [fuzzInput(seed)]);
      assert.equal(bytes.length % PACKET_BYTES, 0, `seed ${seed}`);
    }
  });
});
