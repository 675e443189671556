import assert from 'node:assert/strict';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import './support/noon.ts';
import { startBrowser, type TestBrowser } from './support/browser.ts';
import {
  DAY,
  type FakeFilm,
  fakeCamera,
  fakeFilm,
  fakeFilms,
  filmRoutes,
  MINUTE,
} from './support/fake-films.ts';
import { type FakeRelay, startFakeRelay } from './support/fake-relay.ts';
import { household, kitchenState } from './support/household.ts';
import { obstacles } from './support/reading.ts';

// The pages of captures in Chromium, on a relay that answers what a test wants.

const webRoot = path.join(import.meta.dirname, '../../dist/web');
const phone = { width: 390, height: 844 };
const KITCHEN = 'kitchen-x7k2';
/** The long runs have as many as a camera makes in months. */
const MANY = process.env.PERCH_LONG ? 5_000 : 180;

let browser: TestBrowser;
let home: ReturnType<typeof household>;
let films: FakeFilm[];
let camera: object;
let relay: FakeRelay;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.[Symbol.asyncDispose]());
beforeEach(async () => {
  home = household();
  films = [];
  camera = fakeCamera();
  Object.assign(home.routes, filmRoutes(films), {
    'GET /api/v1/devices/:id/camera': () => ({ body: camera }),
    'PUT /api/v1/devices/:id/camera': () => ({ status: 204 }),
    'PUT /api/v1/devices/:id/camera/schedule': () => ({ status: 204 }),
    'POST /api/v1/devices/:id/commands': () => ({ status: 202, body: { id: 'c1' } }),
    'GET /api/v1/devices/:id/state': () => ({
      body: { online: true, at: new Date().toISOString(), state: kitchenState('localhost') },
    }),
  });
  relay = await startFakeRelay(webRoot, home.routes);
});
afterEach(() => relay?.[Symbol.asyncDispose]());

/** Opens a page. `problems`: what the browser complained of but for pictures, which no fake has. */
async function open(place: string, size = phone): Promise<{ page: Page; problems: () => string[] }> {
  const { page, problems } = await browser.newPage(size);
  await page.goto(`${relay.url}/${place}`);
  await page.waitForSelector('h1');
  return { page, problems: () => problems.filter((text) => !text.includes('status of 404')) };
}

const cards = (page: Page) => page.locator('.film-card');
const labels = (page: Page) =>
  cards(page).evaluateAll((all) => all.map((card) => card.getAttribute('aria-label')));

describe('every page of captures', () => {
  for (const [place, title] of [
    ['#/captures', 'Captures'],
    ['#/captures/f5', 'Kitchen'],
    [`#/devices/${KITCHEN}`, 'Kitchen'],
  ] as const) {
    test(`${place}, on a phone and a desk: one main heading, all named, nothing too wide or too small`, async () => {
      films.push(...fakeFilms(12));
      const { page, problems } = await open(place, { width: 320, height: 640 });
      await page.getByRole('heading', { name: title, exact: true, level: 1 }).waitFor();
      await page.waitForSelector('.film-card, .film-bar');
      assert.deepEqual(await obstacles(page), []);
      await page.setViewportSize({ width: 1280, height: 800 });
      assert.deepEqual(await obstacles(page), []);
      assert.deepEqual(problems(), []);
      await page.close();
    });
  }
});

describe('the timeline', () => {
  test('shows films by day, the newest first, and says to who hears it what each is', async () => {
    const noon = new Date().setHours(12, 0, 0, 0);
    films.push(
      fakeFilm(noon, { id: 'a', alarms: 2 }),
      fakeFilm(noon - 60 * MINUTE, { id: 'b', device: 'porch-m4qd', cause: 'asked', keep: true }),
      fakeFilm(noon - DAY, { id: 'c' }),
    );
    const { page } = await open('#/captures');
    await cards(page).nth(2).waitFor();
    // The names of devices are an answer of their own.
    await page.getByRole('link', { name: /Porch/ }).waitFor();
    assert.deepEqual(await labels(page), [
      '12:00, Kitchen, motion, 23 seconds, 2 alarms',
      '11:00, Porch, asked for, 23 seconds, kept',
      '12:00, Kitchen, motion, 23 seconds',
    ]);
    assert.deepEqual(await page.locator('h2.day').allTextContents(), ['Today2 films', 'Yesterday1 film']);
    await page.close();
  });

  test('keeps kind, device and day in the address, so that a link and the way back show the same', async () => {
    films.push(...fakeFilms(80));
    const { page } = await open('#/captures');
    await page.getByRole('button', { name: 'Alarm', exact: true }).click();
    await page.getByLabel('Device').selectOption('porch-m4qd');
    const wanted = films.filter(({ device, alarms }) => device === 'porch-m4qd' && alarms > 0);
    await page.waitForFunction(
      (ids) => [...document.querySelectorAll('.film-card')].map(({ id }) => id).join() === ids,
      wanted.map(({ id }) => `film-${id}`).join(),
    );
    assert.match(page.url(), /#\/captures\?show=alarm&device=porch-m4qd$/);
    await page.getByLabel('Device').selectOption('');
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await page.getByRole('button', { name: /^Yesterday, \d+ films/ }).click();
    await page.locator('h2.day', { hasText: 'Today' }).waitFor({ state: 'detached' });
    assert.match(page.url(), /\?day=\d{4}-\d\d-\d\d$/);
    await cards(page).first().click();
    await page.locator('.film-screen').waitFor();
    await page.getByRole('link', { name: 'All films' }).click();
    await page.locator('h2.day', { hasText: 'Yesterday' }).waitFor();
    assert.equal(await page.locator('h2.day').count(), 1);
    await page.close();
  });

  test('shows an alarm that no film tells of, among the films of its day', async () => {
    films.push(...fakeFilms(2));
    const alarm = { id: 'a1', device: 'porch-m4qd', capture: null, gpio: null };
    home.routes['GET /api/v1/captures/alarms'] = () => ({
      body: [{ ...alarm, at: new Date(Date.now() - 5 * DAY).toISOString() }],
    });
    const { page } = await open('#/captures');
    await page.getByText(/\d\d:\d\d Alarm without a film, Porch/).waitFor();
    await page.getByRole('button', { name: 'Motion', exact: true }).click();
    await page.getByText('Alarm without a film').waitFor({ state: 'detached' });
    await page.close();
  });

  test('a day that has no films says so, and leads back to all', async () => {
    films.push(...fakeFilms(5));
    const { page } = await open('#/captures?day=2020-02-29');
    await page.getByText('Nothing was filmed on 29 February 2020').waitFor();
    await page.getByRole('button', { name: 'Show all films' }).click();
    await cards(page).nth(4).waitFor();
    assert.match(page.url(), /#\/captures$/);
    await page.close();
  });

  test('where nothing was ever filmed it shows the one command that brings the first film', async () => {
    const { page } = await open('#/captures');
    await page.getByText('perch captures push FILM.mp4').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Alarm' }).count(), 0, 'nothing to choose from');
    await page.close();
  });

  test('a film that began before the page could hear of it is there too', async () => {
    const list = home.routes['GET /api/v1/captures'];
    assert.ok(list);
    let hasBegun = false;
    home.routes['GET /api/v1/captures'] = (call) => {
      const answer = list(call);
      if (!hasBegun) films.push(...fakeFilms(1));
      hasBegun = true;
      return answer;
    };
    const { page } = await open('#/captures');
    // Long before the page looks again by itself.
    await cards(page).first().waitFor({ timeout: 15_000 });
    await page.close();
  });

  test('a film is there while it is being filmed, grows, and goes when it is deleted, without a reload', async () => {
    films.push(...fakeFilms(3));
    const { page } = await open('#/captures');
    await cards(page).nth(2).waitFor();
    const begun = fakeFilm(Date.now(), { id: 'new', ended: null, complete: false, segments: 0, seconds: 0 });
    films.unshift(begun);
    relay.tellOfCaptures(begun, 'capture');
    const card = page.locator('#film-new');
    await card.getByText('filming').waitFor();
    relay.tellOfCaptures({ ...begun, segments: 1, seconds: 7, alarms: 1 }, 'capture');
    await card.getByText('0:07').waitFor();
    assert.match((await labels(page))[0] ?? '', /7 seconds, 1 alarm, being filmed$/);
    relay.tellOfCaptures({ ...begun, ended: begun.at, complete: true, segments: 1, seconds: 9 }, 'capture');
    await card.getByText('filming').waitFor({ state: 'detached' });
    relay.tellOfCaptures({ id: 'new' }, 'removed');
    await card.waitFor({ state: 'detached' });
    assert.equal(await cards(page).count(), 3);
    await page.close();
  });

  test('loads films page by page as one scrolls, each once, and comes back to the one that was seen', async () => {
    films.push(...fakeFilms(MANY));
    const { page } = await open('#/captures', { width: 1280, height: 800 });
    await cards(page).first().waitFor();
    assert.ok((await cards(page).count()) <= 120, 'only what is near is loaded');
    await page.evaluate(async () => {
      while (document.querySelector('.more')) {
        scrollTo(0, document.body.scrollHeight);
        await new Promise(requestAnimationFrame);
      }
    });
    assert.equal(await cards(page).count(), MANY);
    const ids = await cards(page).evaluateAll((all) => all.map(({ id }) => id));
    assert.equal(new Set(ids).size, MANY, 'each film once');
    assert.equal(ids[0], 'film-f0');
    await cards(page).last().click();
    await page.locator('.film-screen').waitFor();
    await page.goBack();
    await page.waitForFunction((id) => document.activeElement?.id === id, `film-f${MANY - 1}`);
    await page.close();
  });

  test('goes from film to film by arrows, and back to the film that was looked at', async () => {
    films.push(...fakeFilms(9));
    const { page } = await open('#/captures?device=kitchen-x7k2');
    await cards(page).nth(6).waitFor();
    await cards(page).first().focus();
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'film-f1');
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'film-f4', 'two in a row on a phone');
    await page.keyboard.press('Enter');
    await page.locator('.film-screen').waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.waitForURL(/#\/captures\/f5\?device=kitchen-x7k2$/);
    await page.locator('.neighbours a[href^="#/captures/f4?"]').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.waitForURL(/#\/captures\/f4\?/);
    await page.getByRole('link', { name: 'All films' }).click();
    await page.waitForFunction(() => document.activeElement?.id === 'film-f4');
    await page.close();
  });

  test('obeys arrows from the moment that a film is there', async () => {
    films.push(...fakeFilms(9));
    const { page } = await open('#/captures');
    await cards(page).nth(6).waitFor();
    // In the very turn in which the film appears, as no hand and no other test can be relied on to do.
    await page.evaluate(() => {
      const observer = new MutationObserver(() => {
        if (!document.querySelector('.film-screen')) return;
        observer.disconnect();
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true }));
      });
      observer.observe(document, { childList: true, subtree: true });
    });
    await cards(page).first().click();
    await page.waitForURL(/#\/captures\/f1$/);
    await page.close();
  });

  test('goes one film further by two arrows at once, not from the one that was left to another', async () => {
    films.push(...fakeFilms(9));
    const { page } = await open('#/captures/f4');
    await page.locator('.neighbours a[href="#/captures/f3"]').waitFor();
    await page.evaluate(() => {
      for (const key of ['ArrowLeft', 'ArrowRight']) {
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
      }
    });
    await page.locator('.neighbours a[href="#/captures/f4"]').waitFor();
    assert.match(page.url(), /#\/captures\/f5$/);
    await page.close();
  });

  test('is not in the way of who may see no films', async () => {
    Object.assign(home.me, { role: 'guest', permissions: { [KITCHEN]: ['view'] } });
    const { page } = await open('#/captures');
    await page.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
    assert.deepEqual(await page.locator('nav li').allTextContents(), ['Live', 'Devices', 'You']);
    await page.close();
  });

  test('shows a guest with captures the films, and no way to change them', async () => {
    films.push(...fakeFilms(3));
    Object.assign(home.me, { role: 'guest', permissions: { [KITCHEN]: ['captures'] } });
    const { page } = await open('#/captures/f0');
    await page.getByRole('link', { name: 'Download', exact: true }).waitFor();
    for (const name of ['Keep', 'Share', 'Delete']) {
      assert.equal(await page.getByRole('button', { name }).count(), 0, name);
    }
    await page.close();
  });
});

describe('the page of a film', () => {
  test('opened by its address finds the films before and after, over many in between', async () => {
    const now = Date.now();
    films.push(
      fakeFilm(now, { id: 'new' }),
      fakeFilm(now - 40 * DAY, { id: 'middle' }),
      fakeFilm(now - 99 * DAY, { id: 'old' }),
    );
    const { page } = await open('#/captures/middle');
    // The film that is left has such links too: they lead elsewhere.
    const go = (name: string, id: string) =>
      page
        .getByRole('link', { name })
        .and(page.locator(`[href="#/captures/${id}"]`))
        .click();
    await go('Earlier', 'old');
    await page.waitForURL(/captures\/old$/);
    await go('Later', 'middle');
    await page.waitForURL(/captures\/middle$/);
    await go('Later', 'new');
    await page.waitForURL(/captures\/new$/);
    await page.getByRole('button', { name: 'No later film' }).waitFor();
    await page.close();
  });

  test('marks its alarms on the bar', async () => {
    films.push(...fakeFilms(6));
    const { page } = await open('#/captures/f5');
    await page.getByRole('button', { name: 'Alarm at 0:05' }).waitFor();
    const left = await page.locator('.bar-alarm').evaluate((mark) => mark.style.left);
    assert.equal(Math.round(Number.parseFloat(left)), Math.round((100 * 5) / 23));
    const bar = page.getByRole('slider', { name: 'Place in the film' });
    assert.equal(await bar.getAttribute('aria-valuetext'), '0:00 of 0:23');
    await page.close();
  });

  test('keeps what is marked, asks before it deletes, and says what was refused', async () => {
    films.push(...fakeFilms(4));
    const { page } = await open('#/captures/f0');
    await page.getByRole('button', { name: 'Keep' }).click();
    await page.getByText('The film stays until somebody deletes it.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Kept' }).getAttribute('aria-pressed'), 'true');
    home.routes['DELETE /api/v1/captures/:id'] = () => ({
      status: 503,
      body: { code: 503, message: 'the disk does not answer' },
    });
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByText('The disk does not answer.').waitFor();
    assert.deepEqual(await obstacles(page), []);
    Object.assign(home.routes, filmRoutes(films));
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByText('The film is deleted.').waitFor();
    await page.locator('#film-f1').waitFor();
    assert.equal(await page.locator('#film-f0').count(), 0);
    await page.close();
  });

  test('that is gone says so', async () => {
    const { page } = await open('#/captures/gone');
    await page.getByRole('heading', { name: 'This film is not here any more' }).waitFor();
    await page.close();
  });
});

describe('a camera', () => {
  const at = () => new Date().toISOString();

  test('shows how far a command came, as the device tells it, and in words why not', async () => {
    const { page } = await open('#/');
    const lines: string[] = [];
    page.on('request', (request) => request.resourceType() === 'eventsource' && lines.push(request.url()));
    await page.getByRole('link', { name: 'Devices' }).click();
    await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor();
    await page.getByRole('link', { name: /Kitchen/ }).click();
    const panel = page.getByRole('region', { name: 'Camera' });
    await panel.getByText('It films when something moves.').waitFor();
    camera = fakeCamera({ last: [{ id: 'c1', command: 'capture', by: 'Anna', asked: at() }] });
    await panel.getByRole('button', { name: 'Capture now' }).click();
    await panel.getByText('Asked: done').waitFor();
    await panel.getByText('On the device: not yet').waitFor();
    const told = { id: 'c1', command: 'capture', by: 'Anna', asked: at(), delivered: at() };
    relay.tell(fakeCamera({ last: [told] }), 'camera');
    await panel.getByText('On the device: done').waitFor();
    relay.tell(fakeCamera({ last: [{ ...told, handed: at() }] }), 'camera');
    await panel.getByText('With the camera: done').waitFor();
    relay.tell(fakeCamera({ last: [{ ...told, failed: 'nobody listens at 127.0.0.1:9001' }] }), 'camera');
    await panel.getByText('The device has it, but: nobody listens at 127.0.0.1:9001').waitFor();
    assert.deepEqual(relay.deeds, [`POST /api/v1/devices/${KITCHEN}/commands {"command":"capture"}`]);
    assert.deepEqual(
      lines.map((url) => new URL(url).pathname).sort(),
      ['/api/v1/captures/events', `/api/v1/devices/${KITCHEN}/events`],
      'one connection for all that hears of a device',
    );
    await page.close();
  });

  test('of a device that is away is armed when it is back, and says so', async () => {
    Object.assign(home.devices.find(({ id }) => id === KITCHEN) ?? {}, { online: false });
    home.routes['GET /api/v1/devices/:id/state'] = () => ({ body: { online: false } });
    camera = fakeCamera({ armed: { wanted: false, known: false, by: 'Anna', at: at() } });
    const { page } = await open(`#/devices/${KITCHEN}`);
    const panel = page.getByRole('region', { name: 'Camera' });
    assert.equal(
      await panel.getByRole('button', { name: 'Capture now' }).count(),
      0,
      'no film is made later',
    );
    camera = fakeCamera({ armed: { wanted: true, known: false, by: 'Anna', at: at() } });
    await panel.getByRole('button', { name: 'Arm', exact: true }).click();
    await panel.getByText('armed as soon as the device is back').waitFor();
    assert.deepEqual(relay.deeds, [`PUT /api/v1/devices/${KITCHEN}/camera {"armed":true}`]);
    await page.close();
  });

  test('is armed by a schedule of hours and days, by the clock of the device', async () => {
    const { page } = await open(`#/devices/${KITCHEN}`);
    await page.getByRole('button', { name: 'Schedule' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Sat' }).click();
    await dialog.getByRole('button', { name: 'Sun' }).click();
    await dialog.getByLabel('from').fill('21:30');
    await dialog.getByText('Until the next day.').waitFor();
    await dialog.getByRole('button', { name: 'Other hours' }).click();
    await dialog.getByRole('button', { name: 'Remove these hours' }).last().click();
    assert.equal(await dialog.getByLabel('By the clock of').inputValue(), 'Europe/Berlin');
    await dialog.getByText(/It is \d\d:\d\d there now/).waitFor();
    assert.deepEqual(await obstacles(page), []);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Armed Mon–Fri 21:30–06:00.').waitFor();
    const [deed = ''] = relay.deeds;
    assert.match(deed, new RegExp(`^PUT /api/v1/devices/${KITCHEN}/camera/schedule `));
    assert.deepEqual(JSON.parse(deed.split(' ').slice(2).join(' ')), {
      zone: 'Europe/Berlin',
      weekly: [{ days: [1, 2, 3, 4, 5], from: '21:30', to: '06:00' }],
      isOn: true,
    });
    await page.close();
  });
});

test('an owner says how long films are kept, and sees how much room they take', async () => {
  films.push(...fakeFilms(2));
  const { page } = await open('#/captures');
  await page.getByRole('button', { name: 'How long films are kept' }).click();
  await page.getByText('Films take 7.4 GB of 20 GB.').waitFor();
  await page.getByLabel('Keep each film').selectOption('90 days');
  await page.getByLabel('All films together').selectOption('as much as there is');
  assert.deepEqual(await obstacles(page), []);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('That is how films are kept from now on.').waitFor();
  assert.deepEqual(relay.deeds, ['PUT /api/v1/captures/retention {"days":90,"bytes":null}']);
  await page.close();
});
