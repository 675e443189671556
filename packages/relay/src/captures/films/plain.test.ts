import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '@perch/runtime';
import { decode, FilmMaker } from '../../../../../test/captures/support/home.ts';
import { readMovie } from './movie.ts';
import { makePlain } from './plain.ts';
import { Tools } from './tools.ts';

const maker = new FilmMaker();
after(() => maker[Symbol.dispose]());
const plain = maker.plain('plain.mp4');
const from = (name: string, ...args: string[]) => maker.make(name, ['-i', plain, ...args]);

test('whatever ffmpeg can read becomes an MP4 with all its pictures; what can be shown is not encoded again', async () => {
  const tools = new Tools({ clock: systemClock });
  const copy = ['-c', 'copy'];
  /** What it is, and whether its pictures are as the camera's encoder made them. */
  const written: readonly (readonly [path: string, isCopied: boolean])[] = [
    [from('stream.ts', ...copy), true],
    [from('other.ts', '-c:v', 'copy', '-c:a', 'mp2'), true],
    [from('fragments.mp4', ...copy, '-movflags', '+frag_keyframe+empty_moov'), true],
    [from('telephone.mkv', '-c:v', 'copy', '-c:a', 'pcm_mulaw', '-ar', '8000'), true],
    // AAC whose channels are spelt out one by one.
    [from('layout.mkv', '-c:v', 'copy', '-af', 'pan=2.1|FL=c0|FR=c0|LFE=c0', '-c:a', 'aac'), true],
    [from('mpeg4.avi', '-c:v', 'mpeg4', '-an'), false],
    // It does not say when pictures are shown.
    [from('order.avi', '-c:v', 'copy', '-an'), false],
  ];
  const setup = (await readMovie(plain))?.video?.coding.setup;
  for (const [file, isCopied] of written) {
    const target = path.join(maker.directory, 'made.mp4');
    const movie = await makePlain(tools, file, target);
    assert.deepEqual(await decode(target), { pictures: 50, complaints: '' }, file);
    assert.equal(movie.video?.samples.length, 50);
    assert.equal(movie.video?.coding.setup === setup, isCopied, file);
  }
  await assert.rejects(makePlain(tools, import.meta.filename, path.join(maker.directory, 'none.mp4')));
  await tools.close();
});
