import assert from 'node:assert/strict';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startBrowser, type TestBrowser } from './support/browser.ts';
import { type FakeRelay, startFakeRelay } from './support/fake-relay.ts';
import { household } from './support/household.ts';
import { obstacles } from './support/reading.ts';

// What a person says of notifications, on the account page in Chromium; the relay answers what a test wants.

const webRoot = path.join(import.meta.dirname, '../../dist/web');
const endpoint = 'https://push.example/1';

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

/** The account page, in a browser that is told where `problem` is given. */
async function open({ isOn = false, problem = null as string | null } = {}) {
  const usual = home.routes['GET /api/v1/push'];
  if (isOn) {
    await browser.context.grantPermissions(['notifications'], { origin: relay.url });
    home.routes['GET /api/v1/push'] = (asked) => {
      const answer = usual?.(asked) as { body: object };
      const subscription = { endpoint, until: '2026-12-20T12:00:00Z', problem };
      return { body: { ...answer.body, subscription } };
    };
  }
  const { page, problems } = await browser.newPage({ width: 390, height: 844 });
  await page.addInitScript((address) => {
    PushManager.prototype.getSubscription = async () => ({ endpoint: address }) as PushSubscription;
  }, endpoint);
  await page.goto(`${relay.url}/#/account`);
  await page.getByRole('heading', { name: 'Notifications' }).waitFor();
  return { page, problems };
}

describe('notifications on the account page', () => {
  test('are off until a tap, and say what they are', async () => {
    const { page } = await open();
    const on = page.getByRole('switch', { name: 'Tell me in this browser' });
    assert.equal(await on.isChecked(), false);
    assert.equal(await page.getByRole('button', { name: 'Send me a test' }).count(), 0);
    assert.deepEqual(await obstacles(page), []);
    await page.close();
  });

  test('can be turned on also on a first visit, however late the app is set up in the browser', async () => {
    const { page } = await browser.newPage({ width: 390, height: 844 });
    await page.addInitScript(() => {
      const register = navigator.serviceWorker.register.bind(navigator.serviceWorker);
      const held = Promise.withResolvers<void>();
      navigator.serviceWorker.register = async (...worker) => {
        await held.promise;
        return await register(...worker);
      };
      Object.assign(globalThis, { goOn: held.resolve });
    });
    await page.goto(`${relay.url}/#/account`);
    await page.getByRole('heading', { name: 'You', level: 1 }).waitFor();
    await page.evaluate('goOn()');
    await page.getByRole('switch', { name: 'Tell me in this browser' }).waitFor();
    await page.close();
  });

  test('say until when they are on, and why the last one did not arrive', async () => {
    const { page } = await open({ isOn: true, problem: 'push.example answered 503' });
    assert.equal(await page.getByRole('switch', { name: 'Tell me in this browser' }).isChecked(), true);
    await page.getByText('Until 20 December 2026').waitFor();
    await page.getByText('The last one did not arrive: push.example answered 503.').waitFor();
    home.routes['POST /api/v1/push/test'] = () => ({
      status: 502,
      body: { code: 502, message: 'it could not be sent: push.example answered 503' },
    });
    await page.getByRole('button', { name: 'Send me a test' }).click();
    await page.getByText('It could not be sent: push.example answered 503.').waitFor();
    assert.deepEqual(await obstacles(page), []);
    await page.close();
  });

  test('are chosen device by device', async () => {
    const { page } = await open();
    home.routes['PUT /api/v1/push/settings'] = () => ({ body: {} });
    const porch = page.getByRole('group', { name: 'Porch' });
    assert.ok(await porch.getByRole('radio', { name: 'Alarms' }).isChecked());
    const saved = page.waitForResponse(/push\/settings/);
    await porch.getByText('Nothing').click();
    await saved;
    const [deed = ''] = relay.deeds.filter((text) => text.includes('push/settings'));
    const { devices, quiet } = JSON.parse(deed.slice(deed.indexOf('{')));
    assert.deepEqual(devices, { 'kitchen-x7k2': 'all', 'porch-m4qd': 'nothing' });
    assert.equal(quiet.from, '22:00', 'the quiet hours stay as they are');
    await page.close();
  });

  test('keep quiet at hours of some days, by the clock of a place', async () => {
    const { page } = await open();
    home.routes['PUT /api/v1/push/settings'] = () => ({ body: {} });
    await page.getByText('Quiet 22:00–07:00, every day').waitFor();
    await page.getByRole('button', { name: 'Quiet hours' }).click();
    const dialog = page.getByRole('dialog', { name: 'Quiet hours' });
    await dialog.getByText('By the clock of Europe/Zurich').waitFor();
    await dialog.getByRole('button', { name: 'Sun' }).click();
    await dialog.getByLabel('from').fill('23:30');
    await dialog.getByRole('switch', { name: 'Alarms come through' }).click();
    assert.deepEqual(await obstacles(page), []);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Quiet from 23:30 to 07:00.').waitFor();
    const [deed = ''] = relay.deeds.filter((text) => text.includes('push/settings'));
    assert.deepEqual(JSON.parse(deed.slice(deed.indexOf('{'))).quiet, {
      ...{ from: '23:30', to: '07:00', zone: 'Europe/Zurich', days: [1, 2, 3, 4, 5, 6], alarms: false },
    });
    await page.close();
  });
});
