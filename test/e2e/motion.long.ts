import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { enrol, startAgent } from '@perch/agent';
import { startRelay } from '@perch/relay';
import { silentLogger } from '@perch/runtime';
import { launch } from '@perch/testkit';
import { decode } from '../captures/support/home.ts';
import { startBrowser } from './support/browser.ts';
import { obstacles } from './support/reading.ts';

// A camera without a camera program, as people have it: turned on by a click, in real time. Takes a minute.

const webRoot = path.join(import.meta.dirname, '../../dist/web');
/** When the box is in the picture, in seconds. */
const [BEGIN, END] = [16, 19];

const encode = (url: string): readonly string[] => [
  ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-re', '-f', 'lavfi'],
  ...['-i', 'color=gray:s=640x480:r=25', '-re', '-f', 'lavfi', '-i', 'sine=r=48000', '-filter_complex'],
  `[0]noise=alls=6:allf=t[n];color=white:s=80x120:r=25[b];` +
    `[n][b]overlay=x='60*(t-${BEGIN})':y=200:enable='between(t,${BEGIN},${END})'[v]`,
  ...['-map', '[v]', '-map', '1:a', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'],
  ...['-crf', '35', '-g', '50', '-sc_threshold', '0', '-c:a', 'aac', '-f', 'mpegts', url],
];

test('a click turns motion on, and what then moves is at home as one film', {
  timeout: 120_000,
}, async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'perch-motion-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await using stack = new AsyncDisposableStack();
  const relay = stack.use(
    await startRelay({
      listen: { host: '127.0.0.1', port: 0 },
      data: path.join(directory, 'relay'),
      webRoot,
      logger: silentLogger,
    }),
  );
  const browser = stack.use(await startBrowser());
  const { page } = await browser.newPage({ width: 390, height: 844 });
  await page.goto(await relay.signInLink());
  await page.getByRole('heading', { name: 'Live', exact: true }).waitFor();
  const { command } = await page.evaluate(async () => {
    const options = { method: 'POST', headers: { 'content-type': 'application/json' } };
    return (await fetch('/api/v1/devices/codes', { ...options, body: '{"name":"Kitchen"}' })).json();
  });
  const [, url = '', code = ''] = /^perch enroll (\S+) (\S+)$/.exec(command) ?? [];
  const data = path.join(directory, 'agent');
  const { device } = await enrol({ url, code, data, outgoing: {} });
  const agent = stack.use(
    await startAgent({ listen: { host: '127.0.0.1', port: 0 }, data, captures: {}, logger: silentLogger }),
  );

  const began = Date.now();
  stack.use(await launch({ command: ['ffmpeg', ...encode(`${agent.url}/ts/camera`)] }));
  await page.evaluate((id) => location.assign(`#/devices/${id}`), device);
  const motion = page.getByRole('switch', { name: /Film when something moves/ });
  await motion.click();
  await page.getByText('Nothing has moved yet').waitFor();
  assert.ok(Date.now() - began < (BEGIN - 11) * 1_000, 'motion was turned on in time for this test');
  await page.getByText('Filming', { exact: true }).waitFor();
  assert.deepEqual(await obstacles(page), []);

  interface Film {
    readonly id: string;
    readonly trigger: string;
    readonly timestamp: number;
    readonly complete: boolean;
  }
  const films = () => page.evaluate(async () => (await fetch('/api/v1/captures')).json()) as Promise<Film[]>;
  let all = await films();
  while (!all[0]?.complete) {
    await page.waitForTimeout(250);
    all = await films();
  }
  assert.equal(all.length, 1);
  const { id } = all[0];
  const answer = await page.request.get(new URL(`/api/v1/captures/${id}/video.mp4`, page.url()).href);
  const film = path.join(directory, 'film.mp4');
  await writeFile(film, await answer.body());

  const { pictures, complaints } = await decode(film);
  assert.equal(complaints, '');
  const first = firstMotion(film);
  t.diagnostic(`${pictures / 25} s of film, the box comes after ${first} s`);
  // Ten seconds before, twenty after, by groups of two seconds; what the box leaves behind is motion for a moment.
  assert.ok(first >= 8 && first <= 13, `${first} s before`);
  assert.ok(pictures / 25 >= 31 && pictures / 25 <= 40, `${pictures / 25} s`);
  const { video, audio } = lengths(film);
  assert.ok(Math.abs(video - pictures / 25) < 0.3, `no gap: ${video} s`);
  assert.ok(Math.abs(video - audio) < 0.5, `${video} s of picture, ${audio} s of sound`);
});

/** When the white box first covers a part of the picture, by ffmpeg. In seconds. */
function firstMotion(film: string): number {
  const found = execFileSync(
    'ffmpeg',
    [
      ...['-hide_banner', '-loglevel', 'error', '-i', film, '-vf'],
      "crop=640:120:0:200,signalstats,metadata=mode=print:key=lavfi.signalstats.YMAX:file=-,select='0'",
      ...['-f', 'null', '-'],
    ],
    { encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  let at = Number.NaN;
  for (const line of found.split('\n')) {
    at = Number(/pts_time:([\d.]+)/.exec(line)?.[1] ?? at);
    if (Number(/YMAX=(\d+)/.exec(line)?.[1] ?? 0) > 220) return at;
  }
  return Number.NaN;
}

function lengths(film: string): { video: number; audio: number } {
  const told = execFileSync(
    'ffprobe',
    ['-v', 'error', '-show_entries', 'stream=codec_type,duration', '-of', 'json', film],
    { encoding: 'utf8' },
  );
  const { streams } = JSON.parse(told) as { streams: { codec_type: string; duration: string }[] };
  const of = (kind: string) => Number(streams.find((stream) => stream.codec_type === kind)?.duration);
  return { video: of('video'), audio: of('audio') };
}
