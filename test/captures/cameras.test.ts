import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { decode, FilmMaker, Home } from './support/home.ts';

const maker = new FilmMaker();
after(() => maker[Symbol.dispose]());

const SECOND = 1_795_000_000;
const plain = maker.plain('plain.mp4');
const simple = maker.plain('simple.mp4', { encoder: ['-bf', '0', '-g', '25'] });
const from = (source: string, name: string, ...args: string[]) => maker.make(name, ['-i', source, ...args]);
const cut = (path: string, bytes: number): string => {
  truncateSync(path, bytes);
  return path;
};

interface Detail {
  readonly segmentList: readonly {
    number: number;
    playable: boolean;
    seconds: number;
    reason: string | null;
  }[];
}

async function save(home: Home, path: string, name: string): Promise<string> {
  const answer = await home.ask(path);
  assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
  const file = join(home.directory, name);
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  return file;
}

const ended = async (home: Home, segments: readonly string[]): Promise<string> => {
  await home.film(home.spool.name('pir', SECOND), segments);
  await home.drained();
  const [film] = await home.json<{ id: string }[]>('/api/v1/captures');
  assert.ok(film);
  return film.id;
};

describe('one film of all that cameras write', () => {
  /** What a camera wrote, how many pictures it has, and how long it is, in s. */
  const written: readonly (readonly [what: string, path: string, pictures: number, seconds: number])[] = [
    ['an MP4 with B frames', plain, 50, 2],
    [
      'a transport stream that begins somewhere',
      from(plain, 'late.ts', '-c', 'copy', '-output_ts_offset', '5000'),
      50,
      2,
    ],
    ['Matroska of motion, without sound', from(simple, 'motion.mkv', '-c', 'copy', '-an'), 50, 2],
    [
      'Matroska with telephone sound',
      from(simple, 'phone.mkv', '-c:v', 'copy', '-c:a', 'pcm_mulaw', '-ar', '8000', '-ac', '1'),
      50,
      2,
    ],
    ['QuickTime with plain sound', from(plain, 'plain.mov', '-c:v', 'copy', '-c:a', 'pcm_s16le'), 50, 2],
    ['AVI with MPEG-4', from(plain, 'mpeg4.avi', '-c:v', 'mpeg4', '-c:a', 'mp3'), 50, 2],
    [
      'AVI with JPEGs',
      from(plain, 'mjpeg.avi', '-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-c:a', 'pcm_s16le'),
      50,
      2,
    ],
    ['bare H.264', from(simple, 'bare.h264', '-c', 'copy', '-an'), 50, 2],
    ['bare H.264 with B frames', from(plain, 'reordered.h264', '-c', 'copy', '-an'), 50, 2],
    [
      'an MP4 in fragments',
      from(plain, 'fragments.mp4', '-c', 'copy', '-movflags', '+frag_keyframe+empty_moov'),
      50,
      2,
    ],
    // Pictures come when something moves.
    [
      'pictures at odd times',
      from(
        simple,
        'odd.mp4',
        '-vf',
        "select='not(mod(n,3))+lt(n,10)'",
        '-vsync',
        'vfr',
        '-c:v',
        'libx264',
        '-bf',
        '0',
        '-an',
      ),
      23,
      2,
    ],
    [
      'sound that begins late',
      maker.make('late.mp4', [
        '-i',
        simple,
        '-itsoffset',
        '0.7',
        '-i',
        simple,
        '-map',
        '0:v',
        '-map',
        '1:a',
        '-c',
        'copy',
      ]),
      50,
      2.7,
    ],
    // The cameras of these died before they were whole.
    ['Matroska without its end', cut(from(simple, 'cut.mkv', '-c', 'copy'), 90_000), 22, 0.9],
    ['an MP4 without its end', cut(from(plain, 'cut.mp4', '-c', 'copy'), 120_000), 32, 1.28],
  ];

  it('has every picture, each part by itself and all of them together', async () => {
    await using home = await Home.open();
    const id = await ended(
      home,
      written.map(([, path]) => path),
    );
    const list = await (await home.ask(`/api/v1/captures/${id}/playlist.m3u8`)).text();
    const parts = list.split('\n').filter((line) => line.startsWith('parts/'));
    const { segmentList } = await home.json<Detail>(`/api/v1/captures/${id}`);
    for (const [i, [what, , count, seconds]] of written.entries()) {
      const about = segmentList[i];
      assert.ok(about?.playable, `${what}: ${about?.reason}`);
      assert.ok(Math.abs(about.seconds - seconds) < 0.15, `${what}: ${about.seconds} s, not ${seconds}`);
      const part = await save(home, `/api/v1/captures/${id}/${parts[i]}`, `${i}.mp4`);
      assert.deepEqual(await decode(part), { pictures: count, complaints: '' }, what);
    }
    const film = await save(home, `/api/v1/captures/${id}/video.mp4`, 'film.mp4');
    const all = written.reduce((sum, [, , count]) => sum + count, 0);
    assert.deepEqual(await decode(film), { pictures: all, complaints: '' });
    assert.match(segmentList.at(-1)?.reason ?? '', /its pictures were saved, its sound is lost/);
    for (const picture of ['thumbnail.jpg', 'strip.jpg']) {
      assert.equal(
        (await decode(await save(home, `/api/v1/captures/${id}/${picture}`, picture))).pictures,
        1,
        picture,
      );
    }
    checkPlaylist(
      list,
      segmentList.map(({ seconds }) => seconds),
    );
  });
});

/** RFC 8216 4.3.3.1: no piece is longer than what is announced; 4.3.2.2: the pieces of a file are next to each other. */
function checkPlaylist(list: string, seconds: readonly number[]): void {
  const target = Number(/#EXT-X-TARGETDURATION:(\d+)/.exec(list)?.[1]);
  const pieces = [...list.matchAll(/#EXTINF:([\d.]+),\n#EXT-X-BYTERANGE:(\d+)@(\d+)\n(\S+)/g)];
  let sum = 0;
  const ends = new Map<string, number>();
  for (const [, length = '', bytes = '', at = '', file = ''] of pieces) {
    assert.ok(Math.round(Number(length)) <= target, `${length} s of ${target}`);
    assert.ok(!ends.has(file) || ends.get(file) === Number(at), `${file} goes on at ${at}`);
    ends.set(file, Number(at) + Number(bytes));
    sum += Number(length);
  }
  const wanted = seconds.reduce((total, each) => total + each, 0);
  assert.ok(Math.abs(sum - wanted) < 0.1, `${sum} s of ${wanted}`);
  assert.equal(list.match(/#EXT-X-MAP/g)?.length, (list.match(/#EXT-X-DISCONTINUITY\n/g)?.length ?? 0) + 1);
  assert.match(list, /^#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-PLAYLIST-TYPE:EVENT\n/);
  assert.match(list, /#EXT-X-ENDLIST\n$/);
}

describe('a long segment with few key frames', () => {
  it('comes in pieces that are short enough, and announces the same length as any other', async () => {
    await using home = await Home.open();
    const long = maker.make('long.mp4', [
      ...['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10:d=47', '-f', 'lavfi', '-i', 'sine=440:d=47'],
      ...[
        '-c:v',
        'libx264',
        '-preset',
        'ultrafast',
        '-g',
        '1000',
        '-keyint_min',
        '1000',
        '-pix_fmt',
        'yuv420p',
      ],
    ]);
    const id = await ended(home, [long]);
    const list = await (await home.ask(`/api/v1/captures/${id}/playlist.m3u8`)).text();
    assert.match(list, /#EXT-X-TARGETDURATION:10\n/);
    assert.ok((list.match(/#EXTINF/g)?.length ?? 0) >= 5, list);
    checkPlaylist(list, [47]);
  });
});

describe('a film that lies on its side', () => {
  it('is turned in the film as it is in its segments, however they were joined', async () => {
    const turned = (path: string) =>
      JSON.parse(
        execFileSync('ffprobe', [
          '-v',
          'error',
          '-select_streams',
          'v',
          '-show_entries',
          'stream_side_data=rotation',
          '-of',
          'json',
          path,
        ]).toString(),
      ).streams[0].side_data_list?.[0]?.rotation;
    const side = maker.make('side.mp4', ['-i', plain, '-c', 'copy', '-metadata:s:v', 'rotate=90']);
    assert.equal(Math.abs(turned(side)), 90);
    for (const second of [side, from(side, 'side.mkv', '-c', 'copy')]) {
      await using home = await Home.open();
      const id = await ended(home, [side, second]);
      const film = await save(home, `/api/v1/captures/${id}/video.mp4`, 'film.mp4');
      assert.equal(turned(film), turned(side), second);
      assert.deepEqual(await decode(film), { pictures: 100, complaints: '' });
    }
  });
});
