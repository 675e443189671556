/**
 * Claim: a film of 20 segments that is asked for right after its last byte is there, whole, within a second; the first
 * segment of a film that begins can be played within a second of its arrival.
 *
 * Segments of 10 s, 1280 × 720, with sound, as one encoder writes them; the same where every other is of another encoder,
 * where every other has no sound, as transport streams (Perch's own films of motion), and where the camera died in the
 * last one. All come at once, over loopback. From the relay's promise that it has the last byte to the end of the first
 * MiB of what is played, over HTTP on loopback: a player begins with less. The worst of {@link RUNS} runs counts.
 */
import { statSync, truncateSync } from 'node:fs';
import { FilmMaker, Home } from '../test/captures/support/home.ts';

const RUNS = Number(process.env.RUNS ?? 5);
const SEGMENTS = 20;
const MOST_MS = 1_000;

const maker = new FilmMaker();
const made = (name: string, size: string, rate: number) =>
  maker.make(name, [
    ...[
      '-f',
      'lavfi',
      '-i',
      `testsrc2=s=${size}:r=${rate}:d=10`,
      '-f',
      'lavfi',
      '-i',
      'sine=440:d=10',
      '-c:a',
      'aac',
    ],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-g', String(2 * rate), '-pix_fmt', 'yuv420p'],
  ]);

/** @returns how long both take, in ms. */
async function once(paths: readonly string[]): Promise<{ first: number; whole: number }> {
  await using home = await Home.open();
  const capture = home.spool.name('pir', 1_795_000_000);
  const take = (segment: number) => {
    const path = paths[segment] ?? '';
    return home.spool.take({ capture, segment, extension: path.split('.').at(-1) ?? 'mp4', path });
  };
  const timed = async (path: (id: string) => Promise<string>) => {
    const start = performance.now();
    const [film] = await home.json<{ id: string }[]>('/api/v1/captures');
    const headers = { Range: 'bytes=0-1048575' };
    const answer = await home.ask(await path(film?.id ?? ''), { headers });
    if (!answer.ok) throw new Error(await answer.text());
    await answer.arrayBuffer();
    return performance.now() - start;
  };
  await home.spool.begin(capture);
  await take(0);
  await home.drained();
  const first = await timed(async (id) => {
    const list = await (await home.ask(`/api/v1/captures/${id}/playlist.m3u8`)).text();
    const part = list.split('\n').find((line) => line.startsWith('parts/'));
    return `/api/v1/captures/${id}/${part}`;
  });
  for (let segment = 1; segment < paths.length; segment++) await take(segment);
  await home.spool.note({ kind: 'end', capture, segments: paths.length });
  await home.drained();
  const whole = await timed(async (id) => `/api/v1/captures/${id}/video.mp4`);
  return { first, whole };
}

const one = made('one.mp4', '1280x720', 25);
const other = made('other.mp4', '640x360', 15);
const silent = maker.make('silent.mp4', ['-i', one, '-c', 'copy', '-an']);
const stream = maker.make('stream.ts', ['-i', one, '-c', 'copy']);
const cut = maker.make('cut.mp4', ['-i', one, '-c', 'copy']);
truncateSync(cut, Math.round(statSync(cut).size * 0.8));

/** @param of which segment is at a place. */
const segments = (of: (place: number) => string) => Array.from({ length: SEGMENTS }, (_, i) => of(i));
const isOdd = (place: number) => place % 2 === 1;
const films: readonly (readonly [what: string, paths: readonly string[]])[] = [
  ['of one encoder', segments(() => one)],
  ['of two encoders', segments((i) => (isOdd(i) ? other : one))],
  ['with and without sound', segments((i) => (isOdd(i) ? silent : one))],
  ['of transport streams', segments(() => stream)],
  ['of a camera that died in the last', segments((i) => (i === SEGMENTS - 1 ? cut : one))],
];
const rows: { what: string; measured: string; target: string }[] = [];
let isMet = true;
for (const [what, paths] of films) {
  const runs: { first: number; whole: number }[] = [];
  for (let i = 0; i < RUNS; i++) runs.push(await once(paths));
  for (const [part, name] of [
    ['first', 'the first segment'],
    ['whole', `all ${SEGMENTS} segments`],
  ] as const) {
    const times = runs.map((run) => run[part]).sort((a, b) => a - b);
    const [least = 0, most = 0] = [times[0], times.at(-1)];
    isMet &&= most <= MOST_MS;
    rows.push({
      what: `${name} ${what}`,
      measured: `${least.toFixed(0)} … ${most.toFixed(0)} ms`,
      target: `<= ${MOST_MS} ms`,
    });
  }
}
maker[Symbol.dispose]();
console.table(rows);
process.exitCode = isMet ? 0 : 1;
