// <perch-player> in a real Chromium, fed by real encoders through a relay small enough to see through.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { PlayerState, PlayerStats } from '@perch/player';
import { buildPlayer } from '@perch/player/build';
import { startBrowser, type TestBrowser, type TestPage } from './support/browser.ts';
import { h264, lowDelayMux, startFfmpeg, testInput } from './support/ffmpeg.ts';
import { type Site, startSite } from './support/site.ts';
import { StubRelay } from './support/stub-relay.ts';

const PLAYER = 'document.querySelector("perch-player")';
const scope = new AsyncDisposableStack();
let browser: TestBrowser;
let site: Site;

before(async () => {
  const outdir = await mkdtemp(path.join(tmpdir(), 'perch-player-'));
  scope.defer(() => rm(outdir, { recursive: true, force: true }));
  await buildPlayer({ outdir });
  site = scope.use(
    await startSite({ files: outdir, pages: { '/empty': '<!doctype html><title>empty</title>' } }),
  );
  browser = scope.use(await startBrowser(['--autoplay-policy=no-user-gesture-required']));
});

after(() => scope.disposeAsync());

/** A page with a player, on a site of its own that loads the script from another. */
async function open(
  src: string,
  { attributes = 'controls', from = browser }: { attributes?: string; from?: TestBrowser } = {},
): Promise<TestPage> {
  const tested = await from.newPage();
  await tested.page.goto(`${site.url}/empty`);
  await tested.page.setContent(
    `<!doctype html><title>player</title><body style="margin:0"><perch-player src="${src}" ${attributes}
      style="width:960px;height:640px"></perch-player><script type="module" src="${site.url}/player.js"></script>`,
  );
  await tested.page.waitForFunction(`${PLAYER}?.state !== undefined`);
  return tested;
}

const stateOf = ({ page }: TestPage) => page.evaluate<PlayerState>(`${PLAYER}.state`);
const statsOf = ({ page }: TestPage) => page.evaluate<PlayerStats | undefined>(`${PLAYER}.stats`);

/** Waits until an expression over `player`, `state` and `stats` holds. */
async function until(tested: TestPage, expression: string, timeout = 60_000): Promise<void> {
  const source = `(() => { const player = ${PLAYER}; const { state, stats = {} } = player; return ${expression}; })()`;
  try {
    await tested.page.waitForFunction(source, undefined, { timeout, polling: 50 });
  } catch (cause) {
    const now = JSON.stringify([await stateOf(tested), await statsOf(tested), tested.problems]);
    throw new Error(`never: ${expression}; it is ${now}`, { cause });
  }
}

/** How far the picture's middle is from black, and a fingerprint that changes when it moves. */
const picture = ({ page }: TestPage) =>
  page.evaluate<{ light: number; print: number }>(`(() => {
    const source = ${PLAYER}.shadowRoot.querySelector('canvas');
    const canvas = document.createElement('canvas');
    canvas.width = 64; canvas.height = 48;
    const context = canvas.getContext('2d');
    context.drawImage(source, 0, 0, 64, 48);
    const { data } = context.getImageData(0, 0, 64, 48);
    let light = 0, print = 0;
    for (let i = 0; i < data.length; i += 4) {
      light += data[i] + data[i + 1] + data[i + 2];
      print = (print * 31 + data[i] * 3 + data[i + 1] * 5 + data[i + 2] * 7) >>> 0;
    }
    return { light: light / (64 * 48 * 3), print };
  })()`);

async function assertMoves(tested: TestPage): Promise<void> {
  let first = await picture(tested);
  // The state is told when a picture is drawn; the canvas has it a refresh later.
  for (let i = 0; i < 100 && first.light <= 40; i++) first = await picture(tested);
  assert.ok(first.light > 40, `the picture is dark: ${first.light}`);
  const shown = (await statsOf(tested))?.framesShown ?? 0;
  await until(tested, `stats.framesShown > ${shown + 20}`);
  assert.notEqual((await picture(tested)).print, first.print, 'the picture stands still');
}

const codecs = {
  'H.264 + AAC': { args: [...h264, '-c:a', 'aac'], sound: true, video: 'h264', audio: 'aac' },
  'H.264 alone': { args: [...h264, '-an'], sound: false, video: 'h264', audio: undefined },
  'H.264 + Opus': { args: [...h264, '-c:a', 'libopus'], sound: true, video: 'h264', audio: 'opus' },
  'MPEG-1 + MP2': {
    args: ['-c:v', 'mpeg1video', '-b:v', '1M', '-c:a', 'mp2'],
    sound: true,
    video: 'mpeg1video',
    audio: 'mp2',
  },
  'MPEG-1 + MP3': {
    args: ['-c:v', 'mpeg1video', '-b:v', '1M', '-bf', '0', '-c:a', 'libmp3lame'],
    sound: true,
    video: 'mpeg1video',
    audio: 'mp3',
  },
} as const;

describe('plays', () => {
  for (const perch of [true, false]) {
    for (const [name, { args, sound, video, audio }] of Object.entries(codecs)) {
      // Raw topics differ in how the start is found, not in what is decoded: two codecs are enough there.
      if (!perch && name !== 'H.264 + AAC' && name !== 'MPEG-1 + MP3') continue;
      test(`${name}, ${perch ? 'perch.1' : 'raw'}`, async () => {
        await using relay = await StubRelay.start({ perch });
        await using _encoder = startFfmpeg([...testInput, ...args, ...lowDelayMux], relay.publish);
        const tested = await open(relay.url);
        await until(tested, 'state.kind === "live"');
        await assertMoves(tested);
        if (sound) await until(tested, 'stats.soundLevel > 0.02');
        const stats = await statsOf(tested);
        assert.equal(stats?.videoCodec, video);
        assert.equal(stats?.audioCodec, audio);
        assert.equal(stats?.transport, perch ? 'websocket, perch.1' : 'websocket');
        const refusedOffer = perch ? [] : tested.problems.filter((problem) => /WebSocket/.test(problem));
        assert.deepEqual(
          tested.problems.filter((problem) => !refusedOffer.includes(problem)),
          [],
        );
        await tested.page.close();
      });
    }
  }

  test('vw’s README pair with ffmpeg’s own muxing, without running out again and again', async () => {
    await using relay = await StubRelay.start({ perch: true });
    const { args } = codecs['MPEG-1 + MP3'];
    await using _encoder = startFfmpeg([...testInput, ...args, '-f', 'mpegts', 'pipe:1'], relay.publish);
    const tested = await open(relay.url);
    await until(tested, 'stats.soundLevel > 0.02');
    // A machine that stood still for a moment makes a gap of its own: some time without such a moment comes.
    const spans: { ranOut: number; dropped: number }[] = [];
    const isCalm = () => spans.some(({ ranOut, dropped }) => ranOut <= 2 && dropped < 12);
    while (!isCalm() && spans.length < 5) {
      const before = (await statsOf(tested)) as PlayerStats;
      await until(tested, `stats.framesShown > ${before.framesShown + 120}`);
      const after = (await statsOf(tested)) as PlayerStats;
      spans.push({
        ranOut: after.soundUnderruns - before.soundUnderruns,
        dropped: after.framesDropped - before.framesDropped,
      });
    }
    assert.ok(isCalm(), `the sound keeps running out, or pictures are dropped: ${JSON.stringify(spans)}`);
    await tested.page.close();
  });
});

describe('says in words', () => {
  test('that MPEG-2 video can’t be decoded, and what to send; its sound plays on', async () => {
    await using relay = await StubRelay.start({ perch: true });
    await using _encoder = startFfmpeg(
      [...testInput, '-c:v', 'mpeg2video', '-c:a', 'mp2', ...lowDelayMux],
      relay.publish,
    );
    const tested = await open(relay.url);
    await until(tested, 'state.kind === "refused"');
    const state = await stateOf(tested);
    assert.match(state.kind === 'refused' ? state.reason : '', /MPEG-2 video.*Send H\.264 or MPEG-1/);
    await until(tested, 'stats.soundLevel > 0.02');
    const heard = await tested.page.evaluate<string>(
      `${PLAYER}.shadowRoot.querySelector('[role=status]').textContent`,
    );
    assert.match(heard, /MPEG-2/);
    assert.deepEqual(tested.problems, []);
    await tested.page.close();
  });

  test('that nobody sends yet, then plays when somebody does', async () => {
    await using relay = await StubRelay.start({ perch: true });
    const tested = await open(relay.url);
    await until(tested, 'state.kind === "waiting"');
    await using _encoder = startFfmpeg([...testInput, ...h264, '-an', ...lowDelayMux], relay.publish);
    await until(tested, 'state.kind === "live"');
    await assertMoves(tested);
    await tested.page.close();
  });

  test('that the address is wrong', async () => {
    const tested = await open('ftp://nowhere.example/out/x');
    await until(tested, 'state.kind === "refused"');
    const state = await stateOf(tested);
    assert.match(state.kind === 'refused' ? state.reason : '', /ftp:.*ws:\/\//);
    await tested.page.close();
  });

  test('that nobody answers, and when it tries again', async () => {
    const relay = await StubRelay.start({ perch: true });
    const { url } = relay;
    await relay[Symbol.asyncDispose]();
    const tested = await open(url);
    await until(tested, 'state.kind === "lost"');
    // In between it tries.
    await tested.page.waitForFunction(
      `/Connection lost\\. Next try in \\d+ s.*did not open a WebSocket/.test(${PLAYER}.shadowRoot.querySelector('.note').textContent)`,
    );
    await tested.page.close();
  });

  test('that an insecure page gets no decoder', async () => {
    await using relay = await StubRelay.start({ perch: true });
    await using _encoder = startFfmpeg([...testInput, ...h264, '-an', ...lowDelayMux], relay.publish);
    await using plain = await startBrowser(['--host-resolver-rules=MAP lab.example 127.0.0.1']);
    const tested = await plain.newPage();
    const address = new URL(site.url);
    await tested.page.goto(`http://lab.example:${address.port}/empty`);
    await tested.page.setContent(
      `<!doctype html><perch-player src="${relay.url}"></perch-player><script type="module" src="/player.js"></script>`,
    );
    await tested.page.waitForFunction(`${PLAYER}?.state?.kind === "refused"`);
    const state = await stateOf(tested);
    assert.match(state.kind === 'refused' ? state.reason : '', /plain HTTP.*https:\/\//);
  });
});

describe('comes back to live', () => {
  test('after the relay dropped the connection', async () => {
    await using relay = await StubRelay.start({ perch: true });
    await using _encoder = startFfmpeg([...testInput, ...h264, '-c:a', 'aac', ...lowDelayMux], relay.publish);
    const tested = await open(relay.url);
    await until(tested, 'state.kind === "live"');
    await tested.page.evaluate(`globalThis.heard = [];
      ${PLAYER}.addEventListener('statechange', (event) => heard.push(event.detail.kind));`);
    relay.dropViewers();
    await until(tested, 'state.kind === "live" && stats.reconnects === 1');
    const heard = await tested.page.evaluate<string[]>('heard');
    assert.deepEqual(heard, ['lost', 'connecting', 'waiting', 'live']);
    await assertMoves(tested);
    await until(tested, 'stats.soundLevel > 0.02');
    await tested.page.close();
  });

  test('after a stall of the line, by skipping what is old', async () => {
    await using relay = await StubRelay.start({ perch: true });
    await using _encoder = startFfmpeg([...testInput, ...h264, '-c:a', 'aac', ...lowDelayMux], relay.publish);
    const tested = await open(relay.url);
    await until(tested, 'state.kind === "live" && stats.soundLevel > 0.02');
    relay.hold();
    await until(tested, 'stats.soundLevel < 0.001');
    await new Promise((resolve) => setTimeout(resolve, 2_000)); // the length of the stall itself
    relay.release();
    await until(tested, 'stats.soundLevel > 0.02 && stats.latencyMs < 300');
    await assertMoves(tested);
    await tested.page.close();
  });

  test('when another encoder takes over with other time stamps', async () => {
    await using relay = await StubRelay.start({ perch: true });
    const args = [...testInput, ...h264, '-c:a', 'aac'];
    const first = startFfmpeg([...args, '-output_ts_offset', '1000', ...lowDelayMux], relay.publish);
    const tested = await open(relay.url);
    await until(tested, 'state.kind === "live"');
    await first[Symbol.asyncDispose]();
    relay.newPublisher();
    await using _second = startFfmpeg([...args, ...lowDelayMux], relay.publish);
    const shown = (await statsOf(tested))?.framesShown ?? 0;
    await until(tested, `stats.framesShown > ${shown + 30} && stats.soundLevel > 0.02`);
    await assertMoves(tested);
    await tested.page.close();
  });

  test('when its page is seen again', async () => {
    await using relay = await StubRelay.start({ perch: true });
    await using _encoder = startFfmpeg([...testInput, ...h264, '-c:a', 'aac', ...lowDelayMux], relay.publish);
    const tested = await open(relay.url);
    await until(tested, 'state.kind === "live"');
    await setVisibility(tested, 'hidden');
    const shown = (await statsOf(tested))?.framesShown ?? 0;
    await until(tested, `stats.framesShown > ${shown + 30}`);
    await setVisibility(tested, 'visible');
    await until(tested, 'state.kind === "live" && stats.latencyMs < 300');
    await assertMoves(tested);
    await tested.page.close();
  });
});

/** Headless pages are always visible; the player hears of a change only by these two. */
const setVisibility = ({ page }: TestPage, state: 'hidden' | 'visible') =>
  page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));`);

describe('as an element', () => {
  test('starts without sound where the browser wants a tap, and a tap turns it on', async () => {
    await using relay = await StubRelay.start({ perch: true });
    await using _encoder = startFfmpeg([...testInput, ...h264, '-c:a', 'aac', ...lowDelayMux], relay.publish);
    await using strict = await startBrowser(['--autoplay-policy=document-user-activation-required']);
    // Playwright counts as a person once it evaluates anything in the page, so the page itself tells of the first state.
    await using asking = await startSite({
      pages: {
        '/': `<!doctype html><title>tap</title><perch-player src="${relay.url}" controls></perch-player>
          <script>document.querySelector('perch-player').addEventListener('statechange', ({ detail }) =>
            console.log(JSON.stringify(detail)));</script>
          <script type="module" src="${site.url}/player.js"></script>`,
      },
    });
    const tested = await strict.newPage();
    const blocked = tested.page.waitForEvent('console', (message) => /"blocked"/.test(message.text()));
    await tested.page.goto(asking.url);
    await blocked;
    assert.match(
      await tested.page.evaluate<string>(`${PLAYER}.shadowRoot.querySelector('.state').textContent`),
      /Live, sound off/,
    );
    await tested.page.locator('perch-player .tap').click();
    await until(tested, 'state.sound.kind === "on" && stats.soundLevel > 0.02');
    await tested.page.locator('perch-player button[aria-label="Sound off"]').click();
    await until(tested, 'state.sound.kind === "off" && player.muted && stats.soundLevel === 0');
    await assertMoves(tested);
    assert.deepEqual(tested.problems, []);
  });

  test('is used by keyboard', async () => {
    await using relay = await StubRelay.start({ perch: true });
    await using _encoder = startFfmpeg([...testInput, ...h264, '-c:a', 'aac', ...lowDelayMux], relay.publish);
    const tested = await open(relay.url);
    await until(tested, 'state.kind === "live"');
    const { page } = tested;
    await page.focus('perch-player');
    await page.keyboard.press('m');
    await until(tested, 'state.sound.kind === "off"');
    await page.keyboard.press('m');
    await until(tested, 'state.sound.kind === "on"');
    await page.keyboard.press('i');
    await page.locator('perch-player .stats').waitFor({ state: 'visible' });
    await page.waitForFunction(`/H.264/.test(${PLAYER}.shadowRoot.querySelector('.stats').textContent)`);
    await page.keyboard.press('f');
    await page.waitForFunction(`document.fullscreenElement === ${PLAYER}`);
    await page.keyboard.press('f');
    await page.waitForFunction('document.fullscreenElement === null');
    await page.keyboard.press(' ');
    await until(tested, 'state.kind === "idle"');
    await page.keyboard.press(' ');
    await until(tested, 'state.kind === "live"');
    const unnamed = await page.evaluate<number>(
      `[...${PLAYER}.shadowRoot.querySelectorAll('button:not([hidden])')].filter((b) => !b.ariaLabel && !b.textContent.trim()).length`,
    );
    assert.equal(unnamed, 0, 'buttons without a name');
    assert.deepEqual(tested.problems, []);
    await page.close();
  });

  test('lets go of everything when it is taken off the page, and plays again when it is put back', async () => {
    await using relay = await StubRelay.start({ perch: true });
    await using _encoder = startFfmpeg([...testInput, ...h264, '-c:a', 'aac', ...lowDelayMux], relay.publish);
    const tested = await open(relay.url);
    const { page } = tested;
    for (let i = 0; i < 3; i++) {
      await until(tested, 'state.kind === "live"');
      assert.equal(page.workers().length, 1);
      await page.evaluate(`globalThis.kept = ${PLAYER}; kept.remove(); kept.state.kind`);
      while (page.workers().length > 0) await page.waitForTimeout(20);
      while (relay.viewers > 0) await page.waitForTimeout(20);
      await page.evaluate('document.body.prepend(kept)');
    }
    await until(tested, 'state.kind === "live"');
    await assertMoves(tested);
    assert.deepEqual(tested.problems, []);
    await page.close();
  });

  test('plays on a page of another origin', async () => {
    await using relay = await StubRelay.start({ perch: true });
    const { args } = codecs['MPEG-1 + MP2']; // with its second script, which is fetched across origins too
    await using _encoder = startFfmpeg([...testInput, ...args, ...lowDelayMux], relay.publish);
    await using foreign = await startSite({
      pages: {
        '/': `<!doctype html><title>foreign</title><script type="module" src="${site.url}/player.js"></script>
          <perch-player src="${relay.url}" controls></perch-player>`,
      },
    });
    const tested = await browser.newPage();
    await tested.page.goto(foreign.url);
    await tested.page.waitForFunction(`${PLAYER}?.state !== undefined`);
    await until(tested, 'state.kind === "live"');
    await assertMoves(tested);
    assert.deepEqual(tested.problems, []);
    await tested.page.close();
  });

  test('tells pages about states and figures', async () => {
    await using relay = await StubRelay.start({ perch: true });
    await using _encoder = startFfmpeg([...testInput, ...h264, '-an', ...lowDelayMux], relay.publish);
    const tested = await open('');
    await tested.page.evaluate(`globalThis.heard = [];
      ${PLAYER}.addEventListener('statechange', (event) => heard.push(event.detail.kind));
      ${PLAYER}.addEventListener('stats', (event) => heard.push('stats'), { once: true });
      ${PLAYER}.src = '${relay.url}';`);
    await until(tested, 'state.kind === "live"');
    await tested.page.waitForFunction('heard.includes("stats")');
    await tested.page.evaluate(`${PLAYER}.close()`);
    const heard = await tested.page.evaluate<string[]>('heard');
    assert.deepEqual(
      heard.filter((name) => name !== 'stats' && name !== 'waiting'),
      ['connecting', 'live', 'idle'],
    );
    await tested.page.close();
  });
});
