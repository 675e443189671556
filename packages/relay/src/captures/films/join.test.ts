import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { decode, FilmMaker } from '../../../../../test/captures/support/home.ts';
import { join } from './join.ts';
import { readMovie } from './movie.ts';

const maker = new FilmMaker();
after(() => maker[Symbol.dispose]());
const plain = maker.plain('plain.mp4');

/** Makes one file of several. @returns its path. */
async function joined(name: string, paths: readonly string[]): Promise<string> {
  const movies = (await Promise.all(paths.map((each) => readMovie(each)))).filter(
    (movie) => movie !== undefined,
  );
  assert.equal(movies.length, paths.length);
  const film = path.join(maker.directory, name);
  await join(movies, film);
  return film;
}

/** What ffprobe says of each packet: when it is shown, when decoded, in s. */
function packets(film: string, stream: string): { shown: number; decoded: number; isKey: boolean }[] {
  const args = ['-v', 'error', '-select_streams', stream, '-show_entries', 'packet=pts_time,dts_time,flags'];
  const lines = execFileSync('ffprobe', [...args, '-of', 'csv=p=0', film])
    .toString()
    .trim()
    .split('\n');
  return lines.map((line) => {
    const [shown, decoded, flags = ''] = line.split(',');
    return { shown: Number(shown), decoded: Number(decoded), isKey: flags.startsWith('K') };
  });
}

/** A hash of each picture, as it is decoded. */
function hashes(film: string): string[] {
  const all = ['-map', '0:v', '-autoscale', '0', '-fps_mode', 'passthrough', '-f', 'framemd5', '-'];
  const lines = execFileSync('ffmpeg', ['-v', 'error', '-i', film, ...all])
    .toString()
    .split('\n');
  return lines.flatMap((line) => (/^\d/.test(line) ? (line.split(',').at(-1) ?? '').trim() : []));
}

const secondsOf = (film: string): number =>
  Number(
    execFileSync('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', film]),
  );

/** Pictures that follow each other at most so far apart, from 0 on. */
function assertSteady(film: string, most: number): void {
  const shown = packets(film, 'v')
    .map((packet) => packet.shown)
    .sort((a, b) => a - b);
  assert.ok(Math.abs(shown[0] ?? 1) < 0.001, `it begins at ${shown[0]}`);
  for (const [i, at] of shown.entries()) {
    const pause = at - (shown[i - 1] ?? at);
    assert.ok(i === 0 || (pause > 0.01 && pause < most), `${pause} s before ${at}`);
  }
  const decoded = packets(film, 'v').map((packet) => packet.decoded);
  assert.ok(decoded.every((at, i) => i === 0 || at > (decoded[i - 1] ?? 0)));
}

describe('files behind each other', () => {
  it('of one encoder are one film', async () => {
    const film = await joined('one.mp4', [plain, plain, plain]);
    assert.deepEqual(await decode(film), { pictures: 150, complaints: '' });
    assert.ok(Math.abs(secondsOf(film) - 6) < 0.1);
    assertSteady(film, 0.07);
    assert.equal(packets(film, 'v').filter(({ isKey }) => isKey).length, 6);
  });

  it('of several sizes, rates and encoders are one film, in whose midst one can begin', async () => {
    const large = maker.plain('large.mp4', {
      ...{ size: '640x360', rate: 30 },
      encoder: ['-profile:v', 'high', '-preset', 'medium', '-g', '30', '-x264-params', 'aud=1'],
    });
    const still = maker.plain('still.mp4', { size: '160x120', rate: 15, encoder: ['-bf', '0', '-g', '15'] });
    const film = await joined('several.mp4', [plain, large, still, plain]);
    assert.deepEqual(await decode(film), { pictures: 50 + 60 + 30 + 50, complaints: '' });
    assert.deepEqual(hashes(film), [plain, large, still, plain].flatMap(hashes), 'bit by bit');
    assert.ok(Math.abs(secondsOf(film) - 8) < 0.1);
    assertSteady(film, 0.1);
    for (const [second, pictures] of [
      [2.1, 60 + 30 + 50],
      [6.1, 50],
      [7.1, 25],
    ] as const) {
      const late = await decode(film, ['-ss', String(second), '-noaccurate_seek']);
      assert.deepEqual(late, { pictures, complaints: '' }, `from ${second} s on`);
    }
    // Sound stays beside its pictures: each file's begins where its pictures do.
    const sound = packets(film, 'a').map(({ shown }) => shown);
    for (const begin of [0, 2, 4, 6]) {
      const nearest = Math.min(...sound.map((at) => Math.abs(at - begin)));
      assert.ok(nearest < 0.07, `${nearest} s beside ${begin}`);
    }
  });

  it('of H.265 are one film too', async () => {
    const hevc = (name: string, size: string) =>
      maker.make(name, [
        ...['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25:d=1`, '-c:v', 'libx265', '-preset', 'ultrafast'],
        ...['-x265-params', 'log-level=error', '-tag:v', 'hvc1'],
      ]);
    const film = await joined('hevc.mp4', [hevc('small.mp4', '320x240'), hevc('big.mp4', '640x360')]);
    assert.deepEqual(await decode(film), { pictures: 50, complaints: '' });
  });

  it('of several codecs are none', async () => {
    const vp9 = maker.make('vp9.mp4', [
      '-i',
      plain,
      '-c:v',
      'vp9',
      '-deadline',
      'realtime',
      '-cpu-used',
      '8',
    ]);
    await assert.rejects(joined('none.mp4', [plain, vp9]), /several codecs \(h264 and vp9\)/);
  });

  it('are left as they are where the relay stops meanwhile', async () => {
    const movie = await readMovie(plain);
    assert.ok(movie);
    const film = path.join(maker.directory, 'stopped.mp4');
    await assert.rejects(join([movie], film, AbortSignal.abort()), { code: 'stopped' });
  });
});
