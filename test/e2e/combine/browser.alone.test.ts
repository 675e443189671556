// Combined streams in a real Chromium: in our player, and in mpegts.js as its users load it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { openRelay } from '../../support/relay.ts';
import { startBrowser } from '../support/browser.ts';
import { startSite } from '../support/site.ts';
import { h264, mpeg1, picture, startStudio, tone } from './support/studio.ts';

const webRoot = path.join(import.meta.dirname, '../../../dist/web');
const mpegtsJs = path.dirname(createRequire(import.meta.url).resolve('mpegts.js'));
const autoplay = ['--autoplay-policy=no-user-gesture-required'];

/** Two ffmpegs, an agent that combines them, a relay that shows it as topic `x`. */
async function show(t: TestContext, video: readonly string[], audio: readonly string[]) {
  const studio = await startStudio(t, ['v', 'a']);
  const relay = await openRelay({ open: ['**'], webRoot });
  t.after(() => relay.close());
  await studio.post('/api/destinations', {
    id: 'relay',
    stream: 'stream/x',
    destination: `${relay.ws}/in/x`,
    protocol: 'perch.1',
  });
  studio.encode('v', [...picture, ...video]);
  studio.encode('a', [...tone, ...audio]);
  await studio.record(1_000);
  return { studio, relay };
}

const ours = (src: string) => `<!doctype html><title>Perch</title>
<script type="module" src="${src.replace('ws', 'http').replace('/out/x', '/player.js')}"></script>
<perch-player src="${src}" style="width: 320px; height: 240px"></perch-player>`;

for (const [name, video, audio] of [
  ['MPEG-1 and MP2', mpeg1, ['-c:a', 'mp2']],
  ['H.264 and AAC', h264, ['-c:a', 'aac']],
  ['H.264 and MP2', h264, ['-c:a', 'mp2']],
] as const) {
  test(`our player shows and sounds ${name} of two encoders, and goes on while the sound is muted`, async (t) => {
    const { studio, relay } = await show(t, video, audio);
    await using site = await startSite({ pages: { '/': ours(`${relay.ws}/out/x`) } });
    await using browser = await startBrowser(autoplay);
    const { page, problems } = await browser.newPage({ width: 340, height: 260 });
    await page.goto(site.url);
    const until = (expression: string) =>
      page.waitForFunction(
        `(() => { const player = document.querySelector('perch-player'); const { stats = {}, state } = player; return ${expression}; })()`,
        undefined,
        { timeout: 60_000, polling: 50 },
      );
    await until(`state?.kind === 'live' && stats.framesShown > 25 && stats.soundLevel > 0.01`);
    // From here on every state is noted: a blink would be one that is not live.
    await page.evaluate(`(() => {
      const player = document.querySelector('perch-player');
      window.blinks = [];
      player.addEventListener('statechange', () => {
        if (player.state.kind !== 'live') window.blinks.push(player.state.kind);
      });
    })()`);
    await studio.post('/api/streams', { stream: 'stream/x', feeds: ['v'] });
    const before = await page.evaluate<number>('document.querySelector("perch-player").stats.framesShown');
    await until(`stats.framesShown > ${before + 50} && !(stats.soundLevel > 0.001)`);
    await studio.post('/api/streams', { stream: 'stream/x', feeds: ['v', 'a'] });
    await until(`stats.framesShown > ${before + 75} && stats.soundLevel > 0.01`);
    assert.deepEqual(await page.evaluate('window.blinks'), []);
    assert.deepEqual(problems, []);
  });
}

test('what an experiment measures is told to the page when the picture of that moment is shown', async (t) => {
  const { studio, relay } = await show(t, h264, ['-c:a', 'aac']);
  await studio.post('/api/streams', { stream: 'stream/x', feeds: ['v', 'a', 'm'] });
  const probe = new WebSocket(`${studio.agent.url.replace('http', 'ws')}/ws/m`);
  await once(probe, 'open');
  t.after(() => probe.terminate());
  await using site = await startSite({ pages: { '/': ours(`${relay.ws}/out/x`) } });
  await using browser = await startBrowser(autoplay);
  const { page, problems } = await browser.newPage({ width: 340, height: 260 });
  await page.addInitScript(`window.told = [];
    addEventListener('DOMContentLoaded', () => {
      document.querySelector('perch-player').addEventListener('data', ({ detail }) => {
        window.told.push({ text: detail.text, format: detail.format, mediaMs: detail.mediaMs, at: Date.now() });
      });
    });`);
  await page.goto(site.url);
  await page.waitForFunction(`document.querySelector('perch-player').state?.kind === 'live'`);
  const say = setInterval(() => probe.send(JSON.stringify({ volts: 3.3, at: Date.now() })), 50);
  t.after(() => clearInterval(say));
  await page.waitForFunction('window.told.length > 40', undefined, { timeout: 60_000 });
  const told =
    await page.evaluate<{ text: string; format: string; mediaMs: number; at: number }[]>('window.told');
  const steady = told.slice(-20).map(({ text, format, mediaMs, at }) => {
    const said = JSON.parse(text) as { volts: number; at: number };
    return { format, volts: said.volts, late: at - said.at, drift: mediaMs - said.at };
  });
  assert.ok(steady.every(({ format, volts }) => format === 'perch_data' && volts === 3.3));
  // Of twenty, two may have waited on their way to the agent: on a busy machine something comes between now and then.
  const drifts = steady.map(({ drift }) => drift).sort((a, b) => a - b);
  const spread = (drifts.at(-3) ?? Number.NaN) - (drifts[0] ?? Number.NaN);
  const late = Math.max(...steady.map(({ late }) => late));
  t.diagnostic(
    `told at most ${late} ms after it was said; its times keep their distance within ${spread.toFixed(1)} ms`,
  );
  // Its time is that of its arrival at the agent, and it waits for no more than its picture.
  assert.ok(spread < 30, `${spread} ms`);
  assert.ok(late < 1_000, `${late} ms`);
  assert.deepEqual(problems, []);
});

test('an unmodified mpegts.js plays H.264 and AAC of two encoders', async (t) => {
  const { relay } = await show(t, h264, ['-c:a', 'aac']);
  await using site = await startSite({
    files: mpegtsJs,
    pages: {
      '/': `<!doctype html><title>mpegts.js</title><video id="video" muted width="320" height="240"></video>
        <script src="/mpegts.js"></script>
        <script>
          window.failures = [];
          const player = mpegts.createPlayer(
            { type: 'mpegts', isLive: true, url: ${JSON.stringify(`${relay.ws}/out/x`)} },
            { enableWorker: false },
          );
          player.on(mpegts.Events.ERROR, (...words) => failures.push(words.slice(0, 2).join(' ')));
          player.on(mpegts.Events.MEDIA_INFO, (info) => { window.info = info; });
          player.attachMediaElement(document.getElementById('video'));
          player.load();
          player.play();
        </script>`,
    },
  });
  await using browser = await startBrowser(autoplay);
  const { page } = await browser.newPage({ width: 340, height: 260 });
  await page.goto(site.url);
  await page.waitForFunction(
    'video.currentTime > 0 && video.getVideoPlaybackQuality().totalVideoFrames > 50',
    undefined,
    {
      timeout: 60_000,
      polling: 50,
    },
  );
  const info = await page.evaluate<{ hasAudio: boolean; hasVideo: boolean }>(
    '({ hasAudio: info.hasAudio, hasVideo: info.hasVideo })',
  );
  assert.deepEqual(info, { hasAudio: true, hasVideo: true });
  assert.deepEqual(await page.evaluate('failures'), []);
});
