import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { decode, FilmMaker } from '../../../../../test/captures/support/home.ts';
import { readMovie, secondsOf } from './movie.ts';
import { LONGEST_PIECE, type Pieces, writePieces } from './pieces.ts';

const maker = new FilmMaker();
after(() => maker[Symbol.dispose]());
const target = path.join(maker.directory, 'part.mp4');

/** @returns what was written, and how long it is, in s. */
async function pieces(source: string): Promise<Pieces & { readonly seconds: number }> {
  const movie = await readMovie(source);
  assert.ok(movie);
  return { ...(await writePieces(movie, target)), seconds: secondsOf(movie) };
}

describe('an MP4 in pieces', () => {
  it('shows every picture, as long as before', async () => {
    const { pieces: all, head, seconds } = await pieces(maker.plain('plain.mp4'));
    assert.deepEqual(await decode(target), { pictures: 50, complaints: '' });
    assert.deepEqual(all, [{ at: head, bytes: readFileSync(target).byteLength - head, seconds }]);
  });

  it('begins each piece with a key frame, so that it can be played without those before', async () => {
    const long = maker.make('long.mp4', [
      ...[
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=160x120:r=10:d=35',
        '-f',
        'lavfi',
        '-i',
        'sine=440:d=35',
        '-c:a',
        'aac',
      ],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '40', '-keyint_min', '40'],
    ]);
    const { head, pieces: all, seconds } = await pieces(long);
    const bytes = readFileSync(target);
    assert.deepEqual(
      all.map((piece) => Math.round(piece.seconds)),
      [8, 8, 8, 8, 3],
    );
    assert.ok(Math.abs(all.reduce((sum, piece) => sum + piece.seconds, 0) - seconds) < 1e-6);
    assert.equal(bytes.byteLength, (all.at(-1)?.at ?? 0) + (all.at(-1)?.bytes ?? 0));
    for (const piece of all) {
      const alone = path.join(maker.directory, 'alone.mp4');
      writeFileSync(
        alone,
        Buffer.concat([bytes.subarray(0, head), bytes.subarray(piece.at, piece.at + piece.bytes)]),
      );
      const { pictures, complaints } = await decode(alone);
      assert.deepEqual(
        { pictures, complaints },
        { pictures: Math.round(piece.seconds * 10), complaints: '' },
      );
    }
    assert.deepEqual(await decode(target), { pictures: 350, complaints: '' });
  });

  it('has none that is too long, also where key frames are farther apart', async () => {
    const one = maker.make('one-key.mp4', [
      ...['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10:d=25'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '1000'],
    ]);
    const { pieces: all } = await pieces(one);
    assert.equal(all.length, 3);
    for (const { seconds } of all) assert.ok(seconds <= LONGEST_PIECE);
    assert.deepEqual(await decode(target), { pictures: 250, complaints: '' });
  });
});
