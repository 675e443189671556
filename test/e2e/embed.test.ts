import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { PerchPlayer, PlayerState } from '@perch/player';
import { type Relay, startRelay } from '@perch/relay';
import { silentLogger } from '@perch/runtime';
import { freePort } from '@perch/testkit';
import type { Frame, Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { startBrowser, type TestBrowser } from './support/browser.ts';
import { type Site, startSite } from './support/site.ts';

// Pages of one site that show streams of a relay which is another site: `localhost` and `127.0.0.1` share neither
// origin nor cookies.

const webRoot = path.join(import.meta.dirname, '../../dist/web');
const HOUR = 3_600_000;

/** A page with the relay's frame, which gives it another code when it is asked for one, as long as it has some. */
const framing = (src: string) => `<!doctype html><title>foreign</title>
<iframe src="${src}" allow="autoplay; fullscreen" width="600" height="400"></iframe>
<script>
  window.codes = []; window.wanted = 0;
  const frame = document.querySelector('iframe');
  addEventListener('message', ({ source, data }) => {
    if (source !== frame.contentWindow || !data.perchCodeWanted) return;
    window.wanted++;
    const code = window.codes.shift();
    if (code) source.postMessage({ perchCode: code }, '*');
  });
</script>`;

let directory: string;
let relay: Relay;
let browser: TestBrowser;
let friend: Site;
let stranger: Site;
let publisher: WebSocket;
let token: string;
const pages: Record<string, string> = {};

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'perch-embed-'));
  friend = await startSite({ pages });
  stranger = await startSite({ pages });
  relay = await start(await freePort());
  token = await relay.createToken({ topic: 'lab/cam', scope: ['read', 'write'], ttlMs: HOUR });
  publisher = new WebSocket(`${relay.url.replace('http', 'ws')}/in/lab/cam`, {
    headers: { Authorization: token },
  });
  await new Promise((resolve, reject) => publisher.once('open', resolve).once('error', reject));
  browser = await startBrowser();
});

after(async () => {
  await browser?.[Symbol.asyncDispose]();
  publisher?.terminate();
  await relay?.close();
  await friend?.[Symbol.asyncDispose]();
  await stranger?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const start = (port: number): Promise<Relay> =>
  startRelay({
    listen: { host: '127.0.0.1', port },
    data: directory,
    webRoot,
    embedOrigin: [friend.url],
    logger: silentLogger,
  });

/** A one-time code, as the foreign site's server gets it with its token. */
async function newCode(): Promise<string> {
  const answer = await fetch(`${relay.url}/session/lab/cam`, {
    method: 'POST',
    headers: { Authorization: token },
  });
  const { uri } = (await answer.json()) as { uri: string };
  return new URL(uri).searchParams.get('code') ?? '';
}

/** Who is connected to the topic besides the publisher. */
async function viewers(): Promise<number> {
  const stats = await relay.createToken({ topic: 'stats', scope: ['read'], ttlMs: HOUR });
  const answer = await fetch(`${relay.url}/api/v1/stats`, { headers: { Authorization: stats } });
  return ((await answer.json()) as { topic: string; broadcaster: boolean }[]).filter(
    (client) => client.topic.endsWith('lab/cam') && !client.broadcaster,
  ).length;
}

// A page that is closed hangs up a moment later.
afterEach(async () => {
  for (const page of browser.context.pages().slice(1)) await page.close();
  while ((await viewers()) > 0);
});

/** Resolves when the player of a page or frame is in one of these states. */
const reaches = (where: Frame | Page, ...kinds: PlayerState['kind'][]) =>
  where.waitForFunction(
    (wanted) => wanted.includes(document.querySelector<PerchPlayer>('perch-player')?.state?.kind ?? 'idle'),
    kinds,
  );

async function show(site: Site, src: string) {
  const name = `/page-${Object.keys(pages).length}`;
  pages[name] = framing(src);
  const { page, problems } = await browser.newPage();
  await page.goto(site.url + name);
  const frame = page.frames().find((each) => each !== page.mainFrame());
  return { page, problems, frame };
}

describe('a stream in a frame on a foreign page', () => {
  it('is shown by a one-time code, on a page of an origin that may', async () => {
    const { page, frame, problems } = await show(
      friend,
      `${relay.url}/embed/lab/cam?code=${await newCode()}`,
    );
    assert.ok(frame);
    await reaches(frame, 'waiting', 'live');
    assert.equal(await viewers(), 1);
    assert.equal(await frame.evaluate(() => location.search), '', 'the code is not left in the address');
    assert.deepEqual(problems, [], 'nothing that the page does is against its own policy');
    await page.close();
  });

  it('gets another code from the page around it when the line is lost, and no other way', async () => {
    const { page, frame } = await show(friend, `${relay.url}/embed/lab/cam?code=${await newCode()}`);
    assert.ok(frame);
    await reaches(frame, 'waiting', 'live');
    await relay.close();
    await reaches(frame, 'lost');
    relay = await start(relay.port);
    const code = await newCode();
    await page.evaluate(`window.codes = ['${code}']`);
    await reaches(frame, 'waiting', 'live');
    assert.equal(await viewers(), 1);
    assert.ok((await page.evaluate<number>('window.wanted')) > 0);
    await page.close();
  });

  it('is not framed by a page of any other origin', async () => {
    const { page, frame, problems } = await show(
      stranger,
      `${relay.url}/embed/lab/cam?code=${await newCode()}`,
    );
    await page.waitForFunction(() => document.readyState === 'complete');
    assert.ok(!frame || (await frame.$('perch-player')) === null);
    while (!/frame-ancestors/.test(problems.join())) await page.waitForEvent('console');
    assert.equal(await viewers(), 0);
    await page.close();
  });

  it('shows nothing without a code, a used one or a guessed one: not even to who is signed in at the relay', async () => {
    const own = await browser.newPage();
    // At the address of the frame, so that only the site that it is in keeps the cookie away.
    await own.page.goto((await relay.signInLink()).replace('localhost', '127.0.0.1'));
    await own.page.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
    // What is live is played there: the next code makes it so for a moment.
    await own.page.close();
    const used = await newCode();
    const first = new WebSocket(`${relay.url.replace('http', 'ws')}/session/lab/cam?code=${used}`);
    await new Promise((resolve) => first.once('open', resolve));
    first.terminate();
    for (const query of [
      '',
      `?code=${used}`,
      '?code=00000000-0000-4000-8000-000000000000',
      '?code=',
      '?code=%00',
    ]) {
      const { page, frame } = await show(friend, `${relay.url}/embed/lab/cam${query}`);
      assert.ok(frame);
      await reaches(frame, 'lost');
      await page.close();
    }
    assert.equal(await viewers(), 0);
  });

  it('never takes a code from anybody but the page around it', async () => {
    const { page, frame } = await show(friend, `${relay.url}/embed/lab/cam`);
    assert.ok(frame);
    const code = await newCode();
    await frame.evaluate((perchCode) => window.postMessage({ perchCode }, '*'), code);
    await reaches(frame, 'lost');
    assert.equal(await viewers(), 0);
    await page.close();
  });

  it('is played by <perch-player> on the foreign page itself, with a token', async () => {
    pages['/own'] = `<!doctype html><title>own</title>
      <script type="module" src="${relay.url}/player.js"></script>
      <perch-player src="${relay.url}/session/lab/cam"></perch-player>
      <script>document.querySelector('perch-player').token = '${token}';</script>`;
    const { page, problems } = await browser.newPage();
    await page.goto(`${friend.url}/own`);
    await reaches(page, 'waiting', 'live');
    assert.equal(await viewers(), 1);
    assert.deepEqual(problems, []);
    await page.close();
  });
});
