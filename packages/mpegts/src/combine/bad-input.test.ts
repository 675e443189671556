import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from '../bytes.ts';
import { isRandomAccess, isUnitStart, pidOf } from '../packet/packet.ts';
import { PacketWriter } from '../packet/write.ts';
import { writePes } from '../pes/write.ts';
import { OutputTables } from '../psi/output-tables.ts';
import { descriptors, writePat, writePmt } from '../psi/write.ts';
import { demux } from '../testing/demux.ts';
import { TestEncoder } from '../testing/encoder.ts';
import { Random } from '../testing/random.ts';
import { Rig } from '../testing/rig.ts';
import { adtsFrame, h264Unit } from '../testing/streams.ts';
import { ticks27M, ticks90k } from '../time.ts';

const packetsOf = (bytes: Uint8Array): number[] =>
  Array.from({ length: bytes.length / 188 }, (_, i) => i * 188);

describe('an encoder that starts again', () => {
  it('goes on in the same stream, with time that rises and no gap', () => {
    for (const start of [126_000, 2 ** 33 - 90_000, 77_777_777]) {
      const rig = new Rig();
      const picture = rig.feed('picture', { codec: 'h264', start });
      const sound = rig.feed('sound', { codec: 'mp2', step: 2160 }, 24);
      rig.set([picture, sound]);
      rig.run(2000);
      const before = picture.encoder.units;
      picture.feed.interrupt(rig.nowMs);
      picture.encoder = new TestEncoder({ codec: 'h264', seed: 9 });
      picture.nextMs = rig.nowMs + 500;
      rig.run(2000);
      const { out } = rig;
      assert.deepEqual(out.damage, []);
      const units = out.units.filter(({ pid }) => pid === 0x100);
      assert.ok(units.length >= before + picture.encoder.units - 1);
      for (const [i, { dts }] of units.entries()) assert.ok(i === 0 || dts > (units[i - 1]?.dts ?? 0));
      const gap = ((units[before]?.dts ?? 0) - (units[before - 1]?.dts ?? 0)) / 90;
      assert.ok(Math.abs(gap - 520) < 40, `${gap} ms`);
      assert.equal(picture.feed.state.restarts, 1);
    }
  });

  it('as another codec gets another PID, and the PMT says so', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264' });
    rig.set([picture]);
    rig.run(1000);
    picture.feed.interrupt(rig.nowMs);
    picture.encoder = new TestEncoder({ codec: 'mpeg1video' });
    rig.run(1000);
    assert.deepEqual(
      rig.combiner.state.tracks.map(({ pid, codec }) => [pid, codec]),
      [[0x101, 'mpeg2video']],
    );
    assert.deepEqual(rig.out.damage, []);
    assert.equal(rig.out.units.length, 50);
  });

  it('in the middle of its connection, without saying so, is noticed', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264' });
    rig.set([picture]);
    rig.run(1000);
    picture.encoder = new TestEncoder({ codec: 'mp2', step: 2160 });
    rig.run(1000);
    assert.equal(rig.combiner.state.tracks[0]?.class, 'audio');
    assert.ok(rig.out.units.length > 50);
  });
});

describe('a loss before the combiner', () => {
  it('stays visible, and nothing else is', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264', bytes: 3000 });
    const sound = rig.feed('sound', { codec: 'mp2', step: 2160 });
    rig.set([picture, sound]);
    rig.run(1000);
    picture.spoil = (packets) => {
      picture.spoil = (all) => all;
      return concat(packets.subarray(0, 5 * 188), packets.subarray(8 * 188));
    };
    rig.run(1000);
    const losses = rig.out.damage.filter(({ kind }) => kind === 'continuity');
    assert.equal(losses.length, 1);
    assert.ok(losses[0]?.kind === 'continuity' && losses[0].pid === 0x100);
    assert.equal((losses[0].found - losses[0].expected) & 15, 3);
    assert.equal(picture.feed.state.losses, 1);
  });
});

describe('random access', () => {
  for (const codec of ['h264', 'mpeg1video'] as const) {
    it(`is found and flagged where an encoder of ${codec} does not say it`, () => {
      const rig = new Rig();
      const picture = rig.feed('picture', { codec, flags: false, group: 10, bytes: 1000 });
      // Without a clock in its packets there is no room for flags.
      picture.spoil = () => plain(picture.encoder);
      rig.set([picture]);
      rig.run(2000);
      const begins = rig.messages.filter(({ mark }) => mark.randomAccess);
      assert.equal(begins.length, 5);
      for (const { bytes } of begins) {
        assert.ok(packetsOf(bytes).some((at) => isUnitStart(bytes, at) && isRandomAccess(bytes, at)));
      }
      const { out } = rig;
      assert.deepEqual(out.damage, []);
      assert.deepEqual(
        out.units.map(({ data }) => data),
        picture.encoder.payloads,
      );
    });
  }

  it('that never comes is not waited for for ever', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264', group: 1e9, flags: false });
    // Its only key frame passes unseen.
    rig.run(100);
    rig.set([picture]);
    rig.run(9000);
    assert.equal(rig.out.units.length, 0);
    rig.run(2000);
    assert.ok(rig.out.units.length > 20);
    assert.match(rig.combiner.state.oddities.join(), /no key frames/);
  });
});

const writers = new WeakMap<TestEncoder, PacketWriter>();

/** The last unit again, with the tables, but each packet plain: no clock, no flags. */
function plain(encoder: TestEncoder): Uint8Array {
  const writer = writers.get(encoder) ?? new PacketWriter();
  writers.set(encoder, writer);
  const payload = encoder.payloads.at(-1) ?? new Uint8Array(0);
  const pes = writePes({ streamId: 0xe0, pts: ticks90k(encoder.ticks - encoder.step) }, payload);
  return concat(encoder.tables(), writer.pes(0x100, pes));
}

describe('a PES header that goes over several packets', () => {
  it('gets its new times in all its parts', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264' });
    let counter = 0;
    picture.spoil = () => {
      const { encoder } = picture;
      const payload = encoder.payloads.at(-1) ?? new Uint8Array(0);
      const dts = ticks90k(encoder.ticks);
      const pes = writePes({ streamId: 0xe0, pts: ticks90k(dts + 3600), dts }, payload);
      const packets: Uint8Array[] = [];
      // 7 bytes, then 5, then 4 and the rest as it fits: in adaptation fields of private data.
      for (let at = 0; at < pes.length; ) {
        const size = Math.min(pes.length - at, [7, 5, 4][packets.length] ?? 184);
        const packet = new Uint8Array(188);
        const field = 184 - size;
        packet.set([0x47, at === 0 ? 0x41 : 1, 0, (field > 0 ? 0x30 : 0x10) | (counter++ & 15)]);
        if (field > 2) packet.set([field - 1, 0x02, field - 3], 4);
        packet.set(pes.subarray(at, at + size), 188 - size);
        packets.push(packet);
        at += size;
      }
      return concat(encoder.tables(), ...packets);
    };
    rig.set([picture]);
    rig.run(2000);
    const { out } = rig;
    assert.deepEqual(out.damage, []);
    assert.deepEqual(
      out.units.map(({ data }) => data),
      picture.encoder.payloads,
    );
    for (const { pts, dts } of out.units) assert.equal(pts - dts, 3600);
    const steps = out.units.slice(1).map(({ dts }, i) => dts - (out.units[i]?.dts ?? 0));
    assert.ok(steps.every((step) => Math.abs(step - 3600) <= 90));
  });
});

describe('what is strange about a feed is said in words', () => {
  it('several programs: the first is taken', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264', group: 5 });
    const writer = new PacketWriter();
    const pat = writePat({
      programs: [
        { programNumber: 1, pmtPid: 0x1000 },
        { programNumber: 2, pmtPid: 0x1001 },
      ],
    });
    const other = writePmt({
      programNumber: 2,
      version: 0,
      pcrPid: 0x200,
      descriptors: [],
      streams: [{ pid: 0x200, streamType: 0x1b, descriptors: [] }],
    });
    picture.spoil = (packets) => {
      const rest = packetsOf(packets)
        .filter((at) => pidOf(packets, at) !== 0)
        .map((at) => packets.subarray(at, at + 188));
      return concat(writer.section(0, pat), ...rest, writer.section(0x1001, other));
    };
    rig.set([picture]);
    rig.run(1000);
    assert.match(picture.feed.state.oddities.join(), /several programs: 1 is taken, 2 is left out/);
    assert.equal(rig.combiner.state.tracks.length, 1);
    assert.equal(rig.out.units.length, 25);
  });

  it('encryption: what cannot be read is left out', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264', group: 5 });
    picture.spoil = (packets) => {
      for (const at of packetsOf(packets)) {
        if (pidOf(packets, at) === 0x100) packets[at + 3] = (packets[at + 3] ?? 0) | 0x80;
      }
      return packets;
    };
    rig.set([picture]);
    rig.run(1000);
    assert.match(picture.feed.state.oddities.join(), /encrypted/);
    assert.equal(rig.out.units.length, 0);
  });

  it('sections in place of PES packets', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264', group: 5 });
    const writer = new PacketWriter();
    picture.spoil = (packets) => {
      const pmt = writePmt({
        programNumber: 1,
        version: 1,
        pcrPid: 0x100,
        descriptors: [],
        streams: [
          { pid: 0x100, streamType: 0x1b, descriptors: [] },
          { pid: 0x1f0, streamType: 0x86, descriptors: [] },
        ],
      });
      const rest = packetsOf(packets)
        .filter((at) => pidOf(packets, at) !== 0x1000)
        .map((at) => packets.subarray(at, at + 188));
      return concat(...rest.slice(0, 1), writer.section(0x1000, pmt), ...rest.slice(1));
    };
    rig.set([picture]);
    rig.run(1000);
    assert.match(picture.feed.state.oddities.join(), /sections/);
  });

  it('a program table that is full', () => {
    const rig = new Rig();
    const long = Array.from({ length: 3 }, () => descriptors.registration('LONG'));
    const many = Array.from({ length: 64 }, (_, i) =>
      rig.feed(`feed ${i}`, { codec: i % 2 ? 'mp2' : 'h264', descriptors: long, start: i * 1e6 }),
    );
    rig.run(100);
    rig.set(many);
    rig.run(1000);
    const { tracks, oddities } = rig.combiner.state;
    assert.ok(tracks.length >= 40 && tracks.length < 64, `${tracks.length}`);
    assert.match(oddities.join(), /room for \d+ tracks/);
    assert.deepEqual(rig.out.damage, []);
    assert.equal(OutputTables.fit([]), 0);
  });

  it('a feed without a clock of its own is nothing strange', () => {
    const rig = new Rig();
    const writer = new PacketWriter();
    const picture = rig.feed('picture', { codec: 'h264', group: 5 });
    picture.spoil = () => {
      const pes = writePes(
        { streamId: 0xe0, pts: ticks90k(picture.encoder.ticks) },
        picture.encoder.payloads.at(-1) ?? new Uint8Array(0),
      );
      return concat(picture.encoder.tables(), writer.pes(0x100, pes, { randomAccess: true }));
    };
    rig.set([picture]);
    rig.run(1000);
    assert.equal(rig.out.units.length, 25);
    assert.deepEqual(picture.feed.state.oddities, []);
  });
});

describe('64 feeds', () => {
  it('are one program, each unit whole and each counter right', () => {
    const rig = new Rig();
    const many = Array.from({ length: 64 }, (_, i) =>
      rig.feed(`feed ${i}`, { codec: i % 2 ? 'mp2' : 'h264', start: i * 1e6, seed: i }, i % 7),
    );
    rig.set(many);
    rig.run(3000);
    const { out } = rig;
    assert.deepEqual(out.damage, []);
    assert.equal(rig.combiner.state.tracks.length, 64);
    assert.ok(out.units.length >= 64 * 70, `${out.units.length}`);
    assert.equal(rig.combiner.state.held < 100_000, true);
  });
});

describe('a feed with picture and sound, of which one PID changes its meaning at a restart', () => {
  it('is read by its new table, not by its old one', () => {
    const random = new Random(1);
    const write = (first: 'video' | 'audio', ticks: number): Uint8Array => {
      const writer = new PacketWriter();
      const pat = writePat({ programs: [{ programNumber: 1, pmtPid: 0x1000 }] });
      const [video, audio] = first === 'video' ? [0x100, 0x101] : [0x101, 0x100];
      const streams = [
        { pid: video, streamType: 0x1b, descriptors: [] },
        { pid: audio, streamType: 0x0f, descriptors: [] },
      ];
      const pmt = writePmt({ programNumber: 1, version: 0, pcrPid: video, descriptors: [], streams });
      const pts = ticks90k(ticks);
      return concat(
        writer.section(0, pat),
        writer.section(0x1000, pmt),
        writer.pes(video, writePes({ streamId: 0xe0, pts }, h264Unit(random, 'idr', 600)), {
          randomAccess: true,
          pcr: ticks27M(ticks * 300),
        }),
        writer.pes(audio, writePes({ streamId: 0xc0, pts }, adtsFrame(random, 200))),
      );
    };
    const rig = new Rig();
    const both = rig.feed('both', { codec: 'h264' });
    let order: 'video' | 'audio' = 'video';
    let ticks = 126_000;
    both.spoil = () => {
      ticks += 3600;
      return write(order, ticks);
    };
    rig.set([both]);
    rig.run(400);
    both.feed.interrupt(rig.nowMs);
    order = 'audio';
    ticks = 500_000;
    rig.run(400);
    const kinds = new Set(rig.out.units.map(({ pid, class: kind }) => `${pid} ${kind}`));
    assert.deepEqual([...kinds].sort(), ['256 video', '257 audio']);
    assert.deepEqual(demux([rig.bytes]).programs.length, 1);
  });
});
