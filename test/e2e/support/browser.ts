import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

/** A real Chromium with a profile of its own. */
export interface TestBrowser extends AsyncDisposable {
  readonly context: BrowserContext;
  /** A page whose errors (console and uncaught) are collected in `problems`. */
  newPage(options?: { width?: number; height?: number }): Promise<TestPage>;
}

export interface TestPage {
  readonly page: Page;
  readonly problems: string[];
}

/** What is waited for in a page comes within so long, also on a machine that is busy with other things. */
const PATIENCE_MS = 60_000;

/** What the system's Chromium needs to run as root in a container, without touching the network by itself. */
export const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Starts Chromium; `args` are added to the flags. Never downloads a browser.
 *
 * @param options.home of its user, with the certificates that she trusts. Default: ours.
 */
export async function startBrowser(
  args: readonly string[] = [],
  options: { home?: string } = {},
): Promise<TestBrowser> {
  const profile = await mkdtemp(path.join(tmpdir(), 'perch-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.PERCH_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: [...chromiumFlags, ...args],
    ...(options.home !== undefined && { env: { ...process.env, HOME: options.home } }),
    viewport: { width: 960, height: 640 },
    timeout: PATIENCE_MS,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  return {
    context,
    async newPage({ width = 960, height = 640 } = {}) {
      const page = await context.newPage();
      await page.setViewportSize({ width, height });
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(`console: ${message.text()}`);
      });
      return { page, problems };
    },
    async [Symbol.asyncDispose]() {
      await context.close();
      // Its helpers write into it for a moment after it has gone.
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}
