// The agent's own page in a real browser: what vw's configurator did, on a phone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { Encoder } from '../../packages/agent/src/streams/testing/encoder.ts';
import { openPublisher, packet, startTestAgent } from './vw-harness.ts';

const FLAGS = ['no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking'];

test('rules are made, muted and deleted on the page, with figures beside them and nothing against its policy', async (t) => {
  const agent = await startTestAgent(t);
  openPublisher(t, `${agent.url}/ts/video0`).write(packet(1));
  const encoder = new Encoder('audio');
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [...FLAGS, 'disable-component-update', 'disable-sync'].map((flag) => `--${flag}`),
  });
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 360, height: 780 } });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`http://localhost:${agent.port}/`);

  await page.locator('#feeds .name', { hasText: 'video0' }).waitFor();
  await page.getByRole('textbox', { name: 'Stream', exact: true }).fill('stream/front');
  await page.getByRole('combobox', { name: 'Feeds' }).fill('video0, audio0');
  await page.getByRole('button', { name: 'Save stream' }).click();
  const audio = page.locator('#streams').getByRole('button', { name: 'audio0' });
  await audio.click();
  await page.locator('#streams [aria-pressed="false"]', { hasText: 'audio0' }).waitFor();
  const streams = () => fetch(`${agent.url}/api/streams/all`).then((response) => response.text());
  assert.equal(await streams(), '{"stream/front":["video0"]}');
  await audio.click();
  await page.locator('#streams [aria-pressed="true"]', { hasText: 'audio0' }).waitFor();
  assert.equal(await streams(), '{"stream/front":["video0","audio0"]}');

  const microphone = openPublisher(t, `${agent.url}/ts/audio0`);
  for (let i = 0; i < 3; i++) microphone.write(encoder.unit());
  const feeds = page.locator('#feeds');
  await feeds.locator('.facts', { hasText: 'mp2' }).waitFor();
  await feeds.getByRole('button', { name: 'Show 10 ms earlier' }).click();
  await feeds.locator('.facts', { hasText: 'shown 10 ms earlier' }).waitFor();
  assert.equal(
    await (await fetch(`${agent.url}/api/feeds/all`)).text(),
    '{"audio0":{"feed":"audio0","delayMs":10}}',
  );
  await feeds.getByRole('button', { name: 'Show 10 ms later' }).click();
  await feeds.getByRole('button', { name: 'Show 10 ms later' }).waitFor({ state: 'detached' });

  const choice = {
    stream: 'stream/choice',
    alternatives: [
      ['large', 'audio0'],
      ['small', 'audio0'],
    ],
  };
  await fetch(`${agent.url}/api/streams`, { method: 'POST', body: JSON.stringify(choice) });
  const chosen = page.locator('#streams li', { hasText: 'stream/choice' });
  await chosen.locator('.facts', { hasText: 'alternative 1 of 2: large + audio0' }).waitFor();
  await chosen.locator('.error', { hasText: 'large: nobody publishes on it' }).waitFor();
  await chosen.getByRole('button', { name: 'Delete' }).click();
  await chosen.waitFor({ state: 'detached' });

  await page.getByRole('textbox', { name: 'Id' }).fill('0');
  await page.getByRole('combobox', { name: 'Feed or stream' }).fill('stream/front');
  await page.getByRole('textbox', { name: 'Address' }).fill('ws://127.0.0.1:1/in/front');
  await page.getByRole('button', { name: 'Save destination' }).click();
  await page.locator('#destinations .error', { hasText: 'ECONNREFUSED' }).waitFor();
  await page.locator('#destinations').getByRole('button', { name: 'Delete' }).click();
  await page.locator('#destinations li').waitFor({ state: 'detached' });
  assert.equal(await (await fetch(`${agent.url}/api/destinations/all`)).text(), '{}');

  const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  assert.equal(overflow, 0, 'nothing is wider than the phone');
  assert.deepEqual(complaints, []);
});
