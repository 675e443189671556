// Access units that a real encoder made, written anew: what ffprobe, ffmpeg and tstools say of it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { type AccessUnit, Demuxer, Muxer, type Program } from '@perch/mpegts';

const exec = promisify(execFile);

const input = [
  ...['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25', '-f', 'lavfi', '-i', 'sine=sample_rate=48000'],
  ...['-t', '3', '-pix_fmt', 'yuv420p', '-g', '10'],
];
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2'];
const pairs: Readonly<Record<string, readonly string[]>> = {
  'MPEG-1 and MP2': ['-c:v', 'mpeg1video', '-c:a', 'mp2'],
  'H.264 with B pictures and AAC': [...h264, '-c:a', 'aac'],
  'H.264 and MP3': [...h264, '-c:a', 'libmp3lame'],
  'H.264 and Opus': [...h264, '-c:a', 'libopus'],
  'H.265 and AAC in LATM': [
    ...['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=10'],
    ...['-c:a', 'aac', '-mpegts_flags', 'latm'],
  ],
};

interface Parsed {
  readonly program: Program | undefined;
  readonly units: AccessUnit[];
}

function parse(bytes: Uint8Array): Parsed {
  const units: AccessUnit[] = [];
  const demuxer = new Demuxer({
    onAccessUnit: (unit) => units.push({ ...unit, data: unit.data.slice() }),
    onDamage: (damage) => assert.fail(JSON.stringify(damage)),
  });
  demuxer.push(bytes);
  demuxer.flush();
  return { program: demuxer.programs[0], units };
}

/** Parse → mux. Units go in by their decoding times, as they are to. */
function muxAgain({ program, units }: Parsed): Uint8Array {
  const messages: Uint8Array[] = [];
  const muxer = new Muxer({ onMessage: (bytes) => messages.push(bytes) });
  for (const stream of program?.streams ?? []) muxer.addStream(stream);
  for (const unit of units.toSorted((a, b) => a.dts - b.dts)) muxer.write(unit);
  return Buffer.concat(messages);
}

const essence = ({ units }: Parsed, pid: number) =>
  units
    .filter((unit) => unit.pid === pid)
    .map(({ data, pts, dts, randomAccess }) => ({ data: Buffer.from(data), pts, dts, randomAccess }));

describe('what ffmpeg made, parsed and muxed again', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'perch-muxer-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const [name, codecs] of Object.entries(pairs)) {
    it(`${name}: is the same in access units and times, and others' tools find no fault`, async () => {
      const made = path.join(folder, 'made.mpegts');
      await exec('ffmpeg', ['-v', 'error', '-y', ...input, ...codecs, '-f', 'mpegts', made]);
      const source = parse(await readFile(made));
      const bytes = muxAgain(source);
      const again = parse(bytes);
      for (const { pid } of source.program?.streams ?? []) {
        assert.ok(essence(source, pid).length > 20);
        assert.deepEqual(essence(again, pid), essence(source, pid));
      }
      const file = path.join(folder, 'again.mpegts');
      await writeFile(file, bytes);
      const probed = await exec('ffprobe', [
        ...['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', file],
      ]);
      const original = await exec('ffprobe', [
        ...['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', made],
      ]);
      assert.deepEqual(probed, original);
      assert.deepEqual(await exec('ffmpeg', ['-v', 'error', '-i', file, '-f', 'null', '-']), {
        stdout: '',
        stderr: '',
      });
      const report = await exec('tsreport', ['-timing', file]);
      assert.doesNotMatch(report.stdout + report.stderr, /error|discontinuit/i);
    });
  }
});
