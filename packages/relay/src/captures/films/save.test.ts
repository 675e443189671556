import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { systemClock } from '@perch/runtime';
import { decode, FilmMaker } from '../../../../../test/captures/support/home.ts';
import { fieldFilm, greyOf } from '../testing/field-film.ts';
import { join } from './join.ts';
import { readMovie, secondsOf } from './movie.ts';
import { save } from './save.ts';
import { Tools } from './tools.ts';

const maker = new FilmMaker();
const tools = new Tools({ clock: systemClock });
after(async () => {
  await tools.close();
  maker[Symbol.dispose]();
});
const saved = path.join(maker.directory, 'saved.mp4');

/** @returns how light each picture is. */
const greysOf = (file: string): number[] => {
  const args = [
    '-v',
    'error',
    '-i',
    file,
    '-fps_mode',
    'passthrough',
    '-vf',
    'scale=1:1',
    '-pix_fmt',
    'yuv420p',
  ];
  const bytes = execFileSync('ffmpeg', [...args, '-f', 'rawvideo', '-']);
  return Array.from({ length: bytes.length / 3 }, (_, i) => bytes[i * 3] ?? 0);
};

/** Only what was written before a camera died. @param share of the samples. */
function died(file: string, share: number): string {
  const bytes = readFileSync(file);
  const mdat = bytes.indexOf('mdat') - 4;
  const cut = path.join(maker.directory, 'cut.mp4');
  writeFileSync(cut, bytes.subarray(mdat, mdat + 16 + Math.floor((bytes.length - mdat - 16) * share)));
  return cut;
}

/** Pictures that are two fields each, 25 in a second, in one sample or in two. */
async function fields(name: string, isApart: boolean): Promise<string> {
  const bare = path.join(maker.directory, 'fields.h264');
  writeFileSync(bare, fieldFilm(27));
  const each = (await readMovie(maker.make('each.mp4', ['-r', '50', '-i', bare, '-c', 'copy'])))?.video;
  assert.equal(each?.samples.length, 54);
  const all = each.samples.map((sample, i) => ({ ...sample, decoded: i * 20, shown: i * 20 }));
  const pairs = all.flatMap((sample, i) => {
    const next = all[i + 1];
    return i % 2 === 0 && next ? { ...sample, bytes: sample.bytes + next.bytes } : [];
  });
  const video = { ...each, scale: 1_000, samples: isApart ? all : pairs, end: 27 * 40 };
  const file = path.join(maker.directory, name);
  await join([{ path: each.path, video, audio: undefined }], file);
  return file;
}

describe('a segment whose camera died', () => {
  it('is saved where each picture is two fields: none is lost, and all are shown in their order', async () => {
    for (const isApart of [false, true]) {
      const sister = await fields(`${isApart}.mp4`, isApart);
      for (const [share, pictures] of [
        [1, 27],
        [0.52, 14],
      ] as const) {
        const movie = await save(tools, died(sister, share), [sister], saved);
        assert.deepEqual(await decode(saved), { pictures, complaints: '' });
        assert.ok(
          movie && Math.abs(secondsOf(movie) - pictures / 25) < 0.001,
          `${movie && secondsOf(movie)} s`,
        );
        assert.deepEqual(movie.video?.samples.length, pictures);
        const wanted = Array.from({ length: pictures }, (_, i) => greyOf(i));
        for (const [i, grey] of greysOf(saved).entries()) {
          assert.ok(Math.abs(grey - (wanted[i] ?? 0)) <= 2, `${i}: ${grey}, not ${wanted[i]}`);
        }
      }
    }
  });

  it('is saved by a sister whose sound no browser plays, or of which the end lacks', async () => {
    const plain = maker.plain('plain.mp4');
    const cut = died(plain, 0.6);
    const sisters = [
      maker.make('pcm.mov', ['-i', plain, '-c:v', 'copy', '-c:a', 'pcm_s16le']),
      path.join(maker.directory, 'short.mp4'),
    ];
    const front = maker.make('front.mp4', ['-i', plain, '-c', 'copy', '-movflags', '+faststart']);
    writeFileSync(sisters[1] ?? '', readFileSync(front).subarray(0, -5_000));
    for (const sister of sisters) {
      assert.equal(await readMovie(sister), undefined);
      const movie = await save(tools, cut, [sister], saved);
      const { pictures, complaints } = await decode(saved);
      assert.equal(complaints, '');
      assert.ok(pictures > 20 && movie?.video?.samples.length === pictures, `${pictures} pictures`);
    }
  });

  it('is not saved by a sister of another encoder', async () => {
    const cut = died(maker.plain('one.mp4'), 0.6);
    const other = maker.plain('other.mp4', {
      size: '640x360',
      encoder: ['-profile:v', 'high', '-preset', 'medium'],
    });
    assert.equal(await save(tools, cut, [other], saved), undefined);
  });
});
