import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from '../bytes.ts';
import type { MessageMark } from '../message-cutter.ts';
import { hasPcr, readPcr } from '../packet/adaptation.ts';
import { isRandomAccess, isUnitStart, pidOf } from '../packet/packet.ts';
import { demux } from '../testing/demux.ts';
import { Rig } from '../testing/rig.ts';
import { type TestStreamOptions, testStream } from '../testing/streams.ts';
import { Combiner } from './combiner.ts';
import { TimedFeed } from './timed-feed.ts';

/** Offsets of the packets in some bytes. */
const packetsOf = (bytes: Uint8Array): number[] =>
  Array.from({ length: bytes.length / 188 }, (_, i) => i * 188);

/** A stream in its pictures' pace: what is between two unit starts of the leading track comes every 40 ms. */
function paced(options: TestStreamOptions): { bytes: Uint8Array; atMs: number }[] {
  const whole = testStream(options);
  const parts: { bytes: Uint8Array; atMs: number }[] = [];
  const lead = options.video ? 0x100 : 0x101;
  let start = 0;
  let atMs = 0;
  for (const at of packetsOf(whole)) {
    if (at === start || !isUnitStart(whole, at) || pidOf(whole, at) !== lead) continue;
    parts.push({ bytes: whole.subarray(start, at), atMs });
    start = at;
    atMs += 40;
  }
  parts.push({ bytes: whole.subarray(start), atMs });
  return parts;
}

const unitsOf = (bytes: Uint8Array, kind: 'video' | 'audio') =>
  demux([bytes])
    .units.filter((unit) => unit.class === kind)
    .map(({ data, randomAccess, codec, pts, dts }) => ({ data, randomAccess, codec, reorder: pts - dts }));

describe('a combined stream of one feed', () => {
  for (const options of [
    { video: 'h264', audio: 'aac' },
    { video: 'mpeg1video', audio: 'mp2' },
    { video: 'mpeg2video', audio: 'mp3', bounded: false },
    { video: 'h264', audio: 'opus' },
    { audio: 'mp2' },
  ] satisfies TestStreamOptions[]) {
    it(`has every access unit of ${Object.values(options).join(', ')} unchanged and at once`, () => {
      const all = { ...options, pictures: 100, group: 10 };
      const feed = new TimedFeed({ name: 'camera' });
      const messages: { bytes: Uint8Array; mark: MessageMark }[] = [];
      const combiner = new Combiner({ onMessage: (bytes, mark) => messages.push({ bytes, mark }) });
      combiner.setFeeds([feed], 1000);
      for (const { bytes, atMs } of paced(all)) {
        feed.push(bytes, 1000 + atMs);
        assert.equal(combiner.state.held, 0);
      }
      const before = testStream(all);
      const after = concat(...messages.map(({ bytes }) => bytes));
      assert.deepEqual(demux([after]).damage, []);
      for (const kind of ['video', 'audio'] as const) {
        assert.deepEqual(unitsOf(after, kind), unitsOf(before, kind));
      }
      assert.deepEqual(feed.state.oddities, []);
      assert.deepEqual(combiner.state.oddities, []);
    });
  }

  it('keeps the distance of sound and picture exactly', () => {
    const options = { video: 'h264', audio: 'aac', pictures: 200, group: 25 } as const;
    const feed = new TimedFeed({ name: 'camera' });
    const messages: Uint8Array[] = [];
    const combiner = new Combiner({ onMessage: (bytes) => messages.push(bytes) });
    combiner.setFeeds([feed], 1000);
    for (const { bytes, atMs } of paced(options)) feed.push(bytes, 1000 + atMs);
    const distances = (bytes: Uint8Array) => {
      const { units } = demux([bytes]);
      const video = units.filter((unit) => unit.class === 'video').slice(100);
      const audio = units.filter((unit) => unit.class === 'audio').slice(250, 300);
      return audio.map(({ pts }, i) => pts - (video[i]?.pts ?? 0));
    };
    const before = distances(testStream(options));
    for (const [i, after] of distances(concat(...messages)).entries()) {
      assert.ok(Math.abs(after - (before[i] ?? 0)) <= 1, `${after} for ${before[i]}`);
    }
  });
});

describe('a combined stream of several feeds', () => {
  it('has all tracks, though all feeds use the same PIDs, with decoding times that rise', () => {
    const rig = new Rig();
    const feeds = [
      rig.feed('picture', { codec: 'h264' }, 2),
      rig.feed('sound', { codec: 'mp2', step: 2160, start: 5_000_000 }, 24),
      rig.feed('second', { codec: 'mpeg1video', start: 2 ** 33 - 90_000 }, 3),
      rig.feed('position', { codec: 'klv', step: 9000 }, 1),
    ];
    rig.set(feeds);
    rig.run(5000);
    const { out } = rig;
    assert.deepEqual(out.damage, []);
    const program = out.programs.at(-1);
    assert.deepEqual(
      program?.streams.map(({ pid, class: kind }) => [pid, kind]),
      [
        [0x100, 'video'],
        [0x120, 'video'],
        [0x110, 'audio'],
        [0x130, 'data'],
      ],
    );
    for (const [i, { encoder }] of feeds.entries()) {
      const units = out.units.filter((unit) => unit.pid === 0x100 + i * 16);
      const sent = encoder.payloads;
      // The last may still wait for its turn.
      assert.ok(units.length >= sent.length - 2, `feed ${i}: ${units.length} of ${sent.length}`);
      assert.deepEqual(
        units.map(({ data }) => data),
        sent.slice(0, units.length),
      );
    }
  });

  it('goes out in the order of decoding times where waiting at most 60 ms makes that possible', () => {
    const rig = new Rig();
    const feeds = [
      rig.feed('picture', { codec: 'h264' }, 1),
      rig.feed('second', { codec: 'mpeg1video', start: 900_000, step: 3003 }, 30),
    ];
    rig.set(feeds);
    rig.run(10_000);
    const all = rig.messages.filter(({ atMs }) => atMs > 13_000);
    const { units } = demux([concat(...all.map(({ bytes }) => bytes))]);
    // Both are anchored on their arrival, so that what is taken later comes later.
    const late = units.filter(({ dts }, i) => i > 0 && dts < (units[i - 1]?.dts ?? 0));
    assert.deepEqual(late.length, 0);
    assert.ok(units.length > 300);
  });

  it('never waits more than 60 ms, nor for a feed that has gone silent', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264' });
    const sound = rig.feed('sound', { codec: 'mp2', step: 2160 }, 24);
    rig.set([picture, sound]);
    rig.run(3000);
    sound.nextMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 100; i++) {
      const sent = picture.encoder.units;
      rig.run(40);
      assert.ok(picture.encoder.units > sent);
      const came = rig.out.units.filter((unit) => unit.class === 'video').length;
      assert.ok(came >= picture.encoder.units - 2, `${came} of ${picture.encoder.units}`);
    }
    assert.equal(rig.combiner.state.held, 0);
  });
});

describe('a picture beside sound that is packed and comes late', () => {
  it('does not wait at all', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264' });
    const sound = rig.feed('sound', { codec: 'mp2', step: 2160 }, 24);
    // Four frames come when the fifth is there.
    const packed: Uint8Array[] = [];
    sound.spoil = (packets) => {
      packed.push(packets);
      return packed.length < 5 ? new Uint8Array(0) : concat(...packed.splice(0));
    };
    rig.set([picture, sound]);
    rig.run(3000);
    const { atMs: settled } = rig.messages.at(-1) ?? { atMs: 0 };
    rig.run(3000);
    const videos = rig.messages.filter(({ mark, atMs }) => mark.class === 'video' && atMs > settled);
    assert.ok(videos.length >= 70);
    for (const { atMs } of videos) assert.equal((atMs - 10_000) % 40, 0);
  });
});

describe('clock and tables', () => {
  it('come in time and never jump, whatever happens to the feeds', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264' });
    const sound = rig.feed('sound', { codec: 'mp2', step: 2160 });
    rig.set([picture, sound]);
    rig.run(1000);
    rig.set([picture]);
    rig.run(1000);
    picture.feed.interrupt(rig.nowMs);
    picture.nextMs += 700;
    picture.encoder.ticks = 2 ** 33 - 100_000;
    rig.run(3000);
    rig.set([sound]);
    rig.run(1000);
    rig.set([picture, sound]);
    rig.run(1000);
    const clocks: number[] = [];
    const tables: number[] = [];
    for (const { bytes, atMs } of rig.messages) {
      for (const packet of packetsOf(bytes)) {
        if (hasPcr(bytes, packet)) clocks.push(readPcr(bytes, packet + 6) / 27_000);
        if (pidOf(bytes, packet) === 0) tables.push(atMs);
      }
    }
    const gaps = (times: number[]) => times.slice(1).map((time, i) => time - (times[i] ?? 0));
    assert.ok(Math.max(...gaps(clocks)) <= 40, `${Math.max(...gaps(clocks))} ms`);
    assert.ok(Math.min(...gaps(clocks)) > 0);
    assert.ok(Math.max(...gaps(tables)) <= 100, `${Math.max(...gaps(tables))} ms`);
    assert.deepEqual(
      rig.out.damage.filter(({ kind }) => kind === 'continuity'),
      [],
    );
    for (const { dts } of rig.out.units) assert.ok(dts / 90 > (clocks[0] ?? 0));
  });
});

describe('clock references', () => {
  it('stay 40 ms apart where the machine was too busy to ask for them', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264' });
    rig.set([picture]);
    rig.run(1000);
    for (const pause of [45, 130, 900]) {
      rig.nowMs += pause;
      picture.nextMs = rig.nowMs;
      rig.run(200);
    }
    const { clocks } = rig.out;
    const gaps = clocks.slice(1).map(({ pcr }, i) => (pcr - (clocks[i]?.pcr ?? 0)) / 27_000);
    assert.ok(Math.max(...gaps) <= 40, `${Math.max(...gaps)} ms`);
  });
});

describe('33 bits', () => {
  it('wrap on the way out without a trace, also more than once', () => {
    const wrapMs = 2 ** 33 / 90;
    for (const beginMs of [wrapMs - 1500, 2 * wrapMs - 1500]) {
      const rig = new Rig({ beginMs });
      const picture = rig.feed('picture', { codec: 'h264', start: 2 ** 33 - 180_000 });
      const sound = rig.feed('sound', { codec: 'mp2', step: 2160 }, 24);
      rig.set([picture, sound]);
      rig.run(4000);
      const { out } = rig;
      assert.deepEqual(out.damage, []);
      assert.equal(picture.feed.state.restarts, 0);
      for (const pid of [0x100, 0x110]) {
        const units = out.units.filter((unit) => unit.pid === pid);
        const steps = units.slice(1).map(({ dts }, i) => dts - (units[i]?.dts ?? 0));
        const step = pid === 0x100 ? 3600 : 2160;
        assert.ok(steps.every((one) => Math.abs(one - step) <= 90));
      }
      const gaps = out.clocks.slice(1).map(({ pcr }, i) => (pcr - (out.clocks[i]?.pcr ?? 0)) / 27_000);
      assert.ok(gaps.every((gap) => gap > 0 && gap <= 40));
      // Each unit is due after the clock that came before it.
      const [first] = out.units;
      assert.ok(first && first.dts * 300 > (out.clocks[0]?.pcr ?? 0));
    }
  });
});

describe('a feed that has gone silent', () => {
  it('leaves the PMT after 10 s, since players wait for what is announced, and comes back with its PID', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264' });
    const sound = rig.feed('sound', { codec: 'mp2', step: 2160 });
    rig.set([picture, sound]);
    rig.run(1000);
    sound.feed.interrupt(rig.nowMs);
    sound.nextMs = rig.nowMs + 15_000;
    rig.run(9000);
    assert.equal(rig.combiner.state.tracks.length, 2);
    rig.run(2000);
    assert.deepEqual(
      rig.combiner.state.tracks.map(({ feed }) => feed),
      ['picture'],
    );
    rig.run(6000);
    assert.deepEqual(
      rig.combiner.state.tracks.map(({ pid }) => pid),
      [0x100, 0x110],
    );
    assert.deepEqual(rig.out.damage, []);
  });
});

describe('setting the same feeds again', () => {
  it('changes nothing, however often', () => {
    const rig = new Rig();
    const feeds = [rig.feed('picture', { codec: 'h264' }), rig.feed('sound', { codec: 'mp2', step: 2160 })];
    rig.set(feeds);
    rig.run(500);
    const { version } = rig.combiner.state;
    for (let i = 0; i < 100; i++) {
      rig.set(feeds, { keepUntilReady: i % 2 === 0 });
      rig.run(10);
    }
    assert.equal(rig.combiner.state.version, version);
    assert.deepEqual(rig.out.damage, []);
  });

  it('in other combinations, as often as there are seconds in a day, leaves nothing behind', () => {
    const rig = new Rig();
    const feeds = Array.from({ length: 6 }, (_, i) =>
      rig.feed(`feed ${i}`, { codec: 'h264', start: i * 1e6 }),
    );
    for (let i = 0; i < 86_400; i++) {
      rig.set(feeds.filter((_, bit) => (i >> bit) & 1));
      if (i % 1000 === 0) rig.run(20);
      rig.messages.length = 0;
    }
    rig.set([]);
    rig.run(1000);
    assert.deepEqual(rig.out.units, []);
    assert.equal(rig.combiner.state.tracks.length, 0);
  });
});

describe('messages', () => {
  it('begin a video unit or continue one; one to begin with has tables, clock and key frame in front', () => {
    const rig = new Rig();
    rig.set([
      rig.feed('picture', { codec: 'h264', bytes: 3000 }),
      rig.feed('sound', { codec: 'aac', step: 1920 }),
    ]);
    rig.run(4000);
    let begins = 0;
    for (const { bytes, mark } of rig.messages) {
      const packets = packetsOf(bytes);
      const starts = packets.filter((at) => pidOf(bytes, at) === 0x100 && isUnitStart(bytes, at));
      assert.ok(starts.length <= 1);
      if (starts.length === 1) {
        const before = packets.filter((at) => at < (starts[0] ?? 0));
        assert.ok(before.every((at) => [0, 0x1000].includes(pidOf(bytes, at)) || hasPcr(bytes, at)));
        assert.equal(mark.class, 'video');
      }
      assert.equal(
        mark.randomAccess,
        starts.some((at) => isRandomAccess(bytes, at)),
      );
      if (!mark.randomAccess) continue;
      begins++;
      assert.deepEqual(
        [pidOf(bytes, 0), pidOf(bytes, 188), pidOf(bytes, 376), hasPcr(bytes, 376), starts],
        [0, 0x1000, 0x100, true, [564]],
      );
    }
    assert.equal(begins, 4);
  });

  it('can be begun with at sound where there is no video, but not so often that tables cost more than it', () => {
    const rig = new Rig();
    rig.set([rig.feed('sound', { codec: 'mp2', step: 2160 })]);
    rig.run(3000);
    const begins = rig.messages.filter(({ mark }) => mark.randomAccess);
    assert.ok(begins.every(({ mark, bytes }) => mark.class === 'audio' && pidOf(bytes, 0) === 0));
    assert.ok(begins.length >= 30 && begins.length <= 50, `${begins.length}`);
  });
});

describe('mute', () => {
  it('a thousand times leaves no gap and loses no picture', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264', bytes: 500 });
    const sound = rig.feed('sound', { codec: 'mp2', step: 2160 });
    rig.set([picture, sound]);
    rig.run(500);
    for (let i = 0; i < 1000; i++) {
      rig.set([picture]);
      rig.run(17 + (i % 40));
      rig.set([picture, sound]);
      rig.run(13 + (i % 50));
    }
    rig.run(100);
    const { out } = rig;
    assert.deepEqual(
      out.damage.filter(({ kind }) => kind === 'continuity'),
      [],
    );
    const pictures = out.units.filter((unit) => unit.class === 'video');
    assert.deepEqual(
      pictures.map(({ data }) => data),
      picture.encoder.payloads.slice(0, pictures.length),
    );
    assert.ok(pictures.length >= picture.encoder.units - 1);
    assert.ok(out.units.every(({ pid }) => pid === 0x100 || pid === 0x110));
  });

  it('takes a track off the wire at once, and the PMT says so', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264' });
    const sound = rig.feed('sound', { codec: 'mp2', step: 2160 });
    rig.set([picture, sound]);
    rig.run(1000);
    const { version } = rig.combiner.state;
    rig.set([picture]);
    const muted = rig.messages.length - 1;
    assert.equal(rig.combiner.state.version, version + 1);
    rig.run(1000);
    const after = concat(...rig.messages.slice(muted).map(({ bytes }) => bytes));
    assert.equal(pidOf(after, 0), 0);
    assert.ok(packetsOf(after).every((at) => pidOf(after, at) !== 0x110));
    assert.deepEqual(
      demux([after]).programs[0]?.streams.map(({ pid }) => pid),
      [0x100],
    );
  });

  it('of all leaves tables that say there is nothing', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264' });
    rig.set([picture]);
    rig.run(1000);
    rig.set([]);
    rig.run(1000);
    const program = rig.out.programs.at(-1);
    assert.deepEqual([program?.streams, program?.pcrPid], [[], 0x1fff]);
    rig.set([picture]);
    rig.run(2000);
    assert.deepEqual(rig.out.damage, []);
    assert.equal(rig.combiner.state.tracks[0]?.pid, 0x100);
  });

  it('ends for video at its next random access point, and for sound at its next unit', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264', group: 50 });
    const sound = rig.feed('sound', { codec: 'mp2', step: 2160 });
    rig.run(410);
    rig.set([picture, sound]);
    rig.run(1000);
    assert.ok(rig.out.units.every((unit) => unit.class === 'audio'));
    assert.ok(rig.out.units.length > 38);
    rig.run(1000);
    const [first] = rig.out.units.filter((unit) => unit.class === 'video');
    assert.deepEqual(first?.data, picture.encoder.payloads[50]);
  });
});

describe('a switch that keeps the old until the new is ready', () => {
  it('shows every picture of the old up to the first of the new', () => {
    const rig = new Rig();
    const large = rig.feed('large', { codec: 'h264', group: 50 });
    const small = rig.feed('small', { codec: 'h264', group: 50, seed: 5 });
    const sound = rig.feed('sound', { codec: 'mp2', step: 2160 }, 24);
    rig.set([large, sound]);
    rig.run(2400);
    rig.set([small, sound], { keepUntilReady: true });
    rig.run(1000);
    assert.deepEqual(
      rig.combiner.state.tracks.map(({ feed }) => feed),
      ['large', 'sound'],
    );
    rig.run(3000);
    assert.deepEqual(
      rig.combiner.state.tracks.map(({ feed }) => feed),
      ['small', 'sound'],
    );
    const { out } = rig;
    assert.deepEqual(out.damage, []);
    const pictures = out.units.filter((unit) => unit.class === 'video').map(({ data }) => data);
    const old = large.encoder.payloads.slice(0, 100);
    const young = small.encoder.payloads.slice(100);
    assert.deepEqual(pictures.slice(0, 100), old);
    assert.deepEqual(pictures.slice(100), young.slice(0, pictures.length - 100));
  });

  for (const bounded of [true, false]) {
    it(`lets the last picture of the old become whole, with lengths told ${bounded}`, () => {
      const rig = new Rig();
      const large = rig.feed('large', { codec: 'h264', group: 50, bytes: 20_000, bounded }, 0);
      const small = rig.feed('small', { codec: 'h264', group: 50, seed: 5, bounded }, 1);
      // The network brings a large picture in two pieces, between which the small one comes.
      let rest = new Uint8Array(0);
      large.spoil = (packets) => {
        rest = packets.slice(50 * 188);
        return packets.subarray(0, 50 * 188);
      };
      small.spoil = (packets) => {
        small.feed.push(packets, rig.nowMs);
        large.feed.push(rest, rig.nowMs + 1);
        return new Uint8Array(0);
      };
      rig.set([large]);
      rig.run(1000);
      rig.set([small], { keepUntilReady: true });
      rig.run(3000);
      assert.equal(rig.combiner.state.tracks[0]?.feed, 'small');
      const { out } = rig;
      assert.deepEqual(out.damage, []);
      const sizes = out.units.map(({ data }) => data.length);
      const switched = sizes.findIndex((size) => size < 20_000);
      assert.ok(switched >= 50);
      assert.ok(sizes.every((size, i) => i < switched === size >= 20_000));
    });
  }

  it('waits for video also of a feed that has not come yet', () => {
    const rig = new Rig();
    const large = rig.feed('large', { codec: 'h264' });
    const other = rig.feed('other', { codec: 'mp2', step: 2160 });
    const late = rig.feed('late', { codec: 'h264' });
    late.nextMs = rig.nowMs + 3000;
    rig.set([large]);
    rig.run(1000);
    rig.set([late, other], { keepUntilReady: true });
    rig.run(1500);
    assert.deepEqual(
      rig.combiner.state.tracks.map(({ feed }) => feed),
      ['large'],
    );
    rig.run(1500);
    assert.deepEqual(
      rig.combiner.state.tracks.map(({ feed }) => feed),
      ['late', 'other'],
    );
  });

  it('can be turned to yet another one while the last picture of the old is awaited', () => {
    const rig = new Rig();
    const large = rig.feed('large', { codec: 'h264', bytes: 20_000 });
    const small = rig.feed('small', { codec: 'h264', group: 1 });
    const third = rig.feed('third', { codec: 'h264', group: 100 });
    rig.set([large]);
    rig.run(990);
    // Half a picture of the old, then a key frame of the new: the switch is about to happen.
    large.feed.push(large.encoder.unit().subarray(0, 50 * 188), rig.nowMs);
    rig.set([small], { keepUntilReady: true });
    small.feed.push(small.encoder.unit(), rig.nowMs);
    rig.set([third], { keepUntilReady: true });
    const before = large.encoder.units;
    large.encoder.ticks += 3600;
    rig.run(1000);
    const shown = rig.out.units.filter(({ pid }) => pid === 0x100).length;
    assert.ok(shown >= before + 20, `${shown} of ${large.encoder.units}`);
  });

  it('can be taken back before it has happened', () => {
    const rig = new Rig();
    const large = rig.feed('large', { codec: 'h264', group: 50 });
    const small = rig.feed('small', { codec: 'h264', group: 50 });
    rig.set([large]);
    rig.run(1000);
    rig.set([small], { keepUntilReady: true });
    rig.run(100);
    rig.set([large], { keepUntilReady: true });
    rig.run(5000);
    assert.deepEqual(
      rig.combiner.state.tracks.map(({ feed }) => feed),
      ['large'],
    );
    assert.equal(rig.out.units.length, large.encoder.units);
  });
});
