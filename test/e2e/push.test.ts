import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Worker } from 'playwright-core';
import { startBrowser } from './support/browser.ts';
import { GooglePush } from './support/google-push/google-push.ts';
import { startPerch } from './support/perch.ts';

// The whole way of a push: a camera program names a film, the agent brings it home, the relay encrypts and sends, a
// double of Google's push service brings it to a real Chromium, which decrypts it and shows a notification.

interface Ready {
  readonly captures: string;
  readonly signIn: string;
}
interface Shown {
  readonly title: string;
  readonly body: string;
  readonly image: string;
  readonly place: string;
}

/** Of the service worker's world, what is used here. */
interface World {
  readonly registration: ServiceWorkerRegistration;
  /** What was shown, and who waits for more. */
  notifications: { readonly title: string; readonly hasPicture: boolean }[];
  wake: () => void;
}

/**
 * Has the worker keep what it has shown. Asking the browser again and again does not do: it forgets a
 * notification that it is about to show when it is asked for all of them in that moment.
 */
const keepNotifications = (worker: Worker): Promise<void> =>
  worker.evaluate(() => {
    const world = globalThis as unknown as World;
    const { registration } = world;
    const show = registration.showNotification.bind(registration);
    world.notifications = [];
    world.wake = () => undefined;
    registration.showNotification = async (title, options) => {
      await show(title, options);
      world.notifications.push({ title, hasPicture: options !== undefined && 'image' in options });
      world.wake();
    };
  });

/** Resolves with the notification that begins so, when it is shown; with its picture, which may come later. */
const shown = (worker: Worker, beginning: string, { picture = false } = {}): Promise<Shown> =>
  worker.evaluate(
    async ([text, isPictured]) => {
      const world = globalThis as unknown as World;
      const isIt = (one: World['notifications'][number]) =>
        one.title.startsWith(text) && (one.hasPicture || !isPictured);
      while (!world.notifications.some(isIt)) {
        await new Promise<void>((resolve) => {
          world.wake = resolve;
        });
      }
      const all = await world.registration.getNotifications();
      const found = all.find(({ title }) => title.startsWith(text)) as Notification & { image?: string };
      const { title, body, image = '', data } = found;
      return { title, body, image, place: data.place };
    },
    [beginning, picture] as const,
  );

/** Says something to the agent as a camera program does: one connection, one film. */
async function say(captures: string, ...objects: object[]): Promise<void> {
  const [host, port] = captures.split(':');
  const socket = createConnection({ host: host as string, port: Number(port) });
  await once(socket, 'connect');
  socket.end(objects.map((each) => JSON.stringify(each)).join(''));
}

test('a real Chromium is told of a film, with its picture, and of an alarm', {
  timeout: 120_000,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'perch-push-e2e-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  await using google = await GooglePush.open(directory);
  const listening = ['--listen', '127.0.0.1:0', '--agent_listen', '127.0.0.1:0', '--input_port', '0'];
  const env = { ...process.env, HTTPS_PROXY: google.proxy, PERCH_EXTRA_CA: google.caFile };
  await using perch = await startPerch<Ready>(
    ['up', '--no-demo', ...listening, '--data', join(directory, 'data')],
    env,
  );
  const { signIn, captures } = perch.ready;
  await using browser = await startBrowser(google.flags);
  const { origin } = new URL(signIn);
  await browser.context.grantPermissions(['notifications'], { origin });
  const { page, problems } = await browser.newPage({ width: 390, height: 844 });
  await page.goto(signIn);
  await page.waitForSelector('h1');
  await page.goto(`${origin}/#/account`);

  await page.getByRole('switch', { name: 'Tell me in this browser' }).click();
  const toTest = page.getByRole('button', { name: 'Send me a test' });
  await toTest.waitFor();
  const [worker] = browser.context.serviceWorkers();
  assert.ok(worker);
  await keepNotifications(worker);
  await toTest.click();
  assert.equal((await shown(worker, 'This is a test')).place, '#/account');

  const film = join(directory, `pir.${Math.floor(Date.now() / 1_000)}.0.mp4`);
  const picture = ['-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=10:duration=1', '-pix_fmt', 'yuv420p'];
  await promisify(execFile)('ffmpeg', ['-loglevel', 'error', ...picture, film]);
  await say(captures, { segment: film });
  const told = await shown(worker, 'Motion: ', { picture: true });
  assert.match(told.image, /^data:image\/jpeg;base64,\/9j\//, 'with its picture');
  assert.match(told.place, /^#\/captures\/[\w-]+$/);
  assert.match(told.body, /Tap to see the film/);

  await say(captures, { event: 'alarm' });
  assert.match((await shown(worker, 'Alarm: ')).place, /^#\/devices\//);

  const [, motion, alarm] = google.sent;
  assert.deepEqual([motion?.urgency, alarm?.urgency], ['normal', 'high']);
  for (const { encoding, body } of google.sent) {
    assert.equal(encoding, 'aes128gcm');
    assert.ok(!body.includes('Motion') && !body.includes('motion'), 'the push service reads nothing');
  }

  // Nobody can tap on a notification of a browser without a screen; its service worker can be told that somebody did.
  await worker.evaluate(async () => {
    const world = globalThis as unknown as World & {
      NotificationEvent: new (type: string, of: { notification: Notification }) => Event;
      dispatchEvent(event: Event): void;
    };
    const all = await world.registration.getNotifications();
    const notification = all.find(({ title }) => title.startsWith('Motion'));
    if (notification) world.dispatchEvent(new world.NotificationEvent('notificationclick', { notification }));
  });
  await page.waitForURL(`${origin}/${told.place}`);

  assert.deepEqual(problems, []);

  // Signed out, nothing is told; signed in again, it goes on by itself.
  const { id } = await (await page.request.get(`${origin}/api/v1/me`)).json();
  const headers = { Origin: origin };
  const again = await page.request.post(`${origin}/api/v1/users/${id}/link`, { headers, data: {} });
  await page.goto(`${origin}/#/account`);
  await page.getByRole('button', { name: 'Sign out here' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  const isTold = page.waitForResponse(`${origin}/api/v1/push/subscription`);
  const { link } = await again.json();
  await page.goto(link);
  assert.equal((await isTold).status(), 204);

  await page.goto(`${origin}/#/account`);
  await page.getByRole('switch', { name: 'Tell me in this browser' }).click();
  await page.getByRole('button', { name: 'Send me a test' }).waitFor({ state: 'detached' });
  const { subscription } = await (await page.request.get(`${origin}/api/v1/push`)).json();
  assert.equal(subscription, null);
});
