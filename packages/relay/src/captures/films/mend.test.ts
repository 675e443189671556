import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { decode, FilmMaker } from '../../../../../test/captures/support/home.ts';
import { join } from './join.ts';
import { isUnfinished, mend } from './mend.ts';
import { readMovie, type Track } from './movie.ts';
import { readPictureSetup } from './picture-setup.ts';
import type { PictureCoding } from './sample-entry.ts';

const maker = new FilmMaker();
after(() => maker[Symbol.dispose]());
const plain = maker.plain('plain.mp4');
const cut = path.join(maker.directory, 'cut.mp4');

async function picturesOf(file: string): Promise<Track<PictureCoding>> {
  const movie = await readMovie(file);
  assert.ok(movie?.video);
  return movie.video;
}

/** Writes a file, and finds the pictures in it. */
async function mended(bytes: Buffer, like: Track<PictureCoding>): Promise<Track<PictureCoding> | undefined> {
  writeFileSync(cut, bytes);
  const setup = await readPictureSetup(like.path);
  assert.ok(setup);
  const found = await mend(cut, setup);
  assert.notEqual(found?.isTold, false);
  return found?.video;
}

/** A film of what was found, as ffmpeg decodes it. */
async function decoded(
  video: Track<PictureCoding> | undefined,
): Promise<{ pictures: number; complaints: string }> {
  assert.ok(video);
  const film = path.join(maker.directory, 'film.mp4');
  await join([{ path: video.path, video, audio: undefined }], film);
  return decode(film);
}

describe('an MP4 whose camera died', () => {
  it('gives the pictures that are in it, wherever it ends', async () => {
    const like = await picturesOf(plain);
    const bytes = readFileSync(plain);
    for (const share of [0.1, 0.35, 0.6, 0.9]) {
      const end = Math.floor(bytes.length * share);
      const found = await mended(bytes.subarray(0, end), like);
      assert.equal(await isUnfinished(cut), true);
      const there = like.samples.filter((sample) => sample.at + sample.bytes <= end);
      assert.deepEqual(
        found?.samples.map(({ at, bytes: size, isKey }) => ({ at, size, isKey })),
        there.map(({ at, bytes: size, isKey }) => ({ at, size, isKey })),
      );
      assert.deepEqual(await decoded(found), { pictures: there.length, complaints: '' });
    }
  });

  it('gives them at the times at which they are to be shown, however encoders order them', async () => {
    const encoders: Record<string, string[]> = {
      'no B frames': ['-bf', '0', '-g', '25'],
      'many, others referring to them': ['-bf', '5', '-b_strategy', '0', '-b-pyramid', 'normal', '-g', '40'],
      'none that begins anew': ['-bf', '2', '-g', '25', '-x264-params', 'open-gop=1'],
      interlaced: ['-bf', '2', '-flags', '+ildct+ilme', '-g', '25'],
      'lists of scales': ['-bf', '2', '-g', '25', '-x264-params', 'cqm=jvt:8x8dct=1', '-profile:v', 'high'],
    };
    for (const [what, encoder] of Object.entries(encoders)) {
      const file = maker.plain(`${what}.mp4`, { encoder });
      const like = await picturesOf(file);
      const bytes = readFileSync(file);
      const end = bytes.indexOf('moov') - 4;
      const found = await mended(bytes.subarray(0, end), like);
      assert.deepEqual(
        found?.samples.map(({ decoded: at, shown }) => [at, shown]),
        like.samples.map(({ decoded: at, shown }) => [at, shown]),
        what,
      );
    }
  });

  it('gives pictures of several slices, and of a file that never learned how long it is', async () => {
    const sliced = maker.plain('sliced.mp4', { encoder: ['-g', '25', '-x264-params', 'slices=4'] });
    const bytes = readFileSync(sliced);
    const like = await picturesOf(sliced);
    const mdat = bytes.indexOf('mdat');
    bytes.writeUInt32BE(0, mdat - 4);
    const found = await mended(bytes.subarray(0, 100_000), like);
    const there = like.samples.filter((sample) => sample.at + sample.bytes <= 100_000).length;
    assert.ok(there > 10);
    assert.deepEqual(await decoded(found), { pictures: there, complaints: '' });
  });

  it('is left alone where it is whole, in fragments, or nothing of the kind', async () => {
    const like = await picturesOf(plain);
    const front = maker.make('front.mp4', ['-i', plain, '-c', 'copy', '-movflags', '+faststart']);
    assert.equal(await mended(readFileSync(front), like), undefined);
    assert.equal(await isUnfinished(cut), false);
    assert.equal(await mended(Buffer.alloc(0), like), undefined);
    assert.equal(await mended(randomBytes(10_000), like), undefined);
    const noise = Buffer.concat([
      Buffer.from('00000000', 'hex'),
      Buffer.from('mdat'),
      randomBytes(4_000_000),
    ]);
    assert.equal(await mended(noise, like), undefined);
  });

  it('is looked at without harm, however damaged it is', async () => {
    const like = await picturesOf(plain);
    const bytes = readFileSync(plain).subarray(0, 60_000);
    for (let i = 0; i < 40; i++) {
      const damaged = Buffer.from(bytes);
      for (let j = 0; j < 50; j++)
        damaged[40 + ((i * 7_919 + j * 104_729) % (damaged.length - 40))] = (i + j) % 256;
      await mended(damaged, like);
    }
  });
});
