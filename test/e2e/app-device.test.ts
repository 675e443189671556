import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type Agent, enrol, startAgent } from '@perch/agent';
import type { PerchPlayer } from '@perch/player';
import { type Relay, startRelay } from '@perch/relay';
import { silentLogger } from '@perch/runtime';
import { type Launched, launch } from '@perch/testkit';
import type { Page } from 'playwright-core';
import { startBrowser, type TestBrowser } from './support/browser.ts';
import { obstacles } from './support/reading.ts';

// A household as it is meant: a real relay, a real agent that is enrolled by the app, two browsers.

const webRoot = path.join(import.meta.dirname, '../../dist/web');
const phone = { width: 390, height: 844 };

let directory: string;
let relay: Relay;
let agent: Agent;
let encoder: Launched;
let browser: TestBrowser;
let page: Page;
let device: string;

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'perch-app-device-'));
  relay = await startRelay({
    listen: { host: '127.0.0.1', port: 0 },
    data: path.join(directory, 'relay'),
    webRoot,
    logger: silentLogger,
  });
  browser = await startBrowser();
  ({ page } = await browser.newPage(phone));
  await page.goto(await relay.signInLink());
  await page.getByRole('heading', { name: 'Live', exact: true }).waitFor();
});

after(async () => {
  await encoder?.close();
  await browser?.[Symbol.asyncDispose]();
  await agent?.close();
  await relay?.close();
  await rm(directory, { recursive: true, force: true });
});

/** Resolves when the player of a page has shown so many pictures. */
const shows = (where: Page, selector: string, frames = 10) =>
  where.waitForFunction(
    ([element, wanted]) => (document.querySelector<PerchPlayer>(element)?.stats?.framesShown ?? 0) >= wanted,
    [`${selector} perch-player`, frames] as const,
  );

test('a machine is enrolled by the code of the app, and its page shows live what it sees and hears', async () => {
  await page.getByRole('link', { name: 'Devices' }).click();
  await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Add a device' }).click();
  await page.getByLabel('What is it called?').fill('Kitchen');
  await page.keyboard.press('Enter');
  const command = (await page.locator('.secret code').textContent()) ?? '';
  const [, url, code] = /^perch enroll (\S+) (\S+)$/.exec(command) ?? [];
  assert.ok(url && code, command);
  const data = path.join(directory, 'agent');
  const outgoing = {};
  ({ device } = await enrol({ url, code, data, outgoing }));
  agent = await startAgent({ listen: { host: '127.0.0.1', port: 0 }, data, logger: silentLogger });
  await page.getByText('Kitchen is here.').waitFor();
  await page.getByRole('link', { name: 'See it' }).click();
  await page.getByText('Online').waitFor();

  const input = (...args: string[]) => ['-re', '-f', 'lavfi', '-i', ...args];
  encoder = await launch({
    command: [
      ...(['ffmpeg', '-nostdin', '-loglevel', 'error'] as const),
      ...input('testsrc2=size=320x180:rate=25'),
      ...input('sine=frequency=440'),
      ...['-map', '0:v', '-c:v', 'libx264', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25'],
      ...['-f', 'mpegts', `${agent.url}/ts/camera`],
      ...['-map', '1:a', '-c:a', 'aac', '-f', 'mpegts', `${agent.url}/ts/microphone`],
    ],
  });
  const put = await fetch(`${agent.url}/api/streams`, {
    method: 'POST',
    body: JSON.stringify({ stream: 'stream/front', feeds: ['camera', 'microphone'] }),
  });
  assert.equal(put.status, 200);

  const card = page.getByRole('article', { name: 'stream/front' });
  await card.getByText('Picture, H.264').first().waitFor();
  await card.getByText('Sound, AAC').first().waitFor();
  await shows(page, '[aria-label="stream/front"]');
  await page.getByText('stream/front → this relay').waitFor();
  assert.deepEqual(await obstacles(page), []);
});

test('a feed is muted by a tap: the device keeps the rule, and its sound is gone from the stream', async () => {
  const feeds = async () => {
    // Seconds lie between two of these: a connection that is kept may be given up just as it is used again.
    const headers = { Connection: 'close' };
    return (await fetch(`${agent.url}/api/streams/stream/front`, { headers })).json();
  };
  const card = page.getByRole('article', { name: 'stream/front' });
  await card.getByRole('switch', { name: /microphone/ }).click();
  await page.getByText('microphone is muted in stream/front.').waitFor();
  assert.deepEqual(await feeds(), ['camera']);
  await card.locator('.tracks').getByText('Sound, AAC').waitFor({ state: 'detached' });
  await card.getByRole('switch', { name: /microphone/ }).click();
  await card.locator('.tracks').getByText('Sound, AAC').waitFor();
  assert.deepEqual(await feeds(), ['camera', 'microphone']);
});

test('an invited guest sees the stream and nothing else, until the invite is ended; the history tells of it', async () => {
  await page.getByRole('link', { name: 'People' }).click();
  await page.getByRole('heading', { name: 'People', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Share' }).click();
  await page.getByLabel('What?').selectOption(`${device}/stream/front`);
  await page.getByLabel('For whom?').fill('Tom');
  await page.getByRole('button', { name: 'Make the link' }).click();
  const link = (await page.locator('.secret code').textContent()) ?? '';
  await page.getByRole('button', { name: 'Close' }).click();

  await using his = await startBrowser();
  const { page: guest } = await his.newPage(phone);
  await guest.goto(link);
  await guest.getByRole('button', { name: 'Open it' }).click();
  await shows(guest, '.watch');
  await guest.getByRole('link', { name: 'All streams' }).click();
  await guest.getByText('1 stream').waitFor();
  assert.deepEqual(await guest.locator('nav li').allTextContents(), ['Live', 'Devices', 'You']);
  await shows(guest, '.tile');

  await page.getByRole('button', { name: 'End the link for Tom' }).click();
  await page.getByRole('button', { name: 'End it' }).click();
  await page.getByText('The link for Tom is ended.').waitFor();
  await guest.getByRole('heading', { name: 'Sign in' }).waitFor();

  await page.getByRole('link', { name: 'History' }).click();
  await page.getByRole('button', { name: 'Seen' }).click();
  const told = page.locator('.sentence', { hasText: /^Tom saw Kitchen \/ stream\/front .*, computer$/ });
  await told.first().waitFor();
});

test('a device that is removed is gone at once', async () => {
  await page.getByRole('link', { name: 'Devices' }).click();
  await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor();
  await page.getByRole('link', { name: /Kitchen/ }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByRole('button', { name: 'Remove it' }).click();
  await page.getByText('No devices yet').waitFor();
  await page.getByRole('link', { name: 'Live' }).click();
  await page.getByText('Nothing is live').waitFor();
});
