import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { PerchPlayer } from '@perch/player';
import { type Relay, startRelay } from '@perch/relay';
import { silentLogger } from '@perch/runtime';
import { WebSocket } from 'ws';
import { startBrowser, type TestBrowser, type TestPage } from './support/browser.ts';

// The web app in Chromium, on a relay whose topics this test publishes to.

const webRoot = path.join(import.meta.dirname, '../../dist/web');

let directory: string;
let relay: Relay;
let browser: TestBrowser;
const at = (place: string) => relay.url.replace('127.0.0.1', 'localhost') + place;

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'perch-app-'));
  relay = await startRelay({
    listen: { host: '127.0.0.1', port: 0 },
    data: directory,
    open: ['open/**'],
    webRoot,
    logger: silentLogger,
  });
  browser = await startBrowser();
});

after(async () => {
  await browser?.[Symbol.asyncDispose]();
  await relay?.close();
  await rm(directory, { recursive: true, force: true });
});

/** Publishes to open topics until closed. */
async function publish(topics: readonly string[]): Promise<Disposable> {
  const sockets = await Promise.all(
    topics.map(async (topic) => {
      const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/in/open/${topic}`);
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      socket.send(new Uint8Array(188));
      return socket;
    }),
  );
  return {
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.close();
    },
  };
}

async function signedIn(size: { width: number; height: number }): Promise<TestPage> {
  const opened = await browser.newPage(size);
  await opened.page.goto(await relay.signInLink());
  await opened.page.waitForFunction(() => location.hash === '');
  return opened;
}

test('without streams it says how to send one', async () => {
  const { page, problems } = await signedIn({ width: 1280, height: 800 });
  await page.getByText('Nothing is live').waitFor();
  assert.match((await page.textContent('pre')) ?? '', /ffmpeg/);
  assert.deepEqual(problems, []);
  await page.close();
});

test('streams come and go by themselves, in order, and none is wider than a phone', async () => {
  const { page } = await signedIn({ width: 390, height: 844 });
  await page.getByText('Nothing is live').waitFor();
  {
    using _published = await publish(['b', 'a', 'garden/c']);
    await page.getByText('3 streams').waitFor();
    assert.deepEqual(await page.locator('.tile strong').allTextContents(), [
      'open/a',
      'open/b',
      'open/garden/c',
    ]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.equal(wide, 0, 'nothing is cut off at the side');
  }
  await page.getByText('Nothing is live').waitFor();
  await page.close();
});

test('only tiles on the screen connect', async () => {
  using _published = await publish(
    Array.from({ length: 12 }, (_, i) => `tile-${String(i).padStart(2, '0')}`),
  );
  const { page } = await signedIn({ width: 390, height: 844 });
  await page.getByText('12 streams').waitFor();
  await page.waitForSelector('.tile perch-player');
  const players = () => page.locator('.tile perch-player').count();
  assert.ok((await players()) < 6, `${await players()} of 12`);
  const last = page.locator('.tile').last();
  await last.scrollIntoViewIfNeeded();
  await last.locator('perch-player').waitFor();
  assert.equal(
    await page.locator('.tile').first().locator('perch-player').count(),
    0,
    'the first has let go',
  );
  await page.close();
});

test('a tile is reached and opened by keyboard, and named for who cannot see it', async () => {
  using _published = await publish(['only']);
  const { page } = await signedIn({ width: 1280, height: 800 });
  // Exactly: those of the test before may still be going.
  await page.getByText('1 stream', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Later' }).click();
  // Who comes by keyboard is at the heading of a page.
  await page.locator('h1').focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.watch perch-player');
  assert.equal(await page.title(), 'open/only – Perch');
  const label = await page.evaluate(() => document.querySelector<PerchPlayer>('perch-player')?.ariaLabel);
  assert.equal(label, 'Live: open/only');
  await page.getByRole('link', { name: 'All streams' }).click();
  await page.getByText('1 stream', { exact: true }).waitFor();
  await page.close();
});

test('it can be installed, and its shell opens without the relay', async () => {
  const { page } = await signedIn({ width: 1280, height: 800 });
  const manifest = (await (await fetch(at('/manifest.webmanifest'))).json()) as { icons: { src: string }[] };
  for (const { src } of manifest.icons) assert.equal((await fetch(at(src))).status, 200, src);
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  // The service worker is asked first from the next visit on.
  await page.reload();
  await page.context().setOffline(true);
  await page.reload();
  await page.getByText('The relay does not answer').waitFor();
  await page.context().setOffline(false);
  await page.getByText('Nothing is live').waitFor();
  await page.close();
});

test('light and dark follow the system', async () => {
  const { page } = await signedIn({ width: 1280, height: 800 });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await ground();
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.notEqual(await ground(), light);
  await page.close();
});
