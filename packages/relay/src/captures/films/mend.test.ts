import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { decode, FilmMaker } from '../../../../../test/captures/support/home.ts';
import { mend } from './mend.ts';
import { type PictureSetup, pictureSetupOf } from './picture-setup.ts';

const maker = new FilmMaker();
after(() => maker[Symbol.dispose]());
const plain = maker.plain('plain.mp4');
const path = (name: string) => join(maker.directory, name);

async function setupOf(file: string): Promise<PictureSetup> {
  const setup = await pictureSetupOf(file);
  assert.ok(setup);
  return setup;
}

/** Writes a file, and takes the pictures out of it. */
async function mended(bytes: Buffer, setup: PictureSetup): Promise<number> {
  writeFileSync(path('cut.mp4'), bytes);
  return mend(path('cut.mp4'), setup, path('out.h264'));
}

describe('an MP4 whose camera died', () => {
  it('gives the pictures that are in it, wherever it ends', async () => {
    const setup = await setupOf(plain);
    assert.equal(setup.rate, 25);
    const bytes = readFileSync(plain);
    let last = 0;
    for (const share of [0.1, 0.35, 0.6, 0.9]) {
      const found = await mended(bytes.subarray(0, bytes.length * share), setup);
      assert.ok(found > last, `${found} after ${last}`);
      last = found;
      assert.deepEqual(await decode(path('out.h264')), { pictures: found, complaints: '' });
    }
  });

  it('gives pictures of several slices, and of a file that never learned how long it is', async () => {
    const sliced = maker.plain('sliced.mp4', { encoder: ['-g', '25', '-x264-params', 'slices=4'] });
    const bytes = readFileSync(sliced);
    const mdat = bytes.indexOf('mdat');
    bytes.writeUInt32BE(0, mdat - 4);
    const found = await mended(bytes.subarray(0, 100_000), await setupOf(sliced));
    const { pictures, complaints } = await decode(path('out.h264'));
    assert.equal(complaints, '');
    assert.ok(pictures > 10 && found === pictures * 4, `${found} slices in ${pictures} pictures`);
  });

  it('is left alone where it is whole, in fragments, or nothing of the kind', async () => {
    const setup = await setupOf(plain);
    const front = maker.make('front.mp4', ['-i', plain, '-c', 'copy', '-movflags', '+faststart']);
    assert.equal(await mended(readFileSync(front), setup), 0);
    assert.equal(await mended(Buffer.alloc(0), setup), 0);
    assert.equal(await mended(randomBytes(10_000), setup), 0);
    const noise = Buffer.concat([
      Buffer.from('00000000', 'hex'),
      Buffer.from('mdat'),
      randomBytes(4_000_000),
    ]);
    assert.equal(await mended(noise, setup), 0);
  });

  it('is looked at without harm, however damaged it or its sister is', async () => {
    const setup = await setupOf(plain);
    const bytes = readFileSync(
      maker.make('sister.mp4', ['-i', plain, '-c', 'copy', '-movflags', '+faststart']),
    );
    const cut = readFileSync(plain).subarray(0, 60_000);
    for (let i = 0; i < 200; i++) {
      const damaged = Buffer.from(bytes.subarray(0, 200 + ((i * 37) % 6_000)));
      for (let j = 0; j < i % 9; j++) damaged[(i * 31 + j * 97) % damaged.length] = (i * 13 + j) % 256;
      writeFileSync(path('sister.mp4'), damaged);
      await pictureSetupOf(path('sister.mp4'));
      const other = Buffer.from(cut);
      for (let j = 0; j < 50; j++)
        other[40 + ((i * 7_919 + j * 104_729) % (other.length - 40))] = (i + j) % 256;
      if (i % 10 === 0) await mended(other, setup);
    }
  });
});
