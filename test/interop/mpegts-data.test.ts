// KLV and timed ID3: ffprobe must find in what we write, and we in what ffmpeg writes again, the same units.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import {
  type AccessUnit,
  codecName,
  Demuxer,
  descriptors,
  PacketWriter,
  type PmtStream,
  type Program,
  ticks27M,
  ticks90k,
  writePat,
  writePes,
  writePmt,
} from '@perch/mpegts';

const exec = promisify(execFile);
const PID = 0x101;

/** A KLV item of SMPTE ST 336, and an ID3v2.4 tag with a private frame. */
const klv = (i: number) =>
  Buffer.from(`060e2b34020b01010e0103010100000004${i.toString(16).padStart(8, '0')}`, 'hex');
const id3 = (i: number) =>
  Buffer.concat([
    Buffer.from('ID3\x04\x00\x00\x00\x00\x00\x0e', 'latin1'),
    Buffer.from('PRIV\x00\x00\x00\x04\x00\x00', 'latin1'),
    Buffer.from(i.toString().padStart(4, '0')),
  ]);
const inCell = (unit: Uint8Array) => Buffer.concat([Uint8Array.of(0, 0, 0xdf, 0, unit.length), unit]);

interface Recipe {
  readonly stream: Omit<PmtStream, 'pid'>;
  readonly streamId: number;
  readonly unit: (i: number) => Uint8Array;
  readonly payload: (unit: Uint8Array) => Uint8Array;
  readonly codec: string;
  /** ffmpeg 5.1 takes the first five bytes of ID3 for a cell header, and writes what is left. */
  readonly cutByFfmpeg?: number;
}
const whole = (unit: Uint8Array) => unit;
const recipes: Readonly<Record<string, Recipe>> = {
  'KLV, asynchronous': {
    stream: { streamType: 0x06, descriptors: [descriptors.registration('KLVA')] },
    streamId: 0xbd,
    unit: klv,
    payload: whole,
    codec: 'klv',
  },
  'KLV, synchronous, in metadata cells': {
    stream: { streamType: 0x15, descriptors: [descriptors.metadata('KLVA')] },
    streamId: 0xfc,
    unit: klv,
    payload: inCell,
    codec: 'klv',
  },
  'timed ID3': {
    stream: { streamType: 0x15, descriptors: [descriptors.metadata('ID3 ')] },
    streamId: 0xbd,
    unit: id3,
    payload: whole,
    codec: 'timed_id3',
    cutByFfmpeg: 5,
  },
};

/** Ten units a second beside nothing. */
function write({ stream, streamId, unit, payload }: Recipe): { bytes: Uint8Array; units: Uint8Array[] } {
  const writer = new PacketWriter();
  const streams = [{ ...stream, pid: PID }];
  const pat = writePat({ programs: [{ programNumber: 1, pmtPid: 0x1000 }] });
  const pmt = writePmt({ programNumber: 1, version: 0, pcrPid: PID, descriptors: [], streams });
  const parts = [writer.section(0, pat), writer.section(0x1000, pmt)];
  const units: Uint8Array[] = [];
  for (let i = 0; i < 20; i++) {
    const at = 126_000 + i * 9000;
    const one = unit(i);
    units.push(new Uint8Array(one));
    const pes = writePes({ streamId, pts: ticks90k(at) }, payload(one));
    parts.push(writer.pes(PID, pes, { pcr: ticks27M((at - 9000) * 300), randomAccess: true }));
  }
  return { bytes: Buffer.concat(parts), units };
}

function demux(bytes: Uint8Array, piece = bytes.length) {
  const units: AccessUnit[] = [];
  let program: Program | undefined;
  const demuxer = new Demuxer({
    onAccessUnit: (unit) => units.push(unit),
    onProgram: (found) => {
      program = found;
    },
    onDamage: (damage) => assert.fail(JSON.stringify(damage)),
  });
  for (let at = 0; at < bytes.length; at += piece) demuxer.push(bytes.subarray(at, at + piece));
  demuxer.flush();
  return { units, codecs: program?.streams.map(({ codec, class: kind }) => [kind, codecName(codec)]) };
}

describe('metadata', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'perch-data-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const [name, recipe] of Object.entries(recipes)) {
    const { codec, cutByFfmpeg: cut = 0 } = recipe;
    it(`${name}: ffprobe finds the codec and the units that we wrote, and so do we, however cut`, async () => {
      const { bytes, units } = write(recipe);
      const file = path.join(folder, 'ours.mpegts');
      await writeFile(file, bytes);
      const args = ['-v', 'error', '-show_streams', '-show_packets', '-of', 'json', file];
      const { stdout } = await exec('ffprobe', args);
      const probed = JSON.parse(stdout) as {
        streams: { id: string; codec_name: string }[];
        packets: { pts: number; size: string }[];
      };
      assert.deepEqual(
        probed.streams.map((stream) => [Number(stream.id), stream.codec_name]),
        [[PID, codec]],
      );
      const found = demux(bytes);
      assert.deepEqual(found.codecs, [['data', codec]]);
      assert.deepEqual(
        found.units.map(({ data }) => data),
        units,
      );
      assert.deepEqual(
        probed.packets.map(({ pts, size }) => [pts, Number(size)]),
        found.units.map(({ pts, data }) => [pts, data.length - cut]),
      );
      for (const piece of [1, 187, 1000]) assert.deepEqual(demux(bytes, piece), found, `pieces of ${piece}`);
    });

    it(`${name}: what ffmpeg makes of it is the same to us`, async () => {
      const { bytes, units } = write(recipe);
      const file = path.join(folder, 'in.mpegts');
      const again = path.join(folder, 'again.mpegts');
      await writeFile(file, bytes);
      await exec('ffmpeg', [
        '-v',
        'error',
        '-nostdin',
        '-y',
        '-i',
        file,
        '-map',
        '0',
        '-c',
        'copy',
        '-f',
        'mpegts',
        again,
      ]);
      const found = demux(await readFile(again));
      assert.deepEqual(found.codecs, [['data', codec]]);
      assert.deepEqual(
        found.units.map(({ data }) => data),
        units.map((unit) => unit.subarray(cut)),
      );
    });
  }
});
