import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from 'node:tls';
import { freePort, launch, startPebble } from '@perch/testkit';
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

test('perch relay --acme gets its certificate, answers in plain HTTP only for that, and keeps it', async () => {
  const httpPort = await freePort();
  await using acme = await startPebble({ httpPort });
  const ca = join(home, 'pebble.pem');
  writeFileSync(ca, acme.ca);
  const start = () =>
    launch({
      command: [
        ...[
          process.execPath,
          join(import.meta.dirname, '../../packages/cli/bin/perch.js'),
          'relay',
          '--json',
        ],
        ...['--data', join(home, 'data'), '--listen', '127.0.0.1:0'],
        ...['--acme', 'relay.example', '--acme_email', 'owner@relay.example'],
        ...['--acme_directory', acme.directory, '--acme_ca', ca, '--acme_listen', `127.0.0.1:${httpPort}`],
      ] as [string, ...string[]],
      readyWhen: /"event":"ready".*\n/,
    });
  const root = await acme.root();
  const serial = async (output: string) => {
    const port = Number(/"relay":"https:\/\/127\.0\.0\.1:(\d+)"/.exec(output)?.[1]);
    for (;;) {
      const socket = connect({ port, servername: 'relay.example', ca: root, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { authorized } = socket;
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      if (authorized) return serialNumber;
    }
  };
  let first: string;
  {
    await using relay = await start();
    assert.match(relay.output(), /"signIn":"https:\/\/relay\.example:\d+\/#/);
    assert.doesNotMatch(relay.output(), /fingerprint/, 'nobody has to trust anything');
    first = await serial(relay.output());
    const plain = await fetch(`http://127.0.0.1:${httpPort}/healthz`, { redirect: 'manual' });
    assert.equal(plain.status, 308);
  }
  await using again = await start();
  assert.equal(await serial(again.output()), first, 'it was kept');
});
