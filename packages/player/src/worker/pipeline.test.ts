import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { Combiner, PacketWriter, TimedFeed, ticks90k, writePat, writePes, writePmt } from '@perch/mpegts';
import { millis } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import type { DecoderOutput } from '../decode/decoder.ts';
import type { SoftwareDecoders } from '../decode/software.ts';
import type { StreamSound } from './messages.ts';
import { Pipeline } from './pipeline.ts';
import { SoundOut } from './sound-out.ts';

/** An encoder's output of three seconds, as ffmpeg makes it with its own PIDs and times. */
const film = (...args: string[]) =>
  execFileSync('ffmpeg', ['-v', 'error', ...args, '-t', '3', '-f', 'mpegts', 'pipe:1']);
const picture = film('-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25', '-c:v', 'mpeg1video', '-bf', '0');
const sound = film('-f', 'lavfi', '-i', 'sine=sample_rate=48000', '-c:a', 'mp2');

/** A pipeline whose decoders give a picture for each access unit at once. */
function setUp() {
  const clock = new FakeClock();
  const soundOut = new SoundOut(clock);
  const shown: { at: number; pts: number; name: string }[] = [];
  const told: { at: number; pts: number }[] = [];
  const sounds: StreamSound['kind'][] = [];
  const decoders: { size: string; open: boolean; units: number }[] = [];
  const software: SoftwareDecoders = {
    mpeg1Video(unit, output: DecoderOutput<VideoFrame>) {
      const config = unit.config?.codec === 'mpeg1video' ? unit.config : undefined;
      const decoder = { size: `${config?.width}x${config?.height}`, open: true, units: 0 };
      decoders.push(decoder);
      return {
        decode({ pts }) {
          decoder.units += 1;
          const frame = {
            timestamp: Math.round((pts / 90) * 1000),
            name: decoder.size,
            close: () => undefined,
          };
          output.decoded(frame as unknown as VideoFrame);
        },
        close() {
          decoder.open = false;
        },
      };
    },
    mp2: () => ({ decode: () => undefined, close: () => undefined }),
  };
  const pipeline = new Pipeline({
    clock,
    soundOut,
    loadSoftware: () => Promise.resolve(software),
    senderNow: () => 0,
    draw: (frame) => {
      const { timestamp, name } = frame as unknown as { timestamp: number; name: string };
      shown.push({ at: clock.now(), pts: timestamp / 1000, name });
    },
    playing: () => undefined,
    pictureRefused: (reason) => assert.fail(reason),
    soundChanged: ({ kind }) => sounds.push(kind),
    data: ({ pts }) => told.push({ at: clock.now(), pts }),
    broke: (error) => assert.fail(error),
  });
  const take = (bytes: Uint8Array, replay = false) =>
    pipeline.push({ bytes: bytes.slice(), replay, capturedAt: undefined });
  /** Lets decoders open, which takes promises but no time. */
  const settle = async () => {
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };
  return { clock, pipeline, take, settle, shown, told, sounds, decoders };
}

/** So many ms pass in one step. */
const STEP = 20;

test('muted and unmuted sound leaves the picture alone: one decoder, and no picture missing', async () => {
  const { clock, pipeline, take, settle, shown, sounds, decoders } = setUp();
  const video = new TimedFeed({ name: 'v' });
  const audio = new TimedFeed({ name: 'a' });
  const combiner = new Combiner({ onMessage: (bytes) => take(bytes) });
  combiner.setFeeds([video, audio], 0);
  const steps = 3_000 / STEP;
  for (let i = 0; i < steps; i++) {
    const now = i * STEP;
    const part = (bytes: Buffer) =>
      bytes.subarray(Math.floor((i * bytes.length) / steps), Math.floor(((i + 1) * bytes.length) / steps));
    video.push(part(picture), now);
    audio.push(part(sound), now);
    if (now === 1_000) combiner.setFeeds([video], now);
    if (now === 2_000) combiner.setFeeds([video, audio], now);
    combiner.tick(now);
    await settle();
    clock.advance(STEP);
  }
  assert.deepEqual(sounds.slice(-3), ['playable', 'none', 'playable']);
  assert.equal(decoders.length, 1);
  assert.ok(shown.length > 60, `${shown.length} shown`);
  // In the first second the feed's clock is still being found; then the sound goes.
  const settled = shown.slice(20);
  const gaps = settled.slice(1).map(({ pts }, i) => Math.round(pts - (settled[i] as { pts: number }).pts));
  assert.ok(
    gaps.every((gap) => gap >= 38 && gap <= 42),
    `all 40 ms apart: ${gaps}`,
  );
  pipeline.close();
  combiner.close();
  assert.equal(decoders[0]?.open, false);
});

/** One encoder: tables, and pictures of a size at times that it chooses. */
class Encoder {
  readonly #writer = new PacketWriter();
  readonly #size: [number, number];
  readonly #programNumber: number;
  readonly #streams: { streamType: number; pid: number; descriptors: [] }[];

  constructor(width: number, height: number, pids: readonly number[] = [0x100], programNumber = 1) {
    this.#size = [width, height];
    this.#programNumber = programNumber;
    this.#streams = pids.map((pid) => ({ streamType: pid >= 0x200 ? 0x06 : 0x01, pid, descriptors: [] }));
  }

  tables(version = 0, pmtPid = 0x1000): Uint8Array {
    const programNumber = this.#programNumber;
    return Buffer.concat([
      this.#writer.section(0, writePat({ programs: [{ programNumber, pmtPid }] })),
      this.#writer.section(
        pmtPid,
        writePmt({
          programNumber,
          version,
          pcrPid: this.#streams[0]?.pid ?? 0x1fff,
          descriptors: [],
          streams: this.#streams,
        }),
      ),
    ]);
  }

  /** ISO/IEC 11172-2 2.4.2.3: a sequence header, a group, and an intra picture that is nothing but its header. */
  picture(ms: number, pid = 0x100): Uint8Array {
    const [width, height] = this.#size;
    const es = Buffer.from([
      ...[0, 0, 1, 0xb3, width >> 4, ((width & 15) << 4) | (height >> 8), height & 0xff, 0x13],
      ...[0xff, 0xff, 0xe0, 0xa0, 0, 0, 1, 0xb8, 0, 8, 0, 0],
      ...[0, 0, 1, 0, 0, 0x0f, 0xff, 0xf8, 0, 0, 1, 1, 0x12, 0x34],
    ]);
    const pes = writePes({ streamId: 0xe0, pts: ticks90k(ms * 90) }, es);
    return this.#writer.pes(pid, pes, { randomAccess: true });
  }

  data(ms: number, pid = 0x200): Uint8Array {
    return this.#writer.pes(
      pid,
      writePes({ streamId: 0xbd, pts: ticks90k(ms * 90) }, Buffer.from('measured')),
    );
  }
}

test('a new source of another size and with other times is shown at once, and nothing of the old after it', async () => {
  for (const begin of [1_400, 9_500, 500_000]) {
    const { clock, pipeline, take, settle, shown, decoders } = setUp();
    const old = new Encoder(160, 120);
    const young = new Encoder(320, 240);
    const film: { from: Encoder; ms: number }[] = [];
    for (let i = 0; i < 25; i++) film.push({ from: old, ms: 10_000 + i * 40 });
    for (let i = 0; i < 25; i++) film.push({ from: young, ms: begin + i * 40 });
    take(old.tables());
    for (const { from, ms } of film) {
      if (from === young && ms === begin) take(young.tables(1));
      take(from.picture(ms));
      await settle();
      clock.advance(40);
    }
    const names = shown.map(({ name }) => name);
    assert.deepEqual(
      decoders.map(({ size, open }) => [size, open]),
      [
        ['160x120', false],
        ['320x240', true],
      ],
    );
    // The last picture of a unit without length is known when the next begins.
    assert.ok(names.filter((name) => name === '160x120').length >= 23);
    assert.ok(names.filter((name) => name === '320x240').length >= 23);
    assert.ok(!names.slice(names.indexOf('320x240')).includes('160x120'));
    pipeline.close();
  }
});

test('the picture may move to another PID and another program, and of two the first is played', async () => {
  const { clock, pipeline, take, settle, shown, decoders } = setUp();
  const first = new Encoder(160, 120, [0x100]);
  const second = new Encoder(176, 144, [0x111, 0x100], 7);
  take(first.tables());
  for (let i = 0; i < 10; i++) {
    take(first.picture(i * 40));
    await settle();
    clock.advance(40);
  }
  take(second.tables(1, 0x1001));
  for (let i = 10; i < 20; i++) {
    take(second.picture(i * 40, 0x111));
    take(second.picture(i * 40, 0x100));
    await settle();
    clock.advance(40);
  }
  assert.deepEqual(
    decoders.map(({ size }) => size),
    ['160x120', '176x144'],
  );
  assert.ok(shown.length >= 17, `${shown.length} shown`);
  const times = shown.map(({ pts }) => pts);
  assert.deepEqual(
    times,
    [...new Set(times)].sort((a, b) => a - b),
  );
  pipeline.close();
});

test('data are told with the picture of their time, not those of a start group', async () => {
  const { clock, pipeline, take, settle, shown, told } = setUp();
  const encoder = new Encoder(160, 120, [0x100, 0x200]);
  take(encoder.tables(), true);
  for (let i = 0; i < 10; i++) {
    take(encoder.picture(i * 40), true);
    take(encoder.data(i * 40), true);
    await settle();
  }
  for (let i = 10; i < 30; i++) {
    // It comes before its picture.
    take(encoder.data(i * 40));
    take(encoder.picture(i * 40));
    await settle();
    clock.advance(40);
  }
  assert.ok(told.length >= 15);
  assert.ok(told.every(({ pts }) => pts >= 400));
  for (const { at, pts } of told.slice(2)) {
    assert.deepEqual(
      shown.filter((one) => one.pts === pts).map((one) => one.at),
      [at],
    );
  }
  pipeline.close();
});

test('a closed pipeline leaves no timer', () => {
  const { clock, pipeline } = setUp();
  clock.advance(millis(1_000));
  pipeline.close();
  assert.equal(clock.pending, 0);
});
