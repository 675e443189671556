import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { startAgent } from '@perch/agent';
import type { PerchPlayer } from '@perch/player';
import { startRelay } from '@perch/relay';
import { silentLogger } from '@perch/runtime';
import { launch } from '@perch/testkit';
import { startBrowser } from '../e2e/support/browser.ts';
import { startSite } from '../e2e/support/site.ts';

/** The published player, as its users load it; nothing of ours is in this page. */
const jsmpeg = dirname(createRequire(import.meta.url).resolve('@cycjimmy/jsmpeg-player'));

const page = (url: string) => `<!doctype html><title>JSMpeg</title>
<canvas id="canvas" width="640" height="480"></canvas>
<script src="/jsmpeg-player.umd.min.js"></script>
<script>
  window.seen = { pictures: 0, sounds: 0 };
  new JSMpeg.Player(${JSON.stringify(url)}, {
    canvas: document.getElementById('canvas'),
    disableWebAssembly: true,
    preserveDrawingBuffer: true,
    onVideoDecode: () => seen.pictures++,
    onAudioDecode: () => seen.sounds++,
  });
</script>`;

/** The pair of encoders in vw's README: picture and sound each on its own, here with PIDs of their own. */
const encoders = {
  video0: [
    '-i',
    'testsrc=size=640x480:rate=25',
    '-f',
    'mpegts',
    '-codec:v',
    'mpeg1video',
    '-b:v',
    '1000k',
    '-bf',
    '0',
  ],
  audio0: [
    '-i',
    'sine=frequency=440',
    '-f',
    'mpegts',
    '-codec:a',
    'mp2',
    '-b:a',
    '128k',
    '-muxdelay',
    '0.001',
    '-mpegts_start_pid',
    '0x200',
  ],
} as const;

const webRoot = join(import.meta.dirname, '../../dist/web');

/** A foreign page with our player in it, once for each feed: until feeds are combined their tables contradict. */
const perchPage = (relay: string) => `<!doctype html><title>Perch</title>
<script type="module" src="http://${relay}/player.js"></script>
<perch-player src="ws://${relay}/out/lab/video0"></perch-player>
<perch-player src="ws://${relay}/out/lab/audio0"></perch-player>`;

test('what ffmpeg posts to an agent is seen and heard in an unmodified JSMpeg player, and in ours', {
  timeout: 120_000,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'perch-jsmpeg-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const listen = { host: '127.0.0.1', port: 0 };
  const relay = await startRelay({
    listen,
    data: join(directory, 'relay'),
    open: ['lab/*'],
    webRoot,
    logger: silentLogger,
  });
  t.after(() => relay.close());
  const agent = await startAgent({ listen, data: join(directory, 'agent'), logger: silentLogger });
  t.after(() => agent.close());

  for (const [path, rule] of [
    ['streams', { stream: '/stream/front', feeds: ['video0', 'audio0'] }],
    ...[
      ['stream/front', 'front'],
      ['video0', 'video0'],
      ['audio0', 'audio0'],
    ].map(
      ([stream, topic]) =>
        [
          'destinations',
          { id: topic, stream, destination: `ws://127.0.0.1:${relay.port}/in/lab/${topic}` },
        ] as const,
    ),
  ] as const) {
    const answer = await fetch(`${agent.url}/api/${path}`, { method: 'POST', body: JSON.stringify(rule) });
    assert.equal(answer.status, 200);
  }
  for (const [feed, args] of Object.entries(encoders)) {
    const encoder = await launch({
      command: [
        'ffmpeg',
        '-nostdin',
        '-loglevel',
        'error',
        '-re',
        '-f',
        'lavfi',
        ...args,
        `${agent.url}/ts/${feed}`,
      ],
    });
    t.after(() => encoder.close('SIGKILL'));
  }

  const site = await startSite({
    pages: {
      '/': page(`ws://127.0.0.1:${relay.port}/out/lab/front`),
      '/perch': perchPage(`localhost:${relay.port}`),
    },
    files: jsmpeg,
  });
  t.after(() => site[Symbol.asyncDispose]());
  const browser = await startBrowser(['--autoplay-policy=no-user-gesture-required']);
  t.after(() => browser[Symbol.asyncDispose]());
  const { page: tab, problems } = await browser.newPage();
  await tab.goto(site.url);
  await tab.waitForFunction('seen.pictures >= 50 && seen.sounds >= 20', undefined, { timeout: 60_000 });

  const colours = await tab.evaluate(() => {
    const canvas = document.getElementById('canvas') as HTMLCanvasElement;
    const copy = document.createElement('canvas');
    copy.width = canvas.width;
    copy.height = canvas.height;
    const context = copy.getContext('2d') as CanvasRenderingContext2D;
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, copy.width, copy.height);
    const found = new Set<string>();
    for (let i = 0; i < data.length; i += 4)
      found.add([0, 1, 2].map((plane) => (data[i + plane] ?? 0) >> 6).join());
    return found.size;
  });
  assert.ok(colours >= 6, `the test picture has many colours, the canvas has ${colours}`);
  assert.deepEqual(problems, []);
  await tab.close();

  const ours = await browser.newPage();
  await ours.page.goto(`${site.url}/perch`);
  await ours.page.waitForFunction(
    () => {
      const [picture, sound] = [...document.querySelectorAll<PerchPlayer>('perch-player')].map(
        ({ stats }) => stats,
      );
      return (picture?.framesShown ?? 0) >= 50 && (sound?.soundLevel ?? 0) > 0.001;
    },
    undefined,
    { timeout: 60_000 },
  );
  const codecs = await ours.page.evaluate(() =>
    [...document.querySelectorAll<PerchPlayer>('perch-player')].map(({ stats }) => [
      stats?.videoCodec ?? '',
      stats?.audioCodec ?? '',
    ]),
  );
  assert.deepEqual(codecs, [
    ['mpeg1video', ''],
    ['', 'mp2'],
  ]);
  assert.deepEqual(ours.problems, []);
});
