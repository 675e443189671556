import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { FilmMaker } from '../../../../../test/captures/support/home.ts';
import { likenessOf } from './alike.ts';

const maker = new FilmMaker();
after(() => maker[Symbol.dispose]());
const plain = maker.plain('plain.mp4');

describe('what an MP4 says about itself', () => {
  it('is alike where one encoder made both, whatever is in them', async () => {
    const other = maker.make('other.mp4', ['-t', '1', '-i', plain, '-c', 'copy']);
    const [one, two] = [await likenessOf(plain), await likenessOf(other)];
    assert.ok(one && two);
    assert.equal(one.key, two.key);
    assert.equal(one.duration, 2_000);
  });

  it('differs with size, sound, and the settings of the encoder', async () => {
    const keys = [
      plain,
      maker.plain('large.mp4', { size: '640x360' }),
      maker.plain('silent.mp4', { sound: 0 }),
      maker.plain('rate.mp4', { sound: 48_000 }),
      maker.plain('profile.mp4', { encoder: ['-profile:v', 'high', '-preset', 'medium'] }),
    ].map(async (file) => (await likenessOf(file))?.key);
    const all = await Promise.all(keys);
    assert.ok(!all.includes(undefined));
    assert.equal(new Set(all).size, all.length);
  });

  it('is nothing where pictures are hidden, in fragments, in other files, and in damaged ones', async () => {
    const edited = maker.make('edit.mp4', ['-ss', '0.5', '-i', plain, '-c', 'copy']);
    assert.equal(await likenessOf(edited), undefined);
    const fragments = ['-i', plain, '-c', 'copy', '-movflags', '+frag_keyframe+empty_moov'];
    assert.equal(await likenessOf(maker.make('fragments.mp4', fragments)), undefined);
    assert.equal(await likenessOf(maker.make('plain.mkv', ['-i', plain, '-c', 'copy'])), undefined);
    assert.equal(await likenessOf(join(maker.directory, 'nothing.mp4')), undefined);
    const bytes = readFileSync(
      maker.make('front.mp4', ['-i', plain, '-c', 'copy', '-movflags', '+faststart']),
    );
    const cut = join(maker.directory, 'cut.mp4');
    for (let i = 0; i < 300; i++) {
      const damaged = Buffer.from(bytes.subarray(0, 1 + ((i * 37) % 4_000)));
      for (let j = 0; j < i % 7; j++) damaged[(i * 31 + j * 97) % damaged.length] = (i * 13 + j) % 256;
      writeFileSync(cut, damaged);
      await likenessOf(cut);
    }
  });
});
