import assert from 'node:assert/strict';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import './support/noon.ts';
import { startBrowser, type TestBrowser } from './support/browser.ts';
import { type FakeRelay, startFakeRelay } from './support/fake-relay.ts';
import { household, kitchenState } from './support/household.ts';
import { obstacles } from './support/reading.ts';

// The app's pages in Chromium, on a relay that answers what a test wants: a full household, and all that can go wrong.

const webRoot = path.join(import.meta.dirname, '../../dist/web');
const phone = { width: 390, height: 844 };

let browser: TestBrowser;
let home: ReturnType<typeof household>;
let relay: FakeRelay;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.[Symbol.asyncDispose]());
beforeEach(async () => {
  home = household();
  relay = await startFakeRelay(webRoot, home.routes);
});
afterEach(() => relay?.[Symbol.asyncDispose]());

/** Opens a page of the app. `problems`: what the browser complained of but for pictures, which no fake has. */
async function open(place: string, size = phone): Promise<{ page: Page; problems: () => string[] }> {
  const { page, problems } = await browser.newPage(size);
  await page.goto(`${relay.url}/${place}`);
  await page.waitForSelector('h1');
  return { page, problems: () => problems.filter((text) => !text.includes('status of 404')) };
}

const kitchen = () => kitchenState(new URL(relay.url).host);
const tellKitchen = (over: object = {}) => {
  const news = { online: true, at: new Date().toISOString(), state: kitchen(), ...over };
  home.routes['GET /api/v1/devices/:id/state'] = () => ({ body: news });
  relay.tell(news);
};

describe('every page', () => {
  const pages = {
    '#/': 'Live',
    '#/devices': 'Devices',
    '#/devices/kitchen-x7k2': 'Kitchen',
    '#/people': 'People',
    '#/people/u-grandma': 'Oma Hilde',
    '#/history': 'History',
    '#/account': 'You',
    '#/account/tokens': 'Tokens',
    '#/welcome': 'Welcome to Perch',
    '#/invite/c2VjcmV0': 'You are invited',
  };
  for (const [place, title] of Object.entries(pages)) {
    for (const size of [
      { width: 320, height: 640 },
      { width: 1280, height: 800 },
    ]) {
      test(`${title} at ${size.width} px: one main heading, all named, nothing too wide or too small`, async () => {
        tellKitchen();
        const { page, problems } = await open(place, size);
        await page.getByRole('heading', { name: title, exact: true, level: 1 }).waitFor();
        await page.waitForFunction(() => !document.querySelector('.patience'));
        assert.deepEqual(await obstacles(page), []);
        assert.deepEqual(problems(), []);
        await page.close();
      });
    }
  }

  test('takes the focus to its heading when one goes there by keyboard', async () => {
    const { page } = await open('#/');
    await page.getByRole('link', { name: 'Devices' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor();
    assert.equal(
      await page.evaluate(() => document.activeElement?.outerHTML),
      '<h1 tabindex="-1">Devices</h1>',
    );
    assert.equal(await page.title(), 'Devices – Perch');
    await page.close();
  });

  test('keeps what it showed while the relay does not answer, says so, and goes on by itself', async () => {
    const { page } = await open('#/people');
    await page.getByText('Oma Hilde').waitFor();
    const before = home.routes['GET /api/v1/users'];
    assert.ok(before);
    home.routes['GET /api/v1/users'] = () => ({ status: 503, body: {} });
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.getByText('This is what it said last').waitFor();
    assert.ok(await page.getByText('Oma Hilde').isVisible());
    home.routes['GET /api/v1/users'] = before;
    await page.getByText('This is what it said last').waitFor({ state: 'detached' });
    await page.close();
  });

  test('becomes the way in as soon as one is signed out elsewhere', async () => {
    const { page } = await open('#/devices');
    await page.getByText('Kitchen').waitFor();
    for (const path of ['me', 'devices', 'users']) {
      home.routes[`GET /api/v1/${path}`] = () => ({
        status: 401,
        body: { code: 401, message: 'a sign-in is needed' },
      });
    }
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.equal(await page.getByText('Kitchen').count(), 0);
    await page.close();
  });
});

describe('the page of a device', () => {
  test('mutes a feed of a stream by a change of the rule, and shows what the device then tells', async () => {
    tellKitchen();
    const { page } = await open('#/devices/kitchen-x7k2');
    const card = page.getByRole('article', { name: 'stream/front' });
    const sound = card.getByRole('switch', { name: /microphone/ });
    assert.equal(await sound.isChecked(), true);
    await card.getByText('microphone').click();
    await page.getByText('microphone is muted in stream/front.').waitFor();
    assert.deepEqual(relay.deeds, [
      'POST /api/v1/devices/kitchen-x7k2/streams {"stream":"stream/front","feeds":["camera"]}',
    ]);
    assert.equal(await sound.isChecked(), false, 'at once, before the device tells');
    const state = kitchen();
    tellKitchen({ state: { ...state, streams: [{ ...state.streams[0], feeds: ['camera'], tracks: [] }] } });
    await sound.click();
    await page.getByText('microphone goes into stream/front again.').waitFor();
    assert.match(relay.deeds.at(-1) ?? '', /"feeds":\["camera","microphone"\]/);
    await page.close();
  });

  test('takes a switch back where the device refuses, and says why', async () => {
    tellKitchen();
    home.routes['POST /api/v1/devices/:id/streams'] = () => ({
      status: 503,
      body: { code: 503, message: 'the device is not connected now' },
    });
    const { page } = await open('#/devices/kitchen-x7k2');
    const sound = page.getByRole('switch', { name: /microphone/ });
    await sound.click();
    await page.getByText('The device is not connected now.').waitFor();
    assert.equal(await sound.isChecked(), true);
    await page.close();
  });

  test('is live: what the device tells is there without a question', async () => {
    tellKitchen();
    const { page } = await open('#/devices/kitchen-x7k2');
    const row = page.getByRole('listitem').filter({ hasText: 'stream/front → this relay' });
    await row.getByText('2 viewers').waitFor();
    const state = kitchen();
    const [front, ...others] = state.destinations;
    const slow = { ...front, delayMs: 1_640, dropped: { messages: 41 }, bitRate: 320_000, viewers: 1 };
    tellKitchen({ state: { ...state, destinations: [slow, ...others] } });
    await row.getByText('Connected · 320 kbit/s · 1 viewer · 1.6 s behind · 41 messages left out').waitFor();
    await page.getByText('connect ECONNREFUSED 198.51.100.9:443').waitFor();
    await page.close();
  });

  test('sends a feed here that stayed on the device', async () => {
    tellKitchen();
    const { page } = await open('#/devices/kitchen-x7k2');
    const card = page.getByRole('article', { name: 'thermal' });
    await card.getByRole('button', { name: 'Send it here' }).click();
    await page.getByText('thermal comes here from now on.').waitFor();
    const host = new URL(relay.url).host;
    assert.deepEqual(JSON.parse(relay.deeds[0]?.split(' ').slice(2).join(' ') ?? ''), {
      id: 'thermal',
      stream: 'thermal',
      destination: `http://${host}/session/kitchen-x7k2/thermal`,
      token: '',
      protocol: 'perch.1',
    });
    await page.close();
  });

  test('of one that is away says since when, what it told last, and changes nothing', async () => {
    const at = new Date(Date.now() - 3 * 3_600_000).toISOString();
    tellKitchen({ online: false, at });
    const device = home.devices.find(({ id }) => id === 'kitchen-x7k2');
    Object.assign(device ?? {}, { online: false, lastSeen: at });
    const { page } = await open('#/devices/kitchen-x7k2');
    await page.getByText('Last seen 3 hours ago').waitFor();
    await page.getByText('What follows is what it told last').waitFor();
    assert.equal(await page.getByRole('switch', { name: /microphone/ }).isDisabled(), true);
    assert.equal(await page.locator('perch-player').count(), 0, 'no picture is asked for');
    await page.close();
  });

  test('asks before it removes one, and says what that does', async () => {
    tellKitchen();
    const { page } = await open('#/devices/kitchen-x7k2');
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByText('All that it sends ends at once').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    // The focus is back where it was.
    await page.waitForFunction(() => document.activeElement?.textContent === 'Remove');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Remove it' }).click();
    await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor();
    assert.deepEqual(relay.deeds, ['DELETE /api/v1/devices/kitchen-x7k2']);
    await page.getByText('Kitchen', { exact: true }).waitFor({ state: 'detached' });
    await page.close();
  });

  test('shows a guest what is there, and no way to change it', async () => {
    tellKitchen();
    Object.assign(home.me, { role: 'guest', permissions: { 'kitchen-x7k2': ['view'] } });
    const { page } = await open('#/devices/kitchen-x7k2');
    assert.equal(await page.getByRole('switch', { name: /microphone/ }).isDisabled(), true);
    assert.equal(await page.getByRole('button', { name: /Share|Remove|Stop|Send/ }).count(), 0);
    assert.equal(await page.getByRole('link', { name: 'History' }).count(), 0);
    assert.equal(await page.getByText('backup.example').count(), 0, 'nor where it sends');
    await page.close();
  });
});

test('a device is added by a name, a command and a code, and the window sees it come', async () => {
  home.devices.splice(0);
  const { page, problems } = await open('#/devices');
  await page.getByText('No devices yet').waitFor();
  await page.getByRole('button', { name: 'Add a device' }).click();
  assert.deepEqual(await obstacles(page), []);
  await page.getByLabel('What is it called?').fill('Workshop');
  await page.keyboard.press('Enter');
  await page.getByText('perch enroll https://relay.example K4TP-9XQ2').waitFor();
  const picture = page.getByRole('img', { name: 'The same, as a QR code' });
  await picture.evaluate((image: HTMLImageElement) => image.decode()); // it rejects what is no picture
  assert.ok(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth > 0));
  await page.getByText('It works once, and ends in 10 minutes.').waitFor();
  assert.deepEqual(await obstacles(page), []);
  const now = new Date().toISOString();
  home.devices.push({
    id: 'workshop-a1b2',
    name: 'Workshop',
    enrolled: now,
    certificateExpires: now,
    online: true,
    lastSeen: now,
    address: '192.0.2.7',
  });
  await page.getByText('Workshop is here.').waitFor();
  await page.getByRole('link', { name: 'See it' }).click();
  await page.getByRole('heading', { name: 'Workshop', level: 1 }).waitFor();
  assert.deepEqual(problems(), []);
  await page.close();
});

test('a code that nobody used in time can be made anew', async () => {
  const { page } = await open('#/devices');
  const fresh = home.routes['POST /api/v1/devices/codes'];
  assert.ok(fresh);
  home.routes['POST /api/v1/devices/codes'] = () => ({
    status: 201,
    body: { code: 'OLD', expires: new Date(Date.now() - 1).toISOString(), command: 'perch enroll', qr: '' },
  });
  await page.getByRole('button', { name: 'Add a device' }).click();
  await page.getByLabel('What is it called?').fill('Workshop');
  await page.keyboard.press('Enter');
  await page.getByText('This code has expired').waitFor();
  home.routes['POST /api/v1/devices/codes'] = fresh;
  await page.getByRole('button', { name: 'Make a new one' }).click();
  await page.getByText('K4TP-9XQ2', { exact: true }).waitFor();
  await page.close();
});

test('feeds are put together to a stream, by a name and switches', async () => {
  tellKitchen();
  const { page } = await open('#/devices/kitchen-x7k2');
  await page.getByRole('button', { name: 'New stream' }).click();
  await page.getByLabel('Name').fill('night view');
  await page.getByRole('checkbox', { name: /thermal/ }).click();
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByText('Letters, digits and').waitFor();
  await page.getByLabel('Name').fill('night');
  assert.deepEqual(await obstacles(page), []);
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByText('stream/night is made.').waitFor();
  assert.deepEqual(relay.deeds, [
    'POST /api/v1/devices/kitchen-x7k2/streams {"stream":"stream/night","feeds":["thermal"]}',
  ]);
  await page.close();
});

describe('people', () => {
  test('a permission of a guest is given with a tap, and taken back to what holds for all devices', async () => {
    const { page } = await open('#/people/u-grandma');
    await page.getByText('Kitchen', { exact: true }).click();
    const row = page.locator('details[open]');
    await row.getByText('May see and hear, as for all devices').waitFor();
    await row.getByRole('checkbox', { name: /Talk/ }).click();
    await row.getByText('May see, hear and talk').waitFor();
    assert.equal(
      await relay.deed(0),
      'PATCH /api/v1/users/u-grandma {"permissions":{"kitchen-x7k2":["view","listen","talk"]}}',
    );
    await row.getByRole('button', { name: 'Same as for all devices' }).click();
    await row.getByText('May see and hear, as for all devices').waitFor();
    assert.match(await relay.deed(1), /"kitchen-x7k2":null/);
    assert.equal(relay.deeds.length, 2);
    await page.close();
  });

  test('what the relay refuses is said in its words, and nothing else changes', async () => {
    home.routes['PATCH /api/v1/users/:id'] = () => ({
      status: 409,
      body: { code: 409, message: 'the last owner of a household stays its owner' },
    });
    const { page } = await open('#/people/u-ben');
    await page.getByRole('radio', { name: /Guest/ }).click();
    await page.getByText('The last owner of a household stays its owner.').waitFor();
    assert.equal(await page.getByRole('radio', { name: /Member/ }).isChecked(), true);
    await page.close();
  });

  test('a stream is shared by a link for somebody, which is listed and can be ended', async () => {
    const { page } = await open('#/people');
    await page.getByRole('button', { name: 'Share' }).click();
    await page.getByLabel('What?').selectOption('kitchen-x7k2/camera');
    await page.getByLabel('For whom?').fill('Aunt Rosa');
    await page.getByText('An hour').click();
    await page.getByRole('checkbox', { name: /Hear/ }).click();
    await page.getByRole('button', { name: 'Make the link' }).click();
    await page.getByText('https://relay.example/#/invite/').waitFor();
    assert.deepEqual(await obstacles(page), []);
    assert.deepEqual(JSON.parse(relay.deeds[0]?.split(' ').slice(2).join(' ') ?? ''), {
      for: 'Aunt Rosa',
      topic: 'kitchen-x7k2/camera',
      permissions: ['view'],
      ttl: 3_600,
      once: false,
    });
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'End the link for Aunt Rosa' }).click();
    await page.getByText('stops seeing and hearing within a second').waitFor();
    await page.getByRole('button', { name: 'End it' }).click();
    await page.getByText('The link for Aunt Rosa is ended.').waitFor();
    assert.equal(relay.deeds.at(-1), 'DELETE /api/v1/invites/i-new');
    await page.close();
  });
});

describe('an invite', () => {
  const nobody = () => ({ status: 401, body: { code: 401, message: 'a sign-in is needed' } });

  test('is spent by a tap, not by opening the page, and leads to what it is for', async () => {
    const someone = home.routes['GET /api/v1/me'];
    assert.ok(someone);
    home.routes['GET /api/v1/me'] = nobody;
    home.routes['POST /api/v1/invites/open'] = () => {
      const invite = { id: 'i1', for: 'Tom', topic: 'kitchen-x7k2/camera', permissions: ['view', 'listen'] };
      Object.assign(home.me, { id: 'i1', name: 'Tom', role: 'guest', invite });
      home.routes['GET /api/v1/me'] = someone;
      return { body: invite };
    };
    const { page } = await open('#/invite/c2VjcmV0');
    await page.getByText('no account to make').waitFor();
    assert.deepEqual(relay.deeds, []);
    await page.getByRole('button', { name: 'Open it' }).click();
    await page.waitForSelector('.watch perch-player');
    assert.equal(relay.deeds[0], 'POST /api/v1/invites/open {"secret":"c2VjcmV0"}');
    assert.doesNotMatch(page.url(), /c2VjcmV0/);
    await page.goBack();
    assert.doesNotMatch(page.url(), /c2VjcmV0/, 'nor is the secret in the history');
    await page.close();
  });

  test('that has ended says so', async () => {
    home.routes['GET /api/v1/me'] = nobody;
    home.routes['POST /api/v1/invites/open'] = () => ({ status: 404, body: { code: 404, message: 'no' } });
    const { page } = await open('#/invite/c2VjcmV0');
    await page.getByRole('button', { name: 'Open it' }).click();
    await page.getByRole('heading', { name: 'This invite does not work any more' }).waitFor();
    await page.close();
  });

  test('tells who is signed in that they would be signed out', async () => {
    const { page } = await open('#/invite/c2VjcmV0');
    await page.getByText('opening the invite signs you out here').waitFor();
    await page.getByRole('link', { name: 'Stay signed in as Anna' }).click();
    await page.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
    assert.deepEqual(relay.deeds, []);
    await page.close();
  });
});

describe('the history', () => {
  test('is told in sentences, by day, and can be looked at by kind', async () => {
    const { page } = await open('#/history');
    const rows = page.locator('.sentence');
    // The names of devices are an answer of their own.
    await rows.first().getByText('Kitchen').waitFor();
    const texts = await rows.allTextContents();
    assert.match(texts[0] ?? '', /^Ben sees Kitchen \/ camera since \d\d:\d\d, phone$/);
    assert.match(texts[1] ?? '', /^You saw Kitchen \/ camera from \d\d:\d\d to \d\d:\d\d, phone$/);
    await page.getByRole('button', { name: 'Refused' }).click();
    assert.equal(await rows.count(), 1);
    assert.match((await rows.textContent()) ?? '', /^Somebody unknown tried to sign in from .*, 6 times$/);
    await page.getByRole('button', { name: 'Changes' }).click();
    assert.match((await rows.textContent()) ?? '', /^You made a token for kitchen-x7k2\/\*\* at/);
    await page.close();
  });

  test('goes further back on demand, and shows no line twice', async () => {
    const { body } =
      (await home.routes['GET /api/v1/audit']?.({
        names: [],
        query: new URLSearchParams(),
        body: undefined,
      })) ?? {};
    const { entries } = body as { entries: object[] };
    let asked = 0;
    home.routes['GET /api/v1/audit'] = () =>
      asked++ === 0
        ? { body: { entries: entries.slice(0, 4), next: '1.2.ab' } }
        : { body: { entries: entries.slice(3) } };
    const { page } = await open('#/history');
    await page.getByRole('button', { name: 'Show what was before' }).click();
    await page.getByText('Yesterday').waitFor();
    assert.equal(await page.locator('.sentence').count(), entries.length);
    await page.close();
  });
});

test('a token is made for topics, and its secret shown once', async () => {
  const { page } = await open('#/account/tokens');
  await page.getByRole('button', { name: 'Make a token' }).click();
  assert.deepEqual(await obstacles(page), []);
  await page.getByRole('textbox', { name: 'Topics' }).fill('porch-m4qd/**');
  await page.getByRole('checkbox', { name: /Send/ }).click();
  await page.getByText('A year').click();
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByText('prch_c2VjcmV0').waitFor();
  assert.deepEqual(relay.deeds, [
    'POST /api/v1/tokens {"topic":"porch-m4qd/**","scope":["read","write"],"ttl":31536000}',
  ]);
  await page.getByRole('button', { name: 'Close' }).click();
  assert.equal(await page.getByText('prch_c2VjcmV0').count(), 0);
  await page.close();
});

test('who tries too often is told how long to wait', async () => {
  home.routes['GET /api/v1/me'] = () => ({ status: 401, body: {} });
  home.routes['GET /api/v1/streams'] = () => ({ status: 401, body: {} });
  home.routes['POST /api/v1/sign-in/password'] = () => ({
    status: 429,
    headers: { 'retry-after': '40' },
    body: { code: 429, message: 'too many tries' },
  });
  const { page } = await open('#/');
  await page.getByLabel('Name').fill('Anna');
  await page.getByLabel('Password').fill('guess');
  await page.keyboard.press('Enter');
  await page.getByText('Try again in 40 seconds.').waitFor();
  assert.equal(await page.getByLabel('Name').inputValue(), 'Anna', 'what was typed stays');
  await page.close();
});

test('a browser that is signed in elsewhere is signed out from here', async () => {
  const { page } = await open('#/account');
  await page.getByText('Firefox on Linux of Ben').waitFor();
  await page.getByRole('button', { name: 'Sign out Firefox on Linux' }).click();
  await page.getByText('Firefox on Linux is signed out.').waitFor();
  assert.deepEqual(relay.deeds, ['DELETE /api/v1/sessions/s2']);
  await page.close();
});
