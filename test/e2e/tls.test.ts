import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openRelay } from '../support/relay.ts';
import { startBrowser } from './support/browser.ts';

// What a real browser makes of the relay's own authority: before it is told to trust it, and after.

const home = mkdtempSync(join(tmpdir(), 'perch-tls-e2e-'));
after(() => rmSync(home, { recursive: true, force: true }));

/** What `/trust` tells people on Linux. */
function trust(certificate: string): void {
  const [store, file] = [`sql:${home}/.pki/nssdb`, join(home, 'perch-ca.crt')];
  mkdirSync(join(home, '.pki/nssdb'), { recursive: true });
  writeFileSync(file, certificate);
  execFileSync('certutil', ['-d', store, '-N', '--empty-password']);
  execFileSync('certutil', ['-d', store, '-A', '-t', 'C,,', '-n', 'Perch', '-i', file]);
}

test('a browser that was told to trust the relay opens it without a word, by name and by address', async () => {
  await using relay = await openRelay({
    listen: { host: '0.0.0.0', port: 0 },
    public: { host: 'camera.example' },
  });
  const names = ['localhost', '127.0.0.1', 'camera.example'];
  const args = ['--host-resolver-rules=MAP camera.example 127.0.0.1'];
  {
    await using stranger = await startBrowser(args, { home });
    const { page } = await stranger.newPage();
    await assert.rejects(page.goto(`https://localhost:${relay.port}/trust`), /ERR_CERT_AUTHORITY_INVALID/);
  }
  trust(relay.authority()?.certificate ?? '');
  await using browser = await startBrowser(args, { home });
  for (const name of names) {
    const { page, problems } = await browser.newPage({ width: 390, height: 844 });
    await page.goto(`https://${name}:${relay.port}/trust`);
    await page.getByText(relay.authority()?.fingerprint ?? 'none').waitFor();
    assert.equal(await page.evaluate(() => isSecureContext), true);
    // What fits this machine is open; the file can be had.
    assert.ok(await page.getByText('certutil').isVisible());
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download the certificate' }).click();
    assert.equal((await download).suggestedFilename(), 'perch-ca.crt');
    assert.deepEqual(problems, [], name);
    await page.close();
  }
});
