// Two real encoders, each with ffmpeg's own PIDs and its own clock, combined: what ffprobe, ffmpeg and tstools say of it.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Combiner, Demuxer, TimedFeed } from '@perch/mpegts';

const exec = promisify(execFile);
const now = () => performance.now();

const picture = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25'];
const sound = ['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'];
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '10'];

/** An ffmpeg that sends one stream to a feed. Resolves when it has ended. */
async function encode(feed: TimedFeed, args: readonly string[], seconds: number): Promise<void> {
  const ffmpeg: ChildProcess = spawn(
    'ffmpeg',
    ['-v', 'error', '-nostdin', ...args, '-t', String(seconds), '-f', 'mpegts', '-'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  ffmpeg.stdout?.on('data', (bytes: Buffer) => feed.push(bytes, now()));
  const [code] = await once(ffmpeg, 'close');
  assert.equal(code, 0, 'ffmpeg ended well');
  feed.interrupt(now());
}

/** A combined stream, written down, while `run` lets encoders send to its feeds. */
async function record(
  feeds: readonly TimedFeed[],
  run: (combiner: Combiner) => Promise<unknown>,
): Promise<Uint8Array> {
  const messages: Uint8Array[] = [];
  const combiner = new Combiner({ onMessage: (bytes) => messages.push(bytes) });
  let known = false;
  const ticks = setInterval(() => {
    // Some tools read only the first PMT: it is to have both tracks.
    if (!known && feeds.every((feed) => feed.state.tracks.length > 0)) {
      known = true;
      combiner.setFeeds(feeds, now());
    }
    combiner.tick(now());
  }, 20);
  try {
    await run(combiner);
    // What waits for another feed goes within 60 ms.
    for (const later of [20, 40, 60]) combiner.tick(now() + later);
    assert.deepEqual(combiner.state.oddities, []);
  } finally {
    clearInterval(ticks);
    combiner.close();
  }
  return Buffer.concat(messages);
}

const pairs: Readonly<Record<string, { picture: string[]; sound: string[]; codecs: string[] }>> = {
  'MPEG-1 and MP2': {
    picture: ['-c:v', 'mpeg1video', '-bf', '0', '-g', '10'],
    sound: ['-c:a', 'mp2'],
    codecs: ['mpeg1video', 'mp2'],
  },
  'H.264 and AAC': {
    picture: [...h264, '-tune', 'zerolatency'],
    sound: ['-c:a', 'aac'],
    codecs: ['h264', 'aac'],
  },
  'H.264 with B pictures and MP2': {
    picture: [...h264, '-bf', '2'],
    sound: ['-c:a', 'mp2'],
    codecs: ['h264', 'mp2'],
  },
  'H.265 and AAC in LATM': {
    picture: [
      ...['-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'],
      ...['-x265-params', 'log-level=none:bframes=0:keyint=10:min-keyint=10'],
    ],
    sound: ['-c:a', 'aac', '-mpegts_flags', 'latm'],
    codecs: ['hevc', 'aac_latm'],
  },
  "ffmpeg's bare defaults": { picture: [], sound: [], codecs: ['mpeg2video', 'mp2'] },
};

describe('two outputs of ffmpeg, combined', () => {
  let folder = '';
  const made = new Map<string, { file: string; bytes: Uint8Array }>();

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'perch-combiner-'));
    // One pair after the other: what is late because the machine is busy would look like a wrong clock.
    for (const [i, [name, pair]] of Object.entries(pairs).entries()) {
      const camera = new TimedFeed({ name: 'picture' });
      const microphone = new TimedFeed({ name: 'sound' });
      const bytes = await record([camera, microphone], () =>
        Promise.all([
          encode(camera, [...picture, ...pair.picture], 4),
          encode(microphone, [...sound, ...pair.sound], 4),
        ]),
      );
      const file = path.join(folder, `${i}.mpegts`);
      await writeFile(file, bytes);
      made.set(name, { file, bytes });
    }
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const [name, { codecs }] of Object.entries(pairs)) {
    it(`${name}: ffprobe finds both and ffmpeg decodes all of it without a word`, async () => {
      const { file } = made.get(name) ?? { file: '' };
      const probed = await exec('ffprobe', [
        ...['-v', 'error', '-count_packets', '-of', 'json', '-show_streams'],
        file,
      ]);
      assert.equal(probed.stderr, '');
      const { streams } = JSON.parse(probed.stdout) as {
        streams: { codec_name: string; id: string; nb_read_packets: string; codec_type: string }[];
      };
      assert.deepEqual(streams.map(({ codec_name }) => codec_name).sort(), [...codecs].sort());
      assert.deepEqual(streams.map(({ id }) => id).sort(), ['0x100', '0x110']);
      const pictures = streams.find(({ codec_type }) => codec_type === 'video')?.nb_read_packets;
      assert.ok(Number(pictures) >= 60, `${pictures} pictures`);
      // libx265 starts so slowly that its first pictures come in a burst; they are to rise, but need not be 40 ms apart.
      const fine = codecs.includes('hevc') ? ['-enc_time_base', '1:90000'] : [];
      const decoded = await exec('ffmpeg', ['-v', 'error', '-i', file, ...fine, '-f', 'null', '-']);
      assert.equal(decoded.stderr + decoded.stdout, '');
    });

    it(`${name}: tstools find no error and the clock in time`, async () => {
      const { file } = made.get(name) ?? { file: '' };
      const plain = await exec('tsreport', [file]);
      assert.doesNotMatch(plain.stdout + plain.stderr, /!!!|###/);
      const { stdout } = await exec('tsreport', ['-buffering', file]);
      assert.match(stdout, /Bad \(>\.1s\) gaps: 0,/);
      const gap = Number(/Max gap: (\d+)t/.exec(stdout)?.[1]);
      assert.ok(gap <= 40 * 90, `${gap / 90} ms between two clock references`);
      // A unit is decoded after it has come.
      const least = [...stdout.matchAll(/Minimum difference was +(-?\d+)t/g)].map(([, t]) => Number(t));
      assert.ok(least.length > 0 && least.every((ticks) => ticks > 0), `${least}`);
    });

    it(`${name}: nothing is damaged and decoding times rise`, () => {
      const { bytes } = made.get(name) ?? { bytes: new Uint8Array(0) };
      const last = new Map<number, number>();
      const rates = new Set<number>();
      const demuxer = new Demuxer({
        onDamage: (damage) => {
          // LATM tells its sampling rate now and then; before that frames have no times of their own.
          const isEarly = damage.kind === 'access-unit' && !rates.has(damage.pid);
          if (!isEarly || damage.fault !== 'no-timestamp') assert.fail(JSON.stringify(damage));
        },
        onAccessUnit: ({ pid, dts, pts, config }) => {
          if (config) rates.add(pid);
          assert.ok(dts > (last.get(pid) ?? 0) && pts >= dts);
          last.set(pid, dts);
        },
      });
      demuxer.push(bytes);
      demuxer.flush();
      assert.equal(last.size, 2);
    });
  }

  it('with sound muted and back, and the camera started again: still without a word', async () => {
    const camera = new TimedFeed({ name: 'picture' });
    const microphone = new TimedFeed({ name: 'sound' });
    const shown = [...picture, ...h264, '-tune', 'zerolatency'];
    const bytes = await record([camera, microphone], async (combiner) => {
      const heard = encode(microphone, [...sound, '-c:a', 'mp2'], 6);
      await encode(camera, shown, 1.2);
      combiner.setFeeds([camera], now());
      await encode(camera, shown, 1.2);
      combiner.setFeeds([camera, microphone], now());
      await encode(camera, shown, 1.2);
      await heard;
    });
    const file = path.join(folder, 'changed.mpegts');
    await writeFile(file, bytes);
    // A camera that starts on a busy machine sends its first pictures late and then some in a row: their times rise, but
    // two may fall into one 25th of a second.
    const decoded = await exec('ffmpeg', [
      ...['-v', 'error', '-i', file, '-enc_time_base', '1:90000', '-f', 'null', '-'],
    ]);
    assert.equal(decoded.stderr + decoded.stdout, '');
    assert.equal(camera.state.restarts, 2);
    const { stdout, stderr } = await exec('tsreport', [file]);
    assert.doesNotMatch(stdout + stderr, /!!!|###/);
  });
});
