import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { type AccessUnit, Demuxer, type ElementaryStream, Muxer } from '@perch/mpegts';
import { decode, FilmMaker } from '../../../../../test/captures/support/home.ts';
import { join } from './join.ts';
import { type Movie, readMovie, type Track } from './movie.ts';
import { readStream } from './stream.ts';

const maker = new FilmMaker();
after(() => maker[Symbol.dispose]());
const samples = path.join(maker.directory, 'samples');
const copy = ['-c', 'copy'];

/** When each sample is decoded and shown, in ms. */
const timesOf = (track: Track | undefined): number[] =>
  track?.samples.flatMap(({ decoded, shown }) =>
    [decoded, shown].map((ticks) => (ticks * 1_000) / track.scale),
  ) ?? [];

/** ffmpeg rounds each time stamp by itself. In ms. */
const ROUNDED = 1.5;

function assertAlike(own: Movie | undefined, theirs: Movie | undefined, film: string): void {
  for (const track of ['video', 'audio'] as const) {
    assert.equal(own?.[track]?.coding.setup, theirs?.[track]?.coding.setup, film);
    assert.deepEqual(
      own?.[track]?.samples.map(({ isKey }) => isKey),
      theirs?.[track]?.samples.map(({ isKey }) => isKey),
    );
    const times = timesOf(theirs?.[track]);
    for (const [i, time] of timesOf(own?.[track]).entries()) {
      const other = times[i] ?? 0;
      assert.ok(Math.abs(time - other) < ROUNDED, `${film}: ${track} ${i} at ${time} ms, not ${other}`);
    }
  }
}

/** What is decoded, picture by picture and sample by sample. */
async function contentOf(file: string): Promise<string> {
  const args = ['-i', file, '-vsync', 'passthrough', '-enc_time_base', '-1', '-f', 'framemd5'];
  const lines = (await maker.read(maker.make('content', args))).toString().split('\n');
  const own = (line: string) => [line.split(',')[0], line.split(',').at(-1)].join();
  // Without their times, and each stream by itself: a file begins at 0.
  return lines
    .filter((line) => /^\d/.test(line))
    .map(own)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: false }))
    .join('\n');
}

/** The same, as Perch's own films of motion are written. */
function asPerchWrites(file: string): string {
  const units: AccessUnit[] = [];
  const streams = new Map<number, ElementaryStream>();
  const demuxer = new Demuxer({
    onProgram: (program) => {
      for (const stream of program.streams) streams.set(stream.pid, stream);
    },
    onAccessUnit: (unit) => units.push(unit),
  });
  demuxer.push(readFileSync(file));
  demuxer.flush();
  const parts: Uint8Array[] = [];
  const muxer = new Muxer({ onMessage: (bytes) => void parts.push(bytes) });
  for (const stream of streams.values()) muxer.addStream(stream);
  for (const unit of units.sort((a, b) => a.dts - b.dts)) muxer.write(unit);
  const own = path.join(maker.directory, 'own.ts');
  writeFileSync(own, Buffer.concat(parts));
  return own;
}

describe('a transport stream', () => {
  it('is read as ffmpeg copies it: each picture and each bit of sound, at its time', async () => {
    const plain = maker.plain('plain.mp4');
    const late = ['-i', plain, '-itsoffset', '0.5', '-i', plain, '-map', '0:v', '-map', '1:a', ...copy];
    const films = [
      maker.make('plain.ts', ['-i', plain, ...copy]),
      asPerchWrites(path.join(maker.directory, 'plain.ts')),
      maker.plain('silent.ts', { sound: 0, encoder: ['-g', '20', '-x264-params', 'slices=3'] }),
      maker.plain('high.ts', {
        ...{ rate: 30, sound: 48_000 },
        encoder: ['-profile:v', 'high', '-preset', 'medium', '-bf', '3', '-b_strategy', '0'],
      }),
      maker.make('late.ts', late),
    ];
    for (const film of films) {
      const movie = await readStream(film, samples);
      assert.ok(movie, film);
      const made = path.join(maker.directory, 'made.mp4');
      await join([movie], made);
      const own = await readMovie(made);
      const theirs = await readMovie(maker.make('theirs.mp4', ['-i', film, ...copy]));
      assertAlike(own, theirs, film);
      assert.deepEqual(await decode(made), { pictures: own?.video?.samples.length, complaints: '' });
      assert.equal(await contentOf(made), await contentOf(film), film);
    }
  });

  it('is left to ffmpeg where it is damaged, cut, or has anything that is not usual', async () => {
    const plain = maker.plain('whole.ts');
    const bytes = readFileSync(plain);
    const file = path.join(maker.directory, 'odd.ts');
    const odd = async (content: Buffer) => {
      writeFileSync(file, content);
      return readStream(file, samples);
    };
    assert.ok(await odd(bytes));
    assert.equal(await odd(bytes.subarray(0, -100)), undefined, 'it ends within a packet');
    assert.equal(await odd(Buffer.concat([bytes.subarray(0, 18_800), bytes.subarray(19_176)])), undefined);
    assert.equal(await odd(Buffer.concat([bytes, bytes])), undefined, 'it begins anew');
    assert.equal(await odd(readFileSync(import.meta.filename)), undefined);
    assert.equal(await odd(Buffer.alloc(0)), undefined);
    const encoders: Record<string, string[]> = {
      interlaced: ['-flags', '+ildct+ilme'],
      'without key frames that close': ['-x264-params', 'open-gop=1', '-g', '15'],
      'of pixels that are no squares': ['-vf', 'setsar=16/11'],
    };
    for (const [what, encoder] of Object.entries(encoders)) {
      assert.equal(await readStream(maker.plain('other.ts', { encoder }), samples), undefined, what);
    }
  });

  it('is read without harm, however damaged it is', async () => {
    const bytes = readFileSync(maker.plain('fuzz.ts')).subarray(0, 60_160);
    for (let i = 0; i < 40; i++) {
      const damaged = Buffer.from(bytes);
      for (let j = 0; j <= i % 9; j++)
        damaged[(i * 7_919 + j * 104_729) % damaged.length] = (i * 3 + j) % 256;
      const file = path.join(maker.directory, 'damaged.ts');
      writeFileSync(file, damaged);
      await readStream(file, samples);
    }
  });
});
