import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { FilmMaker, Home } from '../captures/support/home.ts';
import { startBrowser, type TestBrowser } from './support/browser.ts';
import { buildFilmPage } from './support/film-page.ts';

// A device, a relay, and a real Chromium that plays what comes.

const maker = new FilmMaker();
const small = maker.plain('small.mp4');
/** Of another encoder: size, rate, profile and sound differ. */
const large = maker.plain('large.mp4', {
  ...{ size: '640x360', rate: 30, sound: 48_000 },
  encoder: ['-profile:v', 'high', '-preset', 'medium', '-g', '30'],
});
let directory: string;
let browser: TestBrowser;

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'perch-film-'));
  await buildFilmPage(directory);
  browser = await startBrowser(['--autoplay-policy=no-user-gesture-required']);
});
after(async () => {
  await browser?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
  maker[Symbol.dispose]();
});

interface Watched {
  readonly page: Page;
  readonly problems: string[];
}

/** Opens the player of the only film. */
async function watch(home: Home, rest = '', script?: string): Promise<Watched> {
  const [film] = await home.json<{ id: string }[]>('/api/v1/captures');
  assert.ok(film);
  const [name = '', value = ''] = home.cookie.split('=', 2);
  await browser.context.addCookies([{ name, value, url: home.relay.url }]);
  const watched = await browser.newPage();
  if (script) await watched.page.addInitScript(script);
  await watched.page.goto(`${home.relay.url}/film.html#/${film.id}${rest}`);
  const video = watched.page.locator('video');
  // Nobody waits for a film that is to be seen in its own time.
  await video.evaluate((element: HTMLVideoElement) => {
    element.defaultPlaybackRate = 3;
    element.playbackRate = 3;
  });
  return watched;
}

/**
 * Resolves when the film has been played up to there, in s, and is seen so wide: the sound, by which its time goes, may
 * be ahead of its pictures. @returns what is seen then.
 */
const playsTo = async ({ page }: Watched, seconds: number, width?: number) =>
  (
    await page.waitForFunction(
      ([wanted, wide]) => {
        const video = document.querySelector('video');
        if (!video || (video.currentTime < wanted && !video.ended)) return undefined;
        const { currentTime, duration, videoWidth } = video;
        if (wide !== undefined && videoWidth !== wide) return undefined;
        const pictures = video.getVideoPlaybackQuality().totalVideoFrames;
        return { at: currentTime, duration, pictures };
      },
      [seconds, width] as const,
      { polling: 50 },
    )
  ).jsonValue();

const ways = [
  ['the browser itself', undefined],
  ['hls.js', `HTMLMediaElement.prototype.canPlayType = () => '';`],
] as const;

describe('a film that arrives', () => {
  for (const [way, script] of ways) {
    it(`goes on from segment to segment, whatever encoder made them, by ${way}`, async (t) => {
      await using home = await Home.open(undefined, { webRoot: directory });
      const capture = home.spool.name('pir', 1_795_000_000);
      await home.film(capture, [small], false);
      await home.drained();
      const watched = await watch(home, '', script);
      t.after(() => watched.page.close());
      await playsTo(watched, 1, 320);
      await home.spool.take({ capture, segment: 1, extension: 'mp4', path: large });
      await home.drained();
      await playsTo(watched, 2.6, 640);
      await home.spool.take({ capture, segment: 2, extension: 'mp4', path: small });
      await home.spool.note({ kind: 'end', capture, segments: 3 });
      await home.drained();
      await watched.page.evaluate('complete()');
      await playsTo(watched, 4.6, 320);
      const end = await playsTo(watched, 60);
      assert.ok(end && Math.abs(end.at - 6) < 0.1 && Math.abs(end.duration - 6) < 0.1, JSON.stringify(end));
      assert.equal(end.pictures, 50 + 60 + 50, 'every picture was decoded, across both joins');
      assert.deepEqual(watched.problems, []);
    });
  }

  it('is waited for where nothing of it can be played yet', async (t) => {
    await using home = await Home.open(undefined, { webRoot: directory });
    const capture = home.spool.name('pir', 1_795_000_000);
    await home.spool.begin(capture);
    await home.spool.note({ kind: 'alarm', capture, timestamp: 1_795_000_000 });
    await home.drained();
    const watched = await watch(home);
    t.after(() => watched.page.close());
    await watched.page.getByText('The first pictures are on their way').waitFor();
    await home.spool.take({ capture, segment: 0, extension: 'mp4', path: small });
    await home.drained();
    await playsTo(watched, 0.5);
    await watched.page.getByRole('status').waitFor({ state: 'detached' });
  });
});

describe('a film that is whole', () => {
  it('is an MP4 in which one jumps about, also by keys', async (t) => {
    await using home = await Home.open(undefined, { webRoot: directory });
    await home.film(home.spool.name('cap', 1_795_000_000), [small, large, small]);
    await home.drained();
    const watched = await watch(home, '/complete');
    const { page, problems } = watched;
    t.after(() => page.close());
    const ranges: string[] = [];
    page.on('response', (answer) => {
      if (answer.url().endsWith('video.mp4'))
        ranges.push(`${answer.status()} ${answer.request().headers().range}`);
    });
    await playsTo(watched, 0.2);
    const video = page.locator('video');
    await video.focus();
    await page.keyboard.press('l');
    const end = await playsTo(watched, 60);
    assert.ok(end && Math.abs(end.duration - 6) < 0.2, JSON.stringify(end));
    const at = () =>
      video.evaluate(({ currentTime, paused }: HTMLVideoElement) => ({ at: currentTime, paused }));
    await page.keyboard.press('k');
    await page.keyboard.press('k');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    assert.deepEqual(await at(), { at: 5, paused: true });
    await page.keyboard.press('j');
    assert.deepEqual(await at(), { at: 0, paused: true });
    await page.keyboard.press('k');
    await playsTo(watched, 0.5);
    await page.reload();
    await playsTo(watched, 0.2);
    assert.ok(ranges.length > 0 && ranges.every((range) => /^(206|304) bytes=/.test(range)), ranges.join());
    assert.deepEqual(problems, []);
  });

  it('is played part by part where no MP4 can be made of it', async (t) => {
    await using home = await Home.open(undefined, { webRoot: directory });
    await home.film(home.spool.name('cap', 1_795_000_000), [
      small,
      maker.make('vp9.mkv', [
        '-i',
        small,
        '-c:v',
        'vp9',
        '-deadline',
        'realtime',
        '-cpu-used',
        '8',
        '-t',
        '1',
      ]),
    ]);
    await home.drained();
    const watched = await watch(home, '/complete');
    t.after(() => watched.page.close());
    const end = await playsTo(watched, 60);
    assert.ok(end && Math.abs(end.at - 3) < 0.1, JSON.stringify(end));
  });
});
