import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '@perch/runtime';
import { decode, FilmMaker } from '../../../../../test/captures/support/home.ts';
import { join } from './join.ts';
import { readMovie } from './movie.ts';
import { withSameSound } from './sound.ts';
import { Tools } from './tools.ts';

const maker = new FilmMaker();
after(() => maker[Symbol.dispose]());

/** How loud it is there, in dB; -91 is nothing. */
function loudness(film: string, from: number, seconds: number): number {
  const range = ['-ss', String(from), '-t', String(seconds), '-i', film];
  const { stderr } = spawnSync('ffmpeg', [
    '-nostdin',
    ...range,
    '-vn',
    '-af',
    'volumedetect',
    '-f',
    'null',
    '-',
  ]);
  return Number(/mean_volume: ([-.\d]+)/.exec(String(stderr))?.[1]);
}

test('files without sound, and with another, go with others: each is heard, or not, in its own time', async () => {
  const tools = new Tools({ clock: systemClock });
  const plain = maker.plain('plain.mp4');
  const late = ['-i', plain, '-itsoffset', '0.7', '-i', plain, '-map', '0:v', '-map', '1:a', '-c:v', 'copy'];
  const files = [
    plain,
    maker.plain('silent.mp4', { sound: 0 }),
    // Another rate, two channels, and for a while nothing at all.
    maker.make('late.mp4', [...late, '-c:a', 'aac', '-ar', '48000', '-ac', '2', '-t', '2']),
    maker.make('mp3.mp4', ['-i', plain, '-c:v', 'copy', '-c:a', 'mp3']),
  ];
  const movies = (await Promise.all(files.map(readMovie))).filter((movie) => movie !== undefined);
  assert.equal(movies.length, files.length);
  const alike = await withSameSound(tools, movies, path.join(maker.directory, 'sound'));
  assert.equal(new Set(alike.map(({ audio }) => audio?.coding.setup)).size, 1);
  const film = path.join(maker.directory, 'film.mp4');
  await join(alike, film);
  assert.deepEqual(await decode(film), { pictures: 200, complaints: '' });
  const probe = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', film];
  assert.ok(Math.abs(Number(execFileSync('ffprobe', probe)) - 8) < 0.15);
  for (const [from, seconds, isHeard] of [
    [0.1, 1.8, true],
    [2.1, 1.8, false],
    [4.1, 0.5, false],
    [4.8, 1.1, true],
    [6.2, 1.7, true],
  ] as const) {
    const measured = loudness(film, from, seconds);
    assert.equal(measured > -40, isHeard, `${measured} dB from ${from} s on`);
  }
  await tools.close();
});
