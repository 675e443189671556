import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { PerchPlayer } from '@perch/player';
import { freePort, type Launched, launch } from '@perch/testkit';
import type { Page } from 'playwright-core';
import { startBrowser, type TestBrowser } from './support/browser.ts';

// Perch as a person starts it: the built program, a real ffmpeg, a real Chromium.

const perch = path.join(import.meta.dirname, '../../packages/cli/bin/perch.js');

interface Ready {
  readonly relay: string;
  readonly agent: string;
  readonly signIn: string;
}

interface Up extends AsyncDisposable {
  readonly launched: Launched;
  readonly ready: Ready;
}

async function startUp(data: string, args: readonly string[]): Promise<Up> {
  const launched = await launch({
    command: [process.execPath, perch, 'up', '--json', '--data', data, ...args],
    readyWhen: /"event":"ready".*\n/,
  });
  const line = launched
    .output()
    .split('\n')
    .find((text) => text.includes('"event":"ready"'));
  const ready = JSON.parse(line ?? '') as Ready;
  return { launched, ready, [Symbol.asyncDispose]: () => launched.close() };
}

/** All processes below one, as Linux tells. */
function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // it ended while we looked
    }
  }
  const below = (of: number): number[] =>
    [...parents].filter(([, parent]) => parent === of).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // gone
  }
};

/** What the player of the page says, once it has shown so many frames. */
async function playing(page: Page, frames: number) {
  await page.waitForFunction(
    (wanted) => (document.querySelector<PerchPlayer>('perch-player')?.stats?.framesShown ?? 0) >= wanted,
    frames,
    { timeout: 60_000 },
  );
  return page.evaluate(() => {
    const player = document.querySelector<PerchPlayer>('perch-player');
    if (!player?.stats) throw new Error('no player that plays');
    return { state: player.state, stats: player.stats };
  });
}

let directory: string;
let browser: TestBrowser;

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'perch-up-'));
  browser = await startBrowser();
});

after(async () => {
  await browser?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const free = ['--listen', '127.0.0.1:0', '--agent_listen', '127.0.0.1:0'];

test('perch up shows its demo to whoever opens the link, once', async () => {
  const data = path.join(directory, 'data');
  const relayPort = await freePort();
  const listen = ['--listen', `127.0.0.1:${relayPort}`, '--agent_listen', '127.0.0.1:0'];
  {
    await using up = await startUp(data, listen);
    const below = descendants(up.launched.process.pid ?? 0);
    assert.ok(below.length >= 1, 'ffmpeg runs below it');
    assert.match(up.ready.signIn, new RegExp(`^http://localhost:${relayPort}/#[\\w-]{20,}$`));

    // The link opens the app; its secret leaves the address.
    const { page, problems } = await browser.newPage();
    await page.goto(up.ready.signIn);
    await page.waitForSelector('.tile perch-player');
    assert.equal(new URL(page.url()).hash, '');
    await playing(page, 10);

    // The tile leads to the stream: it moves, and after a tap it sounds.
    await page.click('.tile');
    await page.waitForSelector('.watch perch-player');
    const first = await playing(page, 20);
    assert.equal(first.stats.videoCodec, 'h264');
    const later = await playing(page, first.stats.framesShown + 30);
    assert.equal(later.state.kind, 'live');
    await page.click('perch-player');
    await page.waitForFunction(
      () => (document.querySelector<PerchPlayer>('perch-player')?.stats?.soundLevel ?? 0) > 0.001,
      undefined,
      { timeout: 60_000 },
    );
    assert.deepEqual(problems, []);
    await page.close();

    // Somebody else with the same link gets words, not pictures.
    {
      await using stranger = await startBrowser();
      const { page: other } = await stranger.newPage();
      await other.goto(up.ready.signIn);
      await other.getByText('This link does not work any more').waitFor();
      await other.goto(up.ready.relay.replace('127.0.0.1', 'localhost'));
      await other.getByText('This Perch is private').waitFor();
    }

    await up.launched.close('SIGINT');
    assert.equal(await up.launched.exited, 0);
    assert.deepEqual(below.filter(isAlive), [], 'nothing is left behind');
  }

  // Started again on the same port: this browser is still signed in.
  await using again = await startUp(data, listen);
  const { page } = await browser.newPage();
  await page.goto(again.ready.relay.replace('127.0.0.1', 'localhost'));
  await playing(page, 10);
  await page.close();
  await again.launched.close('SIGTERM');
  assert.equal(await again.launched.exited, 0);
});

test('a port in use is named, with the flag to choose another', async () => {
  await using up = await startUp(path.join(directory, 'first'), [...free, '--no-demo']);
  const port = new URL(up.ready.relay).port;
  const agentPort = new URL(up.ready.agent).port;
  const data = path.join(directory, 'second');
  const taken = await launch({
    command: [process.execPath, perch, 'up', '--data', data, '--listen', `127.0.0.1:${port}`, '--no-demo'],
  });
  assert.equal(await taken.exited, 1);
  assert.match(taken.output(), new RegExp(`${port}.*in use.*--listen`));
  const takenToo = await launch({
    command: [
      ...[process.execPath, perch, 'up', '--data', data, '--listen', '127.0.0.1:0'],
      ...['--agent_listen', `127.0.0.1:${agentPort}`, '--no-demo'],
    ] as [string, ...string[]],
  });
  assert.equal(await takenToo.exited, 1);
  assert.match(takenToo.output(), new RegExp(`${agentPort}.*in use.*--agent_listen`));
});

test('in public it speaks HTTPS with a certificate of its own, and the agent trusts that', async () => {
  const data = path.join(directory, 'public');
  const args = ['up', '--public', 'localhost', '--data', data, ...free] as const;
  await using up = await launch({
    command: [process.execPath, perch, ...args],
    readyWhen: /destination reached.*Ctrl-C|Ctrl-C.*destination reached/s,
  });
  const link = /https:\/\/localhost:\d+\/#[\w-]{20,}/.exec(up.output())?.[0];
  assert.ok(link, up.output());
  assert.match(up.output(), /[▄▀█]{10}/, 'a picture for a phone');
  const ca = readFileSync(path.join(data, 'relay-ca.pem'));
  const [response] = (await once(get(new URL('/', link), { ca }), 'response')) as [IncomingMessage];
  response.resume();
  assert.equal(response.statusCode, 200);
  const { fingerprint256 } = new X509Certificate(ca);
  assert.ok(up.output().includes(fingerprint256), 'what to compare with on /trust');
  await up.close('SIGINT');
  assert.equal(await up.exited, 0);
});

test('without ffmpeg the rest runs, and says how to get it', async () => {
  await using up = await launch({
    command: [process.execPath, perch, 'up', '--json', '--data', path.join(directory, 'none'), ...free],
    env: { ...process.env, PATH: '/nowhere' },
    // Two outputs, of which either may be heard first.
    readyWhen: /^(?=.*"event":"ready".*\n)(?=.*ffmpeg is not installed)/s,
  });
  await up.close('SIGTERM');
  assert.equal(await up.exited, 0);
});

test('what is posted to the agent of perch up is a stream of its relay, under its own name', async () => {
  await using up = await startUp(path.join(directory, 'posted'), [...free, '--no-demo']);
  const { page } = await browser.newPage();
  await page.goto(up.ready.signIn);
  await page.getByText('Nothing is live').waitFor();
  await using _encoder = await launch({
    command: [
      ...([
        'ffmpeg',
        '-nostdin',
        '-loglevel',
        'error',
        '-re',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=320x240',
      ] as const),
      ...['-c:v', 'libx264', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25'],
      ...['-f', 'mpegts', `${up.ready.agent}/ts/garden/cam`],
    ],
  });
  await page.getByText('garden/cam').waitFor();
  await playing(page, 10);
  await page.close();
});
