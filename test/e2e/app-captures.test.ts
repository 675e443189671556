import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type Agent, enrol, startAgent } from '@perch/agent';
import { type Relay, startRelay } from '@perch/relay';
import { silentLogger } from '@perch/runtime';
import type { Page } from 'playwright-core';
import { FilmMaker } from '../captures/support/home.ts';
import './support/noon.ts';
import { startBrowser, type TestBrowser } from './support/browser.ts';
import { CameraProgram } from './support/camera-program.ts';
import { obstacles } from './support/reading.ts';

// A household as it is meant: a camera program and an agent, a relay, and browsers that see what was filmed.

const webRoot = path.join(import.meta.dirname, '../../dist/web');
const phone = { width: 390, height: 844 };
const DAY_S = 86_400;

let directory: string;
let maker: FilmMaker;
let clip: string;
let relay: Relay;
let agent: Agent;
let camera: CameraProgram;
let browser: TestBrowser;
let page: Page;
let device: string;

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'perch-app-captures-'));
  maker = new FilmMaker();
  clip = maker.plain('clip.mp4');
  relay = await startRelay({
    listen: { host: '127.0.0.1', port: 0 },
    data: path.join(directory, 'relay'),
    webRoot,
    logger: silentLogger,
  });
  browser = await startBrowser(['--autoplay-policy=no-user-gesture-required']);
  ({ page } = await browser.newPage(phone));
  await page.goto(await relay.signInLink());
  await page.getByRole('heading', { name: 'Live', exact: true }).waitFor();
  const { command } = await page.evaluate(async () => {
    const options = { method: 'POST', headers: { 'content-type': 'application/json' } };
    return (await fetch('/api/v1/devices/codes', { ...options, body: '{"name":"Kitchen"}' })).json();
  });
  const [, url = '', code = ''] = /^perch enroll (\S+) (\S+)$/.exec(command) ?? [];
  const data = path.join(directory, 'agent');
  ({ device } = await enrol({ url, code, data, outgoing: {} }));
  camera = await CameraProgram.start(directory);
  agent = await startAgent({
    listen: { host: '127.0.0.1', port: 0 },
    data,
    captures: { inputs: [{ host: '127.0.0.1', port: 0 }], camera: camera.address },
    logger: silentLogger,
  });
});

after(async () => {
  await browser?.[Symbol.asyncDispose]();
  await agent?.close();
  await camera?.close();
  await relay?.close();
  maker?.[Symbol.dispose]();
  await rm(directory, { recursive: true, force: true });
});

const cards = () => page.locator('.film-card');
/** Resolves when so many films are shown. */
const shows = (count: number) =>
  page.waitForFunction((wanted) => document.querySelectorAll('.film-card').length === wanted, count);

async function film(cause: 'pir' | 'cap', at: number) {
  const [input] = agent.captures;
  assert.ok(input && 'port' in input);
  return camera.film(input, cause, at);
}

/** Resolves when the player of a page has come so far, in seconds. */
const playsTo = (where: Page, seconds: number) =>
  where.waitForFunction((wanted) => (document.querySelector('video')?.currentTime ?? 0) >= wanted, seconds);

const now = Math.floor(Date.now() / 1_000);

test('a film is there while it is being filmed, plays while it arrives, and ends without a reload', async () => {
  await page.getByRole('link', { name: 'Captures' }).click();
  await page.getByText('perch captures push FILM.mp4').waitFor();
  const running = await film('pir', now - 30);
  running.segment(clip);
  await cards().getByText('filming').waitFor();
  await cards().click();
  await playsTo(page, 0.5);
  await page.getByText('It is being filmed.').waitFor();
  const isPaused = () => page.locator('video').evaluate((video: HTMLVideoElement) => video.paused);
  await page.keyboard.press('Space');
  assert.equal(await isPaused(), true);
  await page.keyboard.press('Space');
  assert.equal(await isPaused(), false);
  running.segment(clip).alarm().end();
  await page.getByText('It is being filmed.').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: /^Alarm at/ }).waitFor();
  // What plays has become longer.
  await page.waitForFunction(() => (document.querySelector('video')?.duration ?? 0) > 3.9);
  assert.deepEqual(await obstacles(page), []);
  await page.getByRole('link', { name: 'All films' }).click();
  await page.getByRole('link', { name: /motion, 4 seconds, 1 alarm$/ }).waitFor();
});

test('films are found by kind, by device and by day', async () => {
  for (const [cause, at] of [
    ['cap', now - 60],
    ['pir', now - DAY_S],
    ['cap', now - 40 * DAY_S],
  ] as const) {
    (await film(cause, at)).segment(clip).end();
  }
  await shows(4);
  await page.getByRole('button', { name: 'Asked', exact: true }).click();
  await shows(2);
  await page.getByRole('button', { name: 'Alarm', exact: true }).click();
  await shows(1);
  await page.getByRole('button', { name: 'All', exact: true }).click();
  await page.getByRole('button', { name: /^Yesterday, 1 film$/ }).click();
  await page.locator('h2.day', { hasText: 'Yesterday' }).waitFor();
  await shows(1);
  assert.match(page.url(), /day=\d{4}-\d\d-\d\d$/);
  await page.reload();
  await page.locator('h2.day', { hasText: 'Yesterday' }).waitFor();
  await shows(1);
  await page.getByRole('button', { name: /^Yesterday/ }).click();
  await shows(4);
});

test('a pointer that moves over a picture looks through the film, and a finger too, without opening it', async () => {
  // The film is whole when its length is known: until then it has no strip.
  const picture = cards().last().locator('.film-picture');
  await cards()
    .last()
    .evaluate((card) => card.scrollIntoView({ block: 'center' }));
  await picture.getByText('0:02').waitFor();
  await picture.hover({ position: { x: 5, y: 20 } });
  const strip = picture.locator('.film-strip:not(.hidden)');
  await strip.waitFor();
  const place = () => strip.evaluate((image) => image.style.translate);
  const first = await place();
  const { width } = (await picture.boundingBox()) ?? { width: 0 };
  await picture.hover({ position: { x: width - 5, y: 20 } });
  assert.notEqual(await place(), first);
  assert.equal(await strip.evaluate((image: HTMLImageElement) => image.naturalWidth), 1_600);
  await page.mouse.move(0, 0);
  await picture.locator('.film-strip').waitFor({ state: 'detached' });
  const { x = 0, y = 0 } = (await picture.boundingBox()) ?? {};
  const finger = await page.context().newCDPSession(page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', at?: number) =>
    finger.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: at === undefined ? [] : [{ x: x + at, y: y + 30 }],
    });
  // At once: a finger that rests asks for a menu.
  await Promise.all([touch('touchStart', 20), touch('touchMove', 60), touch('touchMove', 100)]);
  await strip.waitFor();
  await touch('touchEnd');
  await picture.locator('.film-strip').waitFor({ state: 'detached' });
  assert.match(page.url(), /#\/captures$/);
});

test('a film is kept, and downloaded under a name that says where and when', async () => {
  await cards().first().click();
  await page.getByRole('button', { name: 'Keep' }).click();
  await page.getByRole('button', { name: 'Kept' }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download', exact: true }).click(),
  ]);
  assert.match(download.suggestedFilename(), /Kitchen.*\.mp4$/i);
  const bytes = await readFile(await download.path());
  assert.equal(bytes.subarray(4, 8).toString(), 'ftyp');
});

test('whoever has a link sees this one film, until the link is ended', async () => {
  await page.getByRole('button', { name: 'Share' }).click();
  await page.getByLabel('For whom?').fill('Tom');
  await page.getByText('An hour').click();
  await page.getByRole('button', { name: 'Make the link' }).click();
  const link = (await page.locator('.secret code').textContent()) ?? '';
  assert.match(link, /\/#\/film\/[\w-]+$/);
  await page.getByAltText('The link as a QR code').waitFor();
  assert.deepEqual(await obstacles(page), []);
  await page.getByRole('button', { name: 'Close' }).click();

  await using his = await startBrowser();
  const { page: guest } = await his.newPage(phone);
  await guest.goto(link);
  await playsTo(guest, 0.5);
  assert.deepEqual(await obstacles(guest), []);
  const seen = (await guest.evaluate(async () => (await fetch('/api/v1/captures')).json())) as unknown[];
  assert.ok(seen.length <= 1, 'and no other film');

  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange'))); // as if one came back to it
  await page.getByText('opened just now').waitFor();
  await page.getByRole('button', { name: 'End the link for Tom' }).click();
  await page.getByRole('button', { name: 'End it' }).click();
  await page.getByText('The link is ended.').waitFor();
  await guest.getByRole('heading', { name: 'This link does not work any more' }).waitFor();
  await guest.reload();
  await guest.getByRole('heading', { name: 'This link does not work any more' }).waitFor();
});

test('a film that is deleted is gone from the timeline and from the relay', async () => {
  const id = page.url().split('/').at(-1);
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete it' }).click();
  await page.getByText('The film is deleted.').waitFor();
  await shows(3);
  assert.equal(
    await page.evaluate(async (film) => (await fetch(`/api/v1/captures/${film}`)).status, id),
    404,
  );
});

test('the camera is armed, films and is disarmed by a tap, and the page says how far that came', async () => {
  await page.getByRole('link', { name: 'Devices' }).click();
  // Until then the films of the kitchen are links, too.
  await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor();
  await page.getByRole('link', { name: /Kitchen/ }).click();
  const panel = page.getByRole('region', { name: 'Camera' });
  await panel.getByRole('button', { name: 'Arm', exact: true }).click();
  await panel.getByText('It films when something moves.').waitFor();
  await panel.getByText('With the camera: done').waitFor();
  await panel.getByRole('button', { name: 'Capture now' }).click();
  await panel.getByText(/^Capture, by/).waitFor();
  await panel.getByText('With the camera: done').waitFor();
  await panel.getByRole('button', { name: 'Disarm' }).click();
  await panel.getByText('It films only when it is asked.').waitFor();
  assert.deepEqual(camera.told, ['arm', 'capture', 'disarm']);
  await camera.close();
  await panel.getByRole('button', { name: 'Capture now' }).click();
  await panel.getByText('The device has it, but:').waitFor();
  assert.deepEqual(await obstacles(page), []);
  assert.ok(device);
});
