import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concat } from '../bytes.ts';
import type { MessageMark } from '../message-cutter.ts';
import { stuffingBytes } from '../packet/adaptation.ts';
import { isRandomAccess, isUnitStart, NULL_PID, PACKET_BYTES, PAT_PID, pidOf } from '../packet/packet.ts';
import type { AccessUnit, ElementaryStream } from '../program.ts';
import { PMT_PID } from '../psi/output-tables.ts';
import { descriptors } from '../psi/write.ts';
import { type Demuxed, demux } from '../testing/demux.ts';
import { Random } from '../testing/random.ts';
import {
  adtsFrame,
  filler,
  h264Unit,
  klvUnit,
  opusUnit,
  type TestAudio,
  type TestData,
  type TestVideo,
  testStream,
} from '../testing/streams.ts';
import { ticks27M, ticks90k, wrap } from '../time.ts';
import { Muxer, type MuxerOptions, type MuxerStream, type MuxerUnit } from './muxer.ts';

const MS = 90;
const random = new Random(5);

interface Message {
  readonly bytes: Uint8Array;
  readonly mark: MessageMark;
}

/** A muxer, and what came out of it. */
function rig(options: Omit<MuxerOptions, 'onMessage'> = {}, ...streams: MuxerStream[]) {
  const messages: Message[] = [];
  const muxer = new Muxer({ ...options, onMessage: (bytes, mark) => messages.push({ bytes, mark }) });
  const pids = streams.map((stream) => muxer.addStream(stream));
  const read = (): Demuxed => demux(messages.map(({ bytes }) => bytes));
  return { muxer, messages, pids, read };
}

const unit = (pid: number, atMs: number, data: Uint8Array, randomAccess = true): MuxerUnit => ({
  pid,
  pts: ticks90k(Math.round(atMs * MS)),
  randomAccess,
  data,
});
const picture = (pid: number, atMs: number, key = false) =>
  unit(pid, atMs, h264Unit(random, key ? 'idr' : 'p', 300), key);
const sound = (pid: number, atMs: number) => unit(pid, atMs, adtsFrame(random, 100));

/** Parse → mux, with the streams that the program has. */
function again(source: Demuxed): Message[] {
  const { muxer, messages } = rig();
  for (const stream of source.programs.at(-1)?.streams ?? []) muxer.addStream(stream);
  for (const one of source.units) muxer.write(one);
  return messages;
}

const essence = (units: readonly AccessUnit[], { pid }: ElementaryStream) =>
  units
    .filter((one) => one.pid === pid)
    .map(({ data, pts, dts, randomAccess, class: kind, codec, config, duration }) => {
      // Which turn of 2^33 the first time stamp is in depends on the clock before it.
      const [at, due] = [wrap(pts), wrap(dts)];
      return { data, pts: at, dts: due, randomAccess, class: kind, codec, config, duration };
    });

/** What a mux must keep to: the clock in ms before each packet that tells it, and before each PAT. */
function timing(bytes: Uint8Array, found = demux([bytes])) {
  const clocks = found.clocks.map(({ pcr, at, discontinuity }) => ({ ms: pcr / 27_000, at, discontinuity }));
  const tables: number[] = [];
  for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
    if (pidOf(bytes, at) !== PAT_PID) continue;
    assert.equal(pidOf(bytes, at + PACKET_BYTES), PMT_PID, 'PMT after PAT');
    const next = clocks.find((clock) => clock.at > at);
    if (next) tables.push(next.ms);
  }
  return { clocks, tables };
}

const steps = (values: readonly number[]) => values.slice(1).map((value, i) => value - (values[i] ?? 0));

function assertInTime(bytes: Uint8Array): void {
  const { clocks, tables } = timing(bytes);
  const clockSteps = steps(clocks.map(({ ms }) => ms));
  assert.ok(
    clockSteps.every((step) => step > 0 && step <= 40 + 1e-3),
    `clocks: ${clockSteps}`,
  );
  const tableSteps = steps(tables);
  assert.ok(
    tableSteps.every((step) => step >= 0 && step <= 100),
    `tables: ${tableSteps}`,
  );
}

const videos = fc.constantFrom<TestVideo | undefined>('h264', 'hevc', 'mpeg1video', 'mpeg2video', undefined);
const audios = fc.constantFrom<TestAudio | undefined>('aac', 'aac_latm', 'mp2', 'mp3', 'opus', undefined);
const datas = fc.constantFrom<TestData | undefined>('klv', 'klv_sync', 'timed_id3', undefined);

describe('parse, mux, parse', () => {
  it('gives the same access units, whatever the codec', () => {
    const options = fc.record({
      video: videos,
      audio: audios,
      data: datas,
      bounded: fc.boolean(),
      pictures: fc.integer({ min: 1, max: 12 }),
      group: fc.integer({ min: 1, max: 6 }),
      start: fc.constantFrom(90_000, 126_000, 2 ** 33 - 9_000),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(options, ({ video, audio, data, ...rest }) => {
        fc.pre(Boolean(video ?? audio));
        const bytes = testStream({
          ...rest,
          ...(video && { video }),
          ...(audio && { audio }),
          ...(data && { data }),
        });
        const source = demux([bytes]);
        const messages = again(source);
        const found = demux(messages.map((one) => one.bytes));
        assert.deepEqual(found.damage, []);
        const [before, after] = [source.programs.at(-1), found.programs.at(-1)];
        assert.deepEqual(after?.streams, before?.streams);
        for (const stream of before?.streams ?? []) {
          assert.deepEqual(essence(found.units, stream), essence(source.units, stream));
        }
        assertInTime(concat(...messages.map((one) => one.bytes)));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps pictures in another order than they are decoded in, and of any size', () => {
    const { muxer, read, pids } = rig({}, { codec: 'h264' });
    const [pid = 0] = pids;
    const sizes = [70_000, 10, 200_000, ...Array.from({ length: 190 }, (_, i) => 300 + i)];
    const units = sizes.map((size, i) => ({
      pid,
      dts: ticks90k(126_000 + i * 3600),
      pts: ticks90k(126_000 + i * 3600 + (i % 3) * 3600),
      randomAccess: i === 0,
      data: h264Unit(random, i === 0 ? 'idr' : 'p', size),
    }));
    for (const one of units) muxer.write(one);
    const found = read();
    assert.deepEqual(found.damage, []);
    assert.deepEqual(
      found.units.map(({ pts, dts, data, randomAccess, pid }) => ({ pid, dts, pts, randomAccess, data })),
      units,
    );
  });

  it('keeps what is announced by hand', () => {
    const dts = { tag: 0x7b, data: Uint8Array.of(0) };
    const streams: MuxerStream[] = [
      { codec: { unknown: 'dts' }, streamType: 6, descriptors: [dts], pid: 0x44 },
      { codec: 'opus', descriptors: [descriptors.opusChannels(1), descriptors.language('deu')] },
      { codec: 'klv', streamType: 0x15, descriptors: [descriptors.metadata('KLVA')] },
    ];
    const { muxer, read, pids } = rig({}, ...streams);
    assert.deepEqual(pids, [0x44, 0x100, 0x101]);
    const packet = opusUnit(random, 300).subarray(4);
    muxer.write(unit(0x44, 0, filler(random, 500)));
    muxer.write(unit(0x100, 0, packet));
    muxer.write(unit(0x101, 0, klvUnit(random, 60)));
    const found = read();
    assert.deepEqual(found.damage, []);
    assert.deepEqual(
      found.programs[0]?.streams.map(({ codec, language }) => [codec, language]),
      [
        [{ unknown: 'dts' }, undefined],
        ['opus', 'deu'],
        ['klv', undefined],
      ],
    );
    assert.deepEqual(found.units[1]?.data, packet);
    assert.equal(found.units[1]?.config?.codec === 'opus' && found.units[1].config.channels, 1);
  });
});

describe('what a muxer writes', () => {
  it('is nothing before there is a unit', () => {
    assert.equal(rig({}, { codec: 'h264' }).messages.length, 0);
  });

  it('begins each random access point of the picture with PAT, PMT, clock and key frame, and says so', () => {
    const { muxer, messages, pids } = rig({}, { codec: 'aac' }, { codec: 'h264' });
    const [audio = 0, video = 0] = pids;
    for (let i = 0; i < 100; i++) {
      muxer.write(picture(video, i * 40, i % 10 === 0));
      muxer.write(sound(audio, i * 40 + 5));
      muxer.write(sound(audio, i * 40 + 25));
    }
    const begins = messages.filter(({ mark }) => mark.randomAccess);
    assert.equal(begins.length, 10);
    for (const { bytes, mark } of begins) {
      assert.equal(mark.class, 'video');
      const order = [0, 1, 2].map((i) => pidOf(bytes, i * PACKET_BYTES));
      assert.deepEqual(order, [PAT_PID, PMT_PID, video]);
      assert.ok(isRandomAccess(bytes, 2 * PACKET_BYTES));
      const found = demux([bytes]);
      assert.equal(found.units.length, 1);
      assert.equal(found.clocks.length, 1);
    }
    for (const { bytes, mark } of messages) {
      let starts = 0;
      for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
        const pid = pidOf(bytes, at);
        if ((pid === video || pid === audio) && isUnitStart(bytes, at)) starts++;
      }
      assert.ok(starts <= 1);
      assert.ok(mark.class === 'data' || starts === 1);
    }
  });

  it('can be begun with anywhere often enough when it is sound alone', () => {
    const { muxer, messages, pids } = rig({}, { codec: 'aac' });
    for (let i = 0; i < 200; i++) muxer.write(sound(pids[0] ?? 0, i * 21));
    const begins = messages.filter(({ mark }) => mark.randomAccess);
    assert.ok(begins.length > 50 && begins.length < 100, `${begins.length}`);
    for (const { bytes } of begins) assert.equal(demux([bytes]).units.length, 1);
  });

  it('has clock and tables in time, whenever units come', () => {
    const gap = fc.oneof(fc.constantFrom(0, 20, 33, 40, 41.7), fc.integer({ min: 0, max: 4000 }));
    const events = fc.array(fc.record({ gap, kind: fc.constantFrom('key', 'picture', 'sound', 'quiet') }), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(events, fc.integer({ min: 0, max: 900 }), (list, muxDelayMs) => {
        const { muxer, messages, pids } = rig({ muxDelayMs }, { codec: 'h264' }, { codec: 'aac' });
        const [video = 0, audio = 0] = pids;
        let now = 1000;
        for (const { gap, kind } of list) {
          now += gap;
          if (kind === 'quiet') muxer.advance(ticks90k(Math.round(now * MS)));
          else if (kind === 'sound') muxer.write(sound(audio, now));
          else muxer.write(picture(video, now, kind === 'key'));
        }
        const bytes = concat(...messages.map((one) => one.bytes));
        assertInTime(bytes);
        const found = demux([bytes]);
        assert.deepEqual(found.damage, []);
        const last = found.clocks.at(-1)?.pcr ?? 0;
        assert.ok(now - muxDelayMs - last / 27_000 <= 40.1);
        assert.equal(muxer.state.late, 0);
      }),
    );
  });

  it('has stuffing in the last packets of units alone', () => {
    const bytes = concat(...again(demux([testStream({ video: 'h264', audio: 'aac' })])).map((m) => m.bytes));
    let seen = 0;
    for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
      const pid = pidOf(bytes, at);
      const hasPayload = ((bytes[at + 3] ?? 0) & 0x10) !== 0;
      if (!hasPayload || stuffingBytes(bytes, at) === 0) continue;
      seen++;
      let next = at + PACKET_BYTES;
      while (next < bytes.length && pidOf(bytes, next) !== pid) next += PACKET_BYTES;
      assert.ok(next >= bytes.length || isUnitStart(bytes, next) || !((bytes[next + 3] ?? 0) & 0x10));
    }
    assert.ok(seen > 10);
  });

  it('takes the clock from outside where it is given', () => {
    const { muxer, read, pids } = rig({}, { codec: 'h264' });
    muxer.write({ ...picture(pids[0] ?? 0, 1000, true), pcr: ticks27M(27_000_123) });
    muxer.write({ ...picture(pids[0] ?? 0, 1040), pcr: ticks27M(27_000_123 + 27 * 33_000) });
    assert.deepEqual(
      read().clocks.map(({ pcr }) => pcr),
      [27_000_123, 27_000_123 + 27 * 33_000],
    );
    assert.equal(muxer.state.late, 1, 'the first was due before the clock');
  });

  it('counts units that come after their time, and writes them', () => {
    const { muxer, read, pids } = rig({ muxDelayMs: 100 }, { codec: 'h264' }, { codec: 'aac' });
    const [video = 0, audio = 0] = pids;
    muxer.write(picture(video, 1000, true));
    muxer.write(sound(audio, 901));
    assert.equal(muxer.state.late, 0);
    muxer.write(picture(video, 1200));
    muxer.write(sound(audio, 922));
    assert.equal(muxer.state.late, 1);
    assert.equal(read().units.length, 4);
  });
});

describe('streams that come and go', () => {
  it('are in the next PMT, with another version, and the others go on', () => {
    const { muxer, read, pids } = rig({}, { codec: 'h264' });
    const [video = 0] = pids;
    const versions: number[] = [];
    const run = (from: number, audio?: number) => {
      for (let i = 0; i < 10; i++) {
        muxer.write(picture(video, from + i * 40, i === 0));
        if (audio !== undefined) muxer.write(sound(audio, from + i * 40));
      }
      versions.push(muxer.state.version);
    };
    run(0);
    const audio = muxer.addStream({ codec: 'aac' });
    run(400, audio);
    muxer.removeStream(audio);
    run(800);
    const mp2 = muxer.addStream({ codec: 'mp2', pid: audio });
    run(1200, undefined);
    muxer.removeStream(mp2);
    muxer.addStream({ codec: 'mp2', pid: audio });
    run(1600);
    assert.deepEqual(versions, [0, 1, 2, 3, 3]);
    const found = read();
    assert.deepEqual(found.damage, []);
    assert.equal(found.units.length, 60);
    assert.deepEqual(
      found.programs.map(({ version, streams }) => [version, streams.length]),
      [
        [0, 1],
        [1, 2],
        [2, 1],
        [3, 2],
      ],
    );
  });

  it('hand the clock on: to the sound while there is no picture, to nobody when there is nothing', () => {
    const { muxer, messages, pids } = rig({}, { codec: 'aac' });
    const [audio = 0] = pids;
    for (let i = 0; i < 10; i++) muxer.write(sound(audio, i * 21));
    assert.equal(muxer.state.pcrPid, audio);
    const video = muxer.addStream({ codec: 'h264' });
    assert.equal(muxer.state.pcrPid, video);
    for (let i = 10; i < 20; i++) {
      muxer.write(sound(audio, i * 21));
      muxer.write(picture(video, i * 21));
    }
    muxer.removeStream(video);
    for (let i = 20; i < 30; i++) muxer.write(sound(audio, i * 21));
    muxer.removeStream(audio);
    muxer.advance(ticks90k(2000 * MS));
    assert.equal(muxer.state.pcrPid, NULL_PID);
    const found = demux(messages.map(({ bytes }) => bytes));
    assert.deepEqual(found.damage, []);
    assert.equal(found.programs.at(-1)?.streams.length, 0);
    const clocks = found.clocks.map(({ pcr }) => pcr / 27_000);
    assert.ok(
      steps(clocks).every((step) => step >= 0 && step <= 40),
      `${clocks}`,
    );
    assert.deepEqual([...new Set(found.clocks.map(({ pid }) => pid))], [audio, video]);
    assert.ok(found.clocks.every(({ discontinuity }) => !discontinuity));
  });
});

describe('time that does not go on', () => {
  it('may begin anew after interrupt(), and the clock says so once', () => {
    const { muxer, read, pids } = rig({}, { codec: 'h264' }, { codec: 'aac' });
    const [video = 0, audio = 0] = pids;
    muxer.interrupt();
    muxer.write(picture(video, 60_000, true));
    muxer.write(picture(video, 60_040));
    muxer.interrupt();
    muxer.write(sound(audio, 1400));
    muxer.write(picture(video, 1400, true));
    const found = read();
    assert.deepEqual(found.damage, []);
    assert.deepEqual(
      found.clocks.map(({ pcr, discontinuity }) => [Math.floor(pcr / 27_000), discontinuity]),
      [
        [59_300, false],
        [59_340, false],
        [700, true],
        [700, false],
      ],
    );
  });

  it('jumps rather than to be filled when it goes on by more than ten seconds', () => {
    const { muxer, messages, pids, read } = rig({}, { codec: 'h264' });
    const [video = 0] = pids;
    muxer.write(picture(video, 0, true));
    muxer.write(picture(video, 3_600_000));
    assert.equal(messages.length, 2);
    assert.deepEqual(
      read().clocks.map(({ discontinuity }) => discontinuity),
      [false, true],
    );
  });
});

describe('misuse of a muxer', () => {
  const make = () => rig({}, { codec: 'h264' }, { codec: 'aac' });

  it('is told in words and changes nothing', () => {
    const { muxer, messages, pids } = make();
    const [video = 0, audio = 0] = pids;
    muxer.write(picture(video, 100, true));
    const before = { ...muxer.state };
    const wrong: readonly [() => unknown, RegExp][] = [
      [() => muxer.write(picture(0x200, 100)), /pid: there is no stream with 0x200/],
      [() => muxer.removeStream(0x200), /pid: there is no stream with 0x200/],
      [() => muxer.write(picture(video, 99)), /dts: 8910 of 0x100 is before 9000.*interrupt\(\)/],
      [() => muxer.write({ ...picture(video, 200), pts: ticks90k(0.5) }), /pts: 0\.5 is not a whole number/],
      [() => muxer.advance(ticks90k(Number.NaN)), /dts: NaN is not a whole number/],
      [() => muxer.write(unit(audio, 100, new Uint8Array(0))), /data: a unit without bytes/],
      [() => muxer.write(unit(audio, 100, new Uint8Array(70_000))), /data: 70000 bytes; .* audio/],
      [() => muxer.write(unit(video, 200, new Uint8Array(9_000_000))), /data: 9000000 bytes, more than/],
      [() => muxer.addStream({ codec: 'aac', pid: video }), /pid: there is a stream with 0x100/],
      [() => muxer.addStream({ codec: 'aac', pid: PMT_PID }), /pid: 4096 is not/],
      [() => muxer.addStream({ codec: 'aac', pid: NULL_PID }), /pid: 8191 is not/],
      [() => muxer.addStream({ codec: 'aac', streamType: 256 }), /streamType: 256/],
      [() => muxer.addStream({ codec: { unknown: 'vvc' } }), /stream_type .* for vvc; name a streamType/],
      [() => rig({ muxDelayMs: -1 }), /muxDelayMs: -1/],
    ];
    for (const [run, message] of wrong)
      assert.throws(run, (e) => e instanceof TypeError && message.test(e.message));
    assert.equal(messages.length, 1);
    assert.deepEqual(muxer.state, before);
    muxer.write(picture(video, 140));
  });

  it('is more streams than a PMT has room for', () => {
    const { muxer } = make();
    assert.throws(() => {
      for (;;) muxer.addStream({ codec: 'aac' });
    }, /streams: a PMT has no room for one more than these 201/);
  });
});
