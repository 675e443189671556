// What ffmpeg writes, read by us, by ffprobe and by tstools (tsinfo, tsreport): all three must find the same.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import {
  type AccessUnit,
  Analyzer,
  adtsHeaderBytes,
  codecName,
  type Damage,
  Demuxer,
  isUnitStart,
  latmPayload,
  MessageCutter,
  Muxer,
  type Program,
  pidOf,
} from '@perch/mpegts';

const exec = promisify(execFile);
const PACKET = 188;

const bounded = ['-omit_video_pes_length', '0', '-pes_payload_size', '0', '-muxdelay', '0'];
const h265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '20', '-x265-params'];
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '20'];

/** ffmpeg's arguments after its inputs, and the codecs that must be found. */
const recipes: Readonly<Record<string, { args: string[]; codecs: string[]; only?: 'video' | 'audio' }>> = {
  "ffmpeg's bare defaults": { args: [], codecs: ['mpeg2video', 'mp2'] },
  'mpeg1video and mp2': { args: ['-c:v', 'mpeg1video', '-c:a', 'mp2'], codecs: ['mpeg1video', 'mp2'] },
  'mpeg1video and mp3': { args: ['-c:v', 'mpeg1video', '-c:a', 'libmp3lame'], codecs: ['mpeg1video', 'mp3'] },
  'mpeg2video with B pictures': { args: ['-c:v', 'mpeg2video', '-bf', '2', '-an'], codecs: ['mpeg2video'] },
  'h264 and aac': { args: [...h264, '-c:a', 'aac'], codecs: ['h264', 'aac'] },
  'h264 with B pictures and aac at 48 kHz': {
    args: [...h264, '-preset', 'fast', '-bf', '3', '-c:a', 'aac', '-ar', '48000', '-ac', '2'],
    codecs: ['h264', 'aac'],
  },
  'h264 and aac for small delay': {
    args: [...h264, '-tune', 'zerolatency', '-c:a', 'aac', ...bounded],
    codecs: ['h264', 'aac'],
  },
  'h264 in several slices': {
    args: [...h264, '-tune', 'zerolatency', '-slices', '4', '-an', ...bounded],
    codecs: ['h264'],
  },
  'interlaced h264': { args: [...h264, '-flags', '+ilme+ildct', '-an'], codecs: ['h264'] },
  'h264 and mp2': { args: [...h264, '-c:a', 'mp2'], codecs: ['h264', 'mp2'] },
  'h264 and opus': { args: [...h264, '-c:a', 'libopus'], codecs: ['h264', 'opus'] },
  'h265 and aac': { args: [...h265, 'log-level=error', '-c:a', 'aac'], codecs: ['hevc', 'aac'] },
  'h265 with open groups and B pictures': {
    args: [...h265, 'log-level=error:open-gop=1:bframes=3:keyint=20', '-c:a', 'aac'],
    codecs: ['hevc', 'aac'],
  },
  'h265 in 10 bits, for small delay': {
    args: [
      ...h265,
      'log-level=error:slices=3',
      '-pix_fmt',
      'yuv420p10le',
      '-tune',
      'zerolatency',
      '-an',
      ...bounded,
    ],
    codecs: ['hevc'],
  },
  'opus in frames of 60 ms': {
    args: ['-vn', '-c:a', 'libopus', '-frame_duration', '60'],
    codecs: ['opus'],
    only: 'audio',
  },
  'aac alone': { args: ['-vn', '-c:a', 'aac'], codecs: ['aac'], only: 'audio' },
  'h264 and aac in latm': {
    args: [...h264, '-c:a', 'aac', '-mpegts_flags', 'latm'],
    codecs: ['h264', 'aac_latm'],
  },
  'aac in latm alone': {
    args: ['-vn', '-c:a', 'aac', '-mpegts_flags', 'latm'],
    codecs: ['aac_latm'],
    only: 'audio',
  },
  'mp3 alone, at 24 kHz': {
    args: ['-vn', '-c:a', 'libmp3lame', '-ar', '24000'],
    codecs: ['mp3'],
    only: 'audio',
  },
  'mpeg2video alone': { args: ['-an'], codecs: ['mpeg2video'], only: 'video' },
};

interface Probed {
  readonly streams: readonly {
    index: number;
    id: string;
    codec_name: string;
    width?: number;
    height?: number;
    sample_rate?: string;
    channels?: number;
  }[];
  readonly packets: readonly {
    stream_index: number;
    pts: number;
    dts: number;
    size: string;
    flags: string;
  }[];
}

const probe = async (file: string): Promise<Probed> => {
  const { stdout } = await exec(
    'ffprobe',
    ['-v', 'error', '-show_streams', '-show_packets', '-of', 'json', file],
    {
      maxBuffer: 1e8,
    },
  );
  return JSON.parse(stdout) as Probed;
};

function demux(bytes: Uint8Array, piece = bytes.length) {
  const units: AccessUnit[] = [];
  const damage: Damage[] = [];
  let program: Program | undefined;
  const demuxer = new Demuxer({
    onAccessUnit: (unit) => units.push(unit),
    onDamage: (one) => damage.push(one),
    onProgram: (found) => {
      program = found;
    },
  });
  for (let at = 0; at < bytes.length; at += piece) demuxer.push(bytes.subarray(at, at + piece));
  demuxer.flush();
  assert.ok(program);
  return { units, damage, program };
}

const ours = (units: readonly AccessUnit[], pid: number) =>
  units
    .filter((unit) => unit.pid === pid)
    // To ffprobe every audio packet is a key packet; AAC in LATM can be decoded only from some.
    .map(({ pts, dts, data, keyFrame, class: kind, randomAccess }) => {
      return { pts, dts, size: data.length, key: kind === 'audio' ? keyFrame : randomAccess };
    });

const theirs = (probed: Probed, index: number) =>
  probed.packets
    .filter((packet) => packet.stream_index === index)
    .map(({ pts, dts, size, flags }) => ({ pts, dts, size: Number(size), key: flags.includes('K') }));

/** ffprobe rounds times that no PES header tells; one tick is 11 µs. */
function assertSameUnits(
  actual: ReturnType<typeof theirs>,
  expected: ReturnType<typeof theirs>,
  codec?: string,
): void {
  assert.equal(actual.length, expected.length, 'number of units');
  // ffmpeg's parser of H.265 leaves the zero_byte that begins a unit (B.2.2) to the unit before.
  const moved = codec === 'hevc' ? 1 : 0;
  for (const [i, unit] of actual.entries()) {
    const other = expected[i];
    assert.ok(other);
    assert.ok(Math.abs(unit.size - other.size) <= moved, `unit ${i}: ${unit.size} bytes, not ${other.size}`);
    assert.equal(unit.key, other.key, `unit ${i}: key`);
    assert.ok(Math.abs(unit.pts - other.pts) <= 1, `unit ${i}: pts ${unit.pts}, ffprobe ${other.pts}`);
    assert.ok(Math.abs(unit.dts - other.dts) <= 1, `unit ${i}: dts ${unit.dts}, ffprobe ${other.dts}`);
  }
}

describe('streams that ffmpeg writes', () => {
  let folder = '';
  const files = new Map<string, { file: string; bytes: Uint8Array; probed: Probed }>();
  const get = (name: string) => {
    const found = files.get(name);
    assert.ok(found, name);
    return found;
  };

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'perch-mpegts-'));
    for (const [i, [name, { args, only }]] of Object.entries(recipes).entries()) {
      const file = path.join(folder, `${i}.mpegts`);
      const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=322x244:rate=25'];
      const sound = ['-f', 'lavfi', '-i', 'sine=frequency=440'];
      const inputs = [...(only === 'audio' ? [] : picture), ...(only === 'video' ? [] : sound)];
      await exec('ffmpeg', ['-v', 'error', '-nostdin', ...inputs, '-t', '3', ...args, '-f', 'mpegts', file]);
      files.set(name, { file, bytes: await readFile(file), probed: await probe(file) });
    }
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const [name, { codecs }] of Object.entries(recipes)) {
    it(`${name}: the units that ffprobe finds, with the same times, sizes and key marks`, () => {
      const { bytes, probed } = get(name);
      const { units, damage, program } = demux(bytes);
      assert.deepEqual(damage, []);
      assert.deepEqual(
        program.streams.map((stream) => codecName(stream.codec)),
        codecs,
      );
      assert.deepEqual(
        probed.streams.map((stream) => [Number(stream.id), stream.codec_name]),
        program.streams.map((stream) => [stream.pid, codecName(stream.codec)]),
      );
      for (const stream of probed.streams) {
        const pid = Number(stream.id);
        assertSameUnits(ours(units, pid), theirs(probed, stream.index), stream.codec_name);
        const config = units.find((unit) => unit.pid === pid)?.config;
        assert.ok(config);
        if ('width' in config) assert.deepEqual([config.width, config.height], [stream.width, stream.height]);
        else {
          assert.deepEqual(
            [config.sampleRate, config.channels],
            [Number(stream.sample_rate), stream.channels],
          );
        }
      }
    });

    it(`${name}: the same however the bytes are cut`, () => {
      const { bytes } = get(name);
      const whole = demux(bytes);
      for (const piece of [1, 187, 1316, 4096])
        assert.deepEqual(demux(bytes, piece), whole, `pieces of ${piece}`);
    });

    it(`${name}: the cutter keeps every byte and marks the key pictures`, () => {
      const { bytes, probed } = get(name);
      const parts: Uint8Array[] = [];
      let points = 0;
      const cutter = new MessageCutter({
        onMessage(message, mark) {
          parts.push(message);
          if (mark.randomAccess) points++;
        },
      });
      for (let at = 0; at < bytes.length; at += 1000) cutter.push(bytes.subarray(at, at + 1000));
      cutter.end();
      assert.equal(Buffer.compare(Buffer.concat(parts), bytes), 0);
      const video = probed.streams.find((stream) => stream.width !== undefined);
      if (video) assert.equal(points, theirs(probed, video.index).filter(({ key }) => key).length);
      else assert.ok(points >= 3, `${points} points`);
    });

    it(`${name}: tsinfo finds the same program`, async () => {
      const { file, bytes } = get(name);
      const { program } = demux(bytes);
      const { stdout } = await exec('tsinfo', [file]);
      assert.match(stdout, new RegExp(`Program ${program.number} -> PID ${program.pmtPid.toString(16)} `));
      assert.match(stdout, new RegExp(`PCR PID ${program.pcrPid.toString(16).padStart(4, '0')}`));
      const found = [...stdout.matchAll(/PID ([0-9a-f]{4}) \(.*-> Stream type ([0-9a-f]{2})/g)].map(
        ([, pid, type]) => [Number.parseInt(pid ?? '', 16), Number.parseInt(type ?? '', 16)],
      );
      assert.deepEqual(
        found,
        program.streams.map(({ pid, streamType }) => [pid, streamType]),
      );
    });

    it(`${name}: tsreport measures the same clock, rate, packets and time stamps`, async () => {
      const { file, bytes } = get(name);
      assertSameAsTsreport(bytes, await tsreport(file));
    });
  }

  it('with PES lengths, each unit is delivered with its last packet', () => {
    const { bytes } = get('h264 and aac for small delay');
    const late = lateUnits(bytes);
    assert.deepEqual(late, { units: 75, late: 0 });
  });

  it('without PES lengths, nearly each unit is delivered with its last packet, since that is stuffed', () => {
    for (const name of ["ffmpeg's bare defaults", 'h264 and aac']) {
      const { units, late } = lateUnits(get(name).bytes);
      assert.ok(units > 70 && late <= 3, `${name}: ${late} of ${units} waited for the next`);
    }
  });

  it('in LATM, hold the raw frames that they hold in ADTS', () => {
    const inLatm = demux(get('aac in latm alone').bytes).units.map(({ data }) => latmPayload(data));
    const inAdts = demux(get('aac alone').bytes).units.map(({ data }) => data.slice(adtsHeaderBytes(data)));
    assert.ok(inAdts.length > 100);
    assert.deepEqual(inLatm, inAdts);
  });

  it('with packets taken out, the losses that tsreport finds', async () => {
    for (const name of ["ffmpeg's bare defaults", 'h264 and aac']) {
      const { bytes } = get(name);
      const file = path.join(folder, 'lossy.mpegts');
      const taken = new Set([50, 51, 120, 300, 301, 302, 420, 700, 701, 900, 1100, 1300, 1499]);
      const kept = [];
      // What there is to be found, by construction: a gap in a PID is told by the next packet of that PID.
      const open = new Set<number>();
      let gaps = 0;
      for (let at = 0; at < bytes.length; at += PACKET) {
        const pid = pidOf(bytes, at);
        if (taken.has(at / PACKET)) open.add(pid);
        else {
          if (open.delete(pid)) gaps++;
          kept.push(bytes.subarray(at, at + PACKET));
        }
      }
      const lossy = Buffer.concat(kept);
      await writeFile(file, lossy);
      const { damage } = demux(lossy);
      assert.equal(damage.filter(({ kind }) => kind === 'continuity').length, gaps);
      assert.ok(gaps >= 8);
      assertSameAsTsreport(lossy, await tsreport(file));
    }
  });

  it('with bits turned over, do not stop us, and what is whole is found', () => {
    const { bytes } = get('h264 and aac');
    const noisy = new Uint8Array(bytes);
    for (let at = 10_007; at < noisy.length; at += 20_011) noisy[at] = (noisy[at] ?? 0) ^ 0x10;
    const { units } = demux(noisy);
    assert.ok(units.length > demux(bytes).units.length * 0.7);
  });

  for (const [name, { codecs }] of Object.entries(recipes)) {
    it(`${name}: written again by us, read by ffprobe, tsinfo and tsreport as before`, async () => {
      const { bytes, probed } = get(name);
      const file = path.join(folder, 'again.mpegts');
      const { units, program } = demux(bytes);
      const again = remux(program, units);
      await writeFile(file, again);
      const found = await probe(file);
      assert.deepEqual(
        found.streams.map((stream) => [stream.id, stream.codec_name, stream.width, stream.sample_rate]),
        probed.streams.map((stream) => [stream.id, stream.codec_name, stream.width, stream.sample_rate]),
      );
      for (const [i, { index }] of probed.streams.entries())
        assertSameUnits(theirs(found, index), theirs(probed, index), codecs[i]);
      assertSameAsTsreport(again, await tsreport(file));
    });

    it(`${name}: written again by us, ffmpeg decodes it without a word where it did before`, async () => {
      const { file, bytes } = get(name);
      const again = path.join(folder, 'again.mpegts');
      const { units, program } = demux(bytes);
      await writeFile(again, remux(program, units));
      assert.equal(await complaints(again), await complaints(file));
    });
  }
});

/** What ffmpeg says while it decodes a file. */
async function complaints(file: string): Promise<string> {
  const args = ['-v', 'error', '-nostdin', '-i', file, '-map', '0', '-f', 'null', '-'];
  const { stderr } = await exec('ffmpeg', args);
  // Messages name the address of who sends them.
  return stderr.replace(/ @ 0x[0-9a-f]+/g, '');
}

/** How many video units come only with a packet of the unit after them. */
function lateUnits(bytes: Uint8Array): { units: number; late: number } {
  let units = 0;
  let late = 0;
  let at = 0;
  const demuxer = new Demuxer({
    onAccessUnit: ({ class: kind, pid }) => {
      if (kind !== 'video') return;
      units++;
      if (at < bytes.length && pidOf(bytes, at) === pid && isUnitStart(bytes, at) && units > 1) late++;
    },
  });
  // Three packets at once before the position of packets is believed, then one by one.
  demuxer.push(bytes.subarray(0, 3 * PACKET));
  for (at = 3 * PACKET; at < bytes.length; at += PACKET) demuxer.push(bytes.subarray(at, at + PACKET));
  demuxer.flush();
  return { units, late };
}

interface TsReport {
  readonly packets: number;
  readonly rate: number;
  readonly pcrs: number;
  readonly maxGapMs: number;
  readonly continuityErrors: number;
  readonly streams: readonly { pid: number; bytes: number; firstPts: number; lastPts: number }[];
}

async function tsreport(file: string): Promise<TsReport> {
  const { stdout } = await exec('tsreport', ['-b', file]);
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? Number.NaN);
  const sections = stdout.split(/^Stream \d+: /m).slice(1);
  return {
    packets: number(/^Read (\d+) TS packets/m) - 1, // it counts the end of the file
    rate: number(/Overall stream rate=(\d+)/),
    pcrs: number(/PCRs found: (\d+)/),
    maxGapMs: number(/Max gap: (\d+)t/) / 90,
    continuityErrors: [...stdout.matchAll(/### CC error \* (\d+)/g)].reduce(
      (sum, [, times]) => sum + Number(times),
      0,
    ),
    streams: sections.map((section) => {
      const inside = (pattern: RegExp): number => Number(pattern.exec(section)?.[1] ?? Number.NaN);
      return {
        pid: Number.parseInt(/PID ([0-9a-f]{4})/.exec(section)?.[1] ?? '', 16),
        bytes: inside(/Stream: (\d+) bytes/),
        firstPts: inside(/First PTS\s+(\d+)t/),
        lastPts: inside(/First PTS\s+\d+t, last\s+(\d+)t/),
      };
    }),
  };
}

function assertSameAsTsreport(bytes: Uint8Array, theirs: TsReport): void {
  const analyzer = new Analyzer();
  analyzer.push(bytes);
  analyzer.flush();
  const report = analyzer.report();
  const [program] = report.programs;
  assert.ok(program);
  assert.equal(report.packets, theirs.packets);
  assert.equal(program.pcr.count, theirs.pcrs);
  assert.ok(Math.abs((program.pcr.interval?.maxMs ?? 0) - theirs.maxGapMs) < 0.1);
  assert.ok(
    Math.abs((report.bitRate ?? 0) / theirs.rate - 1) < 0.002,
    `${report.bitRate} and ${theirs.rate} bit/s`,
  );
  // tsreport looks at elementary streams alone, and tstools 1.13 takes no notice of a loss after a counter of 0.
  const noticed = demux(bytes).damage.filter(
    (damage) =>
      damage.kind === 'continuity' &&
      damage.expected !== 1 &&
      program.streams.some((stream) => stream.pid === damage.pid),
  );
  assert.equal(noticed.length, theirs.continuityErrors);
  for (const stream of theirs.streams) {
    const own = program.streams.find(({ pid }) => pid === stream.pid);
    assert.ok(own);
    // tsreport counts from the first PCR on.
    const before = own.packets - stream.bytes / PACKET;
    assert.ok(before >= 0 && before <= 3, `${own.packets} and ${stream.bytes / PACKET} packets`);
    const first = Math.round((own.firstPts ?? 0) * 90_000);
    assert.ok(
      first <= stream.firstPts && stream.firstPts - first < 90_000 / 5,
      `${first} and ${stream.firstPts}`,
    );
  }
}

/** Through the muxer, in the order of decoding times. */
function remux(program: Program, units: readonly AccessUnit[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const muxer = new Muxer({ onMessage: (bytes) => parts.push(bytes) });
  for (const stream of program.streams) muxer.addStream(stream);
  for (const unit of units.toSorted((a, b) => a.dts - b.dts)) muxer.write(unit);
  return Buffer.concat(parts);
}
