import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { FilmMaker } from '../../../../../test/captures/support/home.ts';
import { type Movie, readMovie, secondsOf } from './movie.ts';

const maker = new FilmMaker();
after(() => maker[Symbol.dispose]());
const plain = maker.plain('plain.mp4');

async function read(path: string): Promise<Movie> {
  const movie = await readMovie(path);
  assert.ok(movie, path);
  return movie;
}

describe('the tables of an MP4', () => {
  it('say what is in it, when it is shown, and with what a decoder is set up', async () => {
    const { video, audio } = await read(plain);
    assert.equal(video?.coding.codec, 'h264');
    assert.equal(video?.coding.parameterSets.length, 2);
    assert.equal(video?.samples.length, 50);
    assert.deepEqual(
      video?.samples.flatMap(({ isKey, decoded }) => (isKey ? decoded / video.scale : [])),
      [0, 1],
    );
    // B frames: all are shown, each at a time of its own, in another order.
    const shown = video?.samples.map((sample) => Math.round((sample.shown / video.scale) * 25)) ?? [];
    assert.notDeepEqual(
      shown,
      shown.toSorted((a, b) => a - b),
    );
    assert.deepEqual(
      shown.toSorted((a, b) => a - b),
      Array.from({ length: 50 }, (_, i) => i),
    );
    assert.deepEqual(audio?.coding, { codec: 'aac', rate: 44_100, channels: 1, setup: audio?.coding.setup });
    assert.ok(Math.abs(secondsOf(await read(plain)) - 2) < 0.03);
  });

  it('say whether two can follow each other as they are', async () => {
    const other = maker.make('other.mp4', ['-t', '1', '-i', plain, '-c', 'copy']);
    const setup = async (path: string) => {
      const { video, audio } = await read(path);
      return { pictures: video?.coding.setup, sound: audio?.coding.setup };
    };
    assert.deepEqual(await setup(other), await setup(plain));
    const pictures = [
      plain,
      maker.plain('large.mp4', { size: '640x360' }),
      maker.plain('profile.mp4', { encoder: ['-profile:v', 'high', '-preset', 'medium'] }),
    ].map(async (path) => (await setup(path)).pictures);
    assert.equal(new Set(await Promise.all(pictures)).size, 3);
    const sound = [
      plain,
      maker.plain('rate.mp4', { sound: 48_000 }),
      maker.plain('silent.mp4', { sound: 0 }),
    ];
    assert.equal(new Set(await Promise.all(sound.map(async (path) => (await setup(path)).sound))).size, 3);
  });

  it('have the pictures too that an edit list hides, with their sound', async () => {
    const { video, audio } = await read(maker.make('edit.mp4', ['-ss', '0.5', '-i', plain, '-c', 'copy']));
    assert.equal(video?.samples.length, 50);
    const sound = (audio?.end ?? 0) / (audio?.scale ?? 1);
    assert.ok(Math.abs(sound - 2) < 0.05, `${sound} s`);
  });

  it('have sound that begins late in its place, and none from before the film begins', async () => {
    const late = ['-itsoffset', '0.7', '-i', plain, '-i', plain, '-map', '1:v', '-map', '0:a', '-c', 'copy'];
    const secondOf = async (path: string) => {
      const { audio } = await read(path);
      return (audio?.samples[1]?.decoded ?? 0) / (audio?.scale ?? 1);
    };
    // The first bit of it lasts from the beginning.
    const second = await secondOf(maker.make('late.mp4', late));
    assert.ok(Math.abs(second - 0.7) < 0.05, `${second} s`);
    // ffmpeg's AAC begins with a sample that is not to be heard: 86 of its samples are two seconds.
    assert.equal((await read(plain)).audio?.samples.length, 87);
    assert.equal(await secondOf(plain), 1_024 / 44_100);
  });

  it('are nothing where it is in fragments, not all there, another file, or encoded for no browser', async () => {
    const copy = (name: string, ...args: string[]) => maker.make(name, ['-i', plain, '-c', 'copy', ...args]);
    assert.equal(await readMovie(copy('fragments.mp4', '-movflags', '+frag_keyframe+empty_moov')), undefined);
    assert.equal(await readMovie(copy('plain.mkv')), undefined);
    assert.equal(await readMovie(join(maker.directory, 'nothing.mp4')), undefined);
    assert.equal(await readMovie(maker.make('mpeg4.mp4', ['-i', plain, '-c:v', 'mpeg4'])), undefined);
    const front = copy('front.mp4', '-movflags', '+faststart');
    assert.ok(await readMovie(front));
    const cut = join(maker.directory, 'cut.mp4');
    writeFileSync(cut, readFileSync(front).subarray(0, -1));
    assert.equal(await readMovie(cut), undefined);
  });

  it('are read without harm, however damaged they are', async () => {
    const bytes = readFileSync(
      maker.make('whole.mp4', ['-i', plain, '-c', 'copy', '-movflags', '+faststart']),
    );
    const tables = bytes.indexOf('mdat');
    const path = join(maker.directory, 'damaged.mp4');
    for (let i = 0; i < 400; i++) {
      const damaged = Buffer.from(i % 2 === 0 ? bytes : bytes.subarray(0, 1 + ((i * 37) % tables)));
      for (let j = 0; j <= i % 7; j++) {
        damaged[(i * 31 + j * 97) % Math.min(damaged.length, tables)] = (i * 13 + j * 101) % 256;
      }
      writeFileSync(path, damaged);
      const movie = await readMovie(path);
      for (const track of [movie?.video, movie?.audio]) {
        const total = track?.samples.reduce((sum, sample) => sum + sample.bytes, 0) ?? 0;
        assert.ok(total <= damaged.byteLength, 'no more than there is');
      }
    }
  });
});
