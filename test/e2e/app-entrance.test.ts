import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type Relay, startRelay } from '@perch/relay';
import { silentLogger } from '@perch/runtime';
import type { Page } from 'playwright-core';
import { addAuthenticator } from './support/authenticator.ts';
import { startBrowser, type TestBrowser } from './support/browser.ts';
import { obstacles } from './support/reading.ts';

// Coming in and going out, in Chromium on a real relay. Each test has a relay and a browser that are new.

const webRoot = path.join(import.meta.dirname, '../../dist/web');
const phone = { width: 390, height: 844 };

let directory: string;
before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'perch-entrance-'));
});
after(() => rm(directory, { recursive: true, force: true }));

let made = 0;
async function start(): Promise<Relay> {
  return startRelay({
    listen: { host: '127.0.0.1', port: 0 },
    data: path.join(directory, `relay-${++made}`),
    webRoot,
    logger: silentLogger,
  });
}

const appOf = (relay: Relay) => relay.url.replace('127.0.0.1', 'localhost');

/** Opens the owner's first link. */
async function enter(relay: Relay, browser: TestBrowser): Promise<{ page: Page; problems: string[] }> {
  const { page, problems } = await browser.newPage(phone);
  await addAuthenticator(page);
  await page.goto(await relay.signInLink());
  await page.getByRole('heading', { name: 'Live', exact: true }).waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the secret has left the address');
  return { page, problems };
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('link', { name: /^You/ }).click();
  await page.getByRole('button', { name: 'Sign out here' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
}

test('the first owner takes a name and a passkey, and comes back by it', async () => {
  await using relay = await start();
  await using browser = await startBrowser();
  const { page, problems } = await enter(relay, browser);
  await page.getByRole('link', { name: 'Do it now' }).click();
  await page.getByRole('heading', { name: 'Welcome to Perch' }).waitFor();
  assert.deepEqual(await obstacles(page), []);
  await page.getByLabel('Your name').fill('Anna');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('heading', { name: 'Hello, Anna' }).waitFor();
  await page.getByRole('button', { name: 'Make a passkey' }).click();
  await page.getByRole('heading', { name: 'Live', exact: true }).waitFor();
  assert.equal(await page.getByText('Do it now').count(), 0, 'nobody is reminded who has a passkey');

  assert.deepEqual(problems, []);
  await signOut(page);
  assert.deepEqual(await obstacles(page), []);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByRole('heading', { name: /Live|You/ }).waitFor();
  await page.getByRole('link', { name: /^You/ }).click();
  assert.equal(await page.getByLabel('Name').inputValue(), 'Anna');
});

test('whom an owner takes in comes by a link, then by a password; a wrong one is said in words', async () => {
  await using relay = await start();
  await using browser = await startBrowser();
  const { page } = await enter(relay, browser);
  await page.getByRole('link', { name: 'People' }).click();
  await page.getByRole('button', { name: 'Add a person' }).click();
  await page.getByLabel('Name').fill('Ben');
  await page.getByRole('button', { name: 'Make the link' }).click();
  await page.getByRole('heading', { name: 'Send this to Ben' }).waitFor();
  assert.deepEqual(await obstacles(page), []);
  const link = (await page.locator('dialog code').textContent()) ?? '';
  assert.match(link, /^http:\/\/localhost:\d+\/#[\w-]{20,}$/);

  await using elsewhere = await startBrowser();
  const { page: his } = await elsewhere.newPage(phone);
  await his.goto(link);
  await his.getByRole('link', { name: 'Do it now' }).click();
  await his.getByRole('button', { name: 'Go on' }).click();
  await his.getByRole('button', { name: 'Use a password instead' }).click();
  await his.getByLabel('New password').fill('four birds on a wire');
  await his.getByRole('button', { name: 'Set this password' }).click();
  await his.getByRole('heading', { name: 'Live', exact: true }).waitFor();

  await signOut(his);
  await his.getByLabel('Name').fill('ben');
  await his.getByLabel('Password').fill('five birds on a wire');
  await his.getByRole('button', { name: 'Sign in with a password' }).click();
  await his.getByText('Name and password do not fit together').waitFor();
  await his.getByLabel('Password').fill('four birds on a wire');
  await his.getByRole('button', { name: 'Sign in with a password' }).click();
  await his.getByRole('link', { name: /^You/ }).click();
  await his.getByText('Member of').waitFor();

  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('link', { name: /Ben/ }).click();
  await page.getByRole('button', { name: 'Remove Ben' }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByText('Ben is removed.').waitFor();
  await his.getByRole('link', { name: 'History' }).click();
  await his.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('a link that was used says so, and shows the ways that are left', async () => {
  await using relay = await start();
  await using browser = await startBrowser();
  const link = await relay.signInLink();
  const { page } = await browser.newPage(phone);
  await page.goto(link);
  await page.getByRole('heading', { name: 'Live', exact: true }).waitFor();
  await using elsewhere = await startBrowser();
  const { page: late } = await elsewhere.newPage(phone);
  await late.goto(link);
  await late.getByRole('heading', { name: 'This link does not work any more' }).waitFor();
  assert.deepEqual(await obstacles(late), []);
  await late.getByRole('button', { name: 'Sign in another way' }).click();
  await late.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
});

test('who is not signed in and opens a page gets there after signing in', async () => {
  await using relay = await start();
  await using browser = await startBrowser();
  const { page } = await enter(relay, browser);
  await page.getByRole('link', { name: /^You/ }).click();
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('The passkey signs you in from now on.').waitFor();
  await signOut(page);
  await page.goto(`${appOf(relay)}/#/history`);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByRole('heading', { name: 'History' }).waitFor();
  await page
    .getByText(/^You signed in at \d\d:\d\d/)
    .first()
    .waitFor();
});
