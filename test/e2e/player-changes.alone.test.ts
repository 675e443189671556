// <perch-player> in a real Chromium at a real relay, while publishers come, go and take each other's place.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { MessageCutter } from '@perch/mpegts';
import type { PlayerStats } from '@perch/player';
import { buildPlayer } from '@perch/player/build';
import { PERCH_1, WIRE_HEADER_BYTES, writeWireHeader } from '@perch/protocol';
import { openRelay, Peer } from '../support/relay.ts';
import { startBrowser, type TestBrowser } from './support/browser.ts';
import { lowDelayMux, startFfmpeg } from './support/ffmpeg.ts';
import { type Site, startSite } from './support/site.ts';

const PLAYER = 'document.querySelector("perch-player")';
const scope = new AsyncDisposableStack();
let browser: TestBrowser;
let site: Site;

before(async () => {
  const outdir = await mkdtemp(path.join(tmpdir(), 'perch-player-'));
  scope.defer(() => rm(outdir, { recursive: true, force: true }));
  await buildPlayer({ outdir });
  const pages = { '/empty': '<!doctype html><title>empty</title>' };
  site = scope.use(await startSite({ files: outdir, pages }));
  browser = scope.use(await startBrowser(['--autoplay-policy=no-user-gesture-required']));
});

after(() => scope.disposeAsync());

const input = (size: string) => [
  ...['-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25`],
  ...['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'],
];
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '25', '-c:a', 'aac'];
const mpeg1 = ['-c:v', 'mpeg1video', '-b:v', '1M', '-bf', '0', '-c:a', 'mp2'];

/** An encoder that publishes as an agent does. */
async function publish(relay: { ws: string }, args: readonly string[]) {
  const peer = await Peer.open(`${relay.ws}/in/x`, { protocols: [PERCH_1] });
  const cutter = new MessageCutter({
    onMessage(bytes, mark) {
      const message = Buffer.alloc(WIRE_HEADER_BYTES + bytes.length);
      writeWireHeader(message, 0, { ...mark, sequence: 0, text: false, replay: false });
      message.set(bytes, WIRE_HEADER_BYTES);
      if (peer.webSocket.readyState === peer.webSocket.OPEN) peer.send(message);
    },
  });
  const ffmpeg = startFfmpeg([...args, ...lowDelayMux], (bytes) => cutter.push(bytes));
  return {
    closed: peer.closed,
    async [Symbol.asyncDispose]() {
      await ffmpeg[Symbol.asyncDispose]();
      peer[Symbol.dispose]();
    },
  };
}

/** A page with a player that plays, and from then on notes each state and how dark its picture ever was. */
async function watch(relay: { ws: string }) {
  const { page, problems } = await browser.newPage();
  await page.goto(`${site.url}/empty`);
  await page.setContent(`<!doctype html><title>changes</title>
    <perch-player src="${relay.ws}/out/x" controls style="width:320px;height:240px"></perch-player>
    <script type="module" src="${site.url}/player.js"></script>`);
  const until = async (expression: string) => {
    const source = `(() => { const player = ${PLAYER}; const { state, stats = {} } = player; return ${expression}; })()`;
    await page.waitForFunction(source, undefined, { timeout: 60_000, polling: 50 }).catch(async (cause) => {
      const now = await page.evaluate(`JSON.stringify([${PLAYER}.state, ${PLAYER}.stats])`);
      throw new Error(`never: ${expression}; it is ${now}`, { cause });
    });
  };
  await until('state?.kind === "live" && stats.framesShown > 10 && stats.soundLevel > 0.02');
  await page.evaluate(`(() => {
    window.states = [];
    window.darkest = 255;
    window.looks = 0;
    ${PLAYER}.addEventListener('statechange', ({ detail }) => states.push(detail.kind));
    const canvas = document.createElement('canvas');
    canvas.width = 32; canvas.height = 24;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const look = () => {
      context.clearRect(0, 0, 32, 24);
      context.drawImage(${PLAYER}.shadowRoot.querySelector('canvas'), 0, 0, 32, 24);
      const { data } = context.getImageData(0, 0, 32, 24);
      let light = 0;
      for (let i = 0; i < data.length; i += 4) light += data[i] + data[i + 1] + data[i + 2];
      darkest = Math.min(darkest, light / (32 * 24 * 3));
      looks += 1;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  })()`);
  return {
    page,
    problems,
    until,
    stats: () => page.evaluate<PlayerStats>(`${PLAYER}.stats`),
    seen: () =>
      page.evaluate<{ states: string[]; darkest: number; looks: number }>('({ states, darkest, looks })'),
    words: () => page.evaluate<string>(`${PLAYER}.shadowRoot.querySelector('.note').innerText`),
  };
}

for (const [name, first, second, codec] of [
  ['of another size and with earlier times', [...h264, '-output_ts_offset', '1000'], h264, 'h264'],
  ['of another codec', h264, mpeg1, 'mpeg1video'],
] as const) {
  test(`a publisher ${name} takes over, and the viewer’s picture does not blink`, async (t) => {
    await using relay = await openRelay({ open: ['**'] });
    await using old = await publish(relay, [...input('640x480'), ...first]);
    const viewer = await watch(relay);
    await using _young = await publish(relay, [...input('320x240'), ...second]);
    assert.equal((await old.closed).code, 4409);
    await viewer.until(`stats.width === 320 && stats.videoCodec === ${JSON.stringify(codec)}`);
    const { framesShown } = await viewer.stats();
    await viewer.until(`stats.framesShown > ${framesShown + 40} && stats.soundLevel > 0.02`);
    const { states, darkest, looks } = await viewer.seen();
    const { reconnects, damaged } = await viewer.stats();
    t.diagnostic(`looked at ${looks} pictures, the darkest ${darkest.toFixed(0)} of 255`);
    assert.deepEqual(
      states.filter((state) => state !== 'live'),
      [],
    );
    assert.ok(looks > 30 && darkest > 40, `${looks} looks, darkest ${darkest}`);
    assert.equal(reconnects, 0);
    // A bit of sound of the old one may be on its way when it is told to stop; nothing else is cut.
    assert.ok(damaged <= 2, `${damaged} damaged`);
    assert.deepEqual(viewer.problems, []);
    await viewer.page.close();
  });
}

test('while nobody sends, the last picture stays under “waiting”, and goes on when somebody does', async () => {
  await using relay = await openRelay({ open: ['**'] });
  const old = await publish(relay, [...input('640x480'), ...h264]);
  const viewer = await watch(relay);
  await old[Symbol.asyncDispose]();
  await viewer.until('state.kind === "waiting"');
  assert.match(await viewer.words(), /Waiting for the sender/);
  await using _young = await publish(relay, [...input('640x480'), ...h264]);
  await viewer.until('state.kind === "live"');
  const { framesShown } = await viewer.stats();
  await viewer.until(`stats.framesShown > ${framesShown + 20}`);
  const { states, darkest } = await viewer.seen();
  assert.equal(states[0], 'waiting');
  assert.deepEqual([...new Set(states.slice(1))], ['live']);
  assert.ok(darkest > 40, `darkest ${darkest}`);
  assert.equal((await viewer.stats()).reconnects, 0);
  assert.deepEqual(viewer.problems, []);
  await viewer.page.close();
});

test('H.265 is played where this browser can, else refused in words; its sound plays', async () => {
  await using relay = await openRelay({ open: ['**'] });
  const h265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=25'];
  await using _sender = await publish(relay, [...input('320x240'), ...h265, '-c:a', 'aac']);
  const { page } = await browser.newPage();
  await page.goto(`${site.url}/empty`);
  await page.setContent(`<!doctype html><title>H.265</title>
    <perch-player src="${relay.ws}/out/x"></perch-player><script type="module" src="${site.url}/player.js"></script>`);
  await page.waitForFunction(`['live', 'refused'].includes(${PLAYER}?.state?.kind)`);
  const state = await page.evaluate<{ kind: string; reason?: string }>(`${PLAYER}.state`);
  if (state.kind === 'refused') assert.match(state.reason ?? '', /H\.265.*Send H\.264/);
  await page.waitForFunction(`${PLAYER}.stats?.soundLevel > 0.02`);
  assert.equal(await page.evaluate(`${PLAYER}.stats.videoCodec`), 'hevc');
  await page.close();
});
