import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect as tlsConnect, createServer as tlsServer } from 'node:tls';
import { silentLogger } from '@perch/runtime';
import { FakeClock, startPostgres, type TestPostgres } from '@perch/testkit';
import { parseDatabaseAddress } from '../storage/address.ts';
import type { Database } from '../storage/database.ts';
import { openDatabase } from '../storage/open.ts';
import { Ca, type CaOptions, newKeyPair } from './ca.ts';
import { permits } from './name-constraints.ts';
import { readSigningRequest } from './signing-request.ts';
import { loadX509, P256 } from './x509.ts';

const DAY = 86_400_000;
const directory = mkdtempSync(join(tmpdir(), 'perch-ca-'));
after(() => rmSync(directory, { recursive: true, force: true }));
let count = 0;
const open = (url?: string): Promise<Database> =>
  openDatabase({
    address: parseDatabaseAddress(url ?? `sqlite:${directory}/${++count}.db`, directory),
    logger: silentLogger,
  });
const devices = (database: Database, clock = new FakeClock()): CaOptions => ({
  database,
  name: 'devices',
  title: 'Perch devices',
  usage: 'client',
  clock,
});
const server = (database: Database, names: readonly string[] = [], clock = new FakeClock()): CaOptions => ({
  database,
  name: 'server',
  title: 'Perch',
  usage: 'server',
  names,
  clock,
});
/** `openssl verify`: whether a judge that is not ours takes the certificate for this purpose. */
function opensslTakes(ca: string, certificate: string, purpose: string, ...more: string[]): boolean {
  writeFileSync(join(directory, 'ca.pem'), ca);
  writeFileSync(join(directory, 'cert.pem'), certificate);
  try {
    const files = ['-CAfile', join(directory, 'ca.pem'), join(directory, 'cert.pem')];
    execFileSync('openssl', ['verify', '-x509_strict', '-purpose', purpose, ...more, ...files], {
      stdio: 'pipe',
    });
    return true;
  } catch {
    return false;
  }
}

describe('a certificate authority', () => {
  it('knows what it issued: whose, which, until when', async () => {
    await using database = await open();
    const clock = new FakeClock();
    const ca = await Ca.open(devices(database, clock));
    const { publicKey } = newKeyPair();
    const subject = { commonName: 'kitchen-x7k2', organization: 'Zuhause, O=x' };
    const issued = await ca.issue({ subject, names: ['perch:device/kitchen-x7k2'], publicKey, days: 90 });
    const verdict = ca.judge(new X509Certificate(issued.pem));
    assert.ok(verdict.kind === 'valid');
    assert.deepEqual(verdict.subject, subject);
    assert.equal(verdict.serial, issued.serial);
    assert.match(issued.serial, /^[4-7][0-9A-F]{31}$/);
    assert.equal(verdict.until, issued.until);
    assert.ok(issued.until <= clock.wall() + 90 * DAY && issued.until > clock.wall() + 90 * DAY - 1_000);
    assert.ok(verdict.from <= clock.wall() - DAY + 1_000, 'a clock that is a day behind takes it');
  });

  it('is the same when it is opened again, and for another relay on the same database', async () => {
    await using database = await open();
    const one = await Ca.open(devices(database));
    const two = await Ca.open(devices(database));
    assert.equal(one.certificate, two.certificate);
    assert.notEqual((await Ca.open(server(database))).certificate, one.certificate);
  });

  it('calls certificates of others foreign, also those that use its name', async () => {
    await using database = await open();
    await using elsewhere = await open();
    const ca = await Ca.open(devices(database));
    const other = await Ca.open(devices(elsewhere));
    const { publicKey } = newKeyPair();
    const { pem } = await other.issue({ subject: { commonName: 'a' }, names: [], publicKey, days: 1 });
    assert.deepEqual(ca.judge(new X509Certificate(pem)), { kind: 'foreign' });
    assert.deepEqual(ca.judge(new X509Certificate(ca.certificate)), { kind: 'foreign' });

    const x509 = await loadX509();
    const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
    const forged = await x509.X509CertificateGenerator.create({
      subject: 'CN=a',
      issuer: new x509.X509Certificate(ca.certificate).subjectName,
      publicKey: keys.publicKey as never,
      signingKey: keys.privateKey as never,
      signingAlgorithm: P256,
      extensions: [new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.2'])],
    });
    assert.deepEqual(ca.judge(new X509Certificate(forged.toString('pem'))), { kind: 'foreign' });
  });

  it('says that a certificate has expired, or is not good yet, and when', async () => {
    await using database = await open();
    const clock = new FakeClock();
    const ca = await Ca.open(devices(database, clock));
    const { publicKey } = newKeyPair();
    const issued = await ca.issue({ subject: { commonName: 'a' }, names: [], publicKey, days: 90 });
    const certificate = new X509Certificate(issued.pem);
    const behind = new FakeClock({ wallMs: clock.wall() - 3 * DAY });
    const early = (await Ca.open(devices(database, behind))).judge(certificate);
    assert.equal(early.kind, 'not-yet');
    const ahead = new FakeClock({ wallMs: clock.wall() + 91 * DAY });
    const late = (await Ca.open(devices(database, ahead))).judge(certificate);
    assert.deepEqual(late, { kind: 'expired', until: issued.until });
  });

  it('signs for its one usage only, whatever is signed with its key: OpenSSL and we refuse the other', async () => {
    await using database = await open();
    // OpenSSL looks at the machine's clock.
    const clock = new FakeClock({ wallMs: Date.now() });
    const forClients = await Ca.open(devices(database, clock));
    const forServers = await Ca.open(server(database, [], clock));
    const { publicKey } = newKeyPair();
    const wanted = { subject: { commonName: 'kitchen' }, names: ['kitchen.local'], publicKey, days: 1 };
    const client = (await forClients.issue(wanted)).pem;
    const host = (await forServers.issue(wanted)).pem;
    assert.ok(opensslTakes(forClients.certificate, client, 'sslclient'));
    assert.ok(!opensslTakes(forClients.certificate, client, 'sslserver'));
    assert.ok(opensslTakes(forServers.certificate, host, 'sslserver'));
    assert.ok(!opensslTakes(forServers.certificate, host, 'sslclient'));
    assert.deepEqual(forClients.judge(new X509Certificate(host)), { kind: 'foreign' });

    // A thief of the devices' key makes a certificate for servers: the authority's own certificate forbids it.
    const [key = ''] = await database.query(
      'SELECT private_key FROM certificate_authorities WHERE name = ?',
      ['devices'],
      (row) => row.text('private_key'),
    );
    const x509 = await loadX509();
    const stolen = await x509.X509CertificateGenerator.create({
      subject: 'CN=kitchen.local',
      issuer: new x509.X509Certificate(forClients.certificate).subjectName,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 60_000),
      publicKey: publicKey.toCryptoKey(P256, true, ['verify']) as never,
      signingKey: createPrivateKey(key).toCryptoKey(P256, false, ['sign']) as never,
      signingAlgorithm: P256,
      extensions: [
        new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
        await x509.AuthorityKeyIdentifierExtension.create(
          new x509.X509Certificate(forClients.certificate).publicKey,
        ),
        new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'kitchen.local' }]),
      ],
    });
    assert.ok(!opensslTakes(forClients.certificate, stolen.toString('pem'), 'sslserver'));
  });

  it('for servers is good for a house and the names it was made for, as OpenSSL reads it', async () => {
    await using database = await open();
    const clock = new FakeClock({ wallMs: Date.now() });
    const ca = await Ca.open(server(database, ['Camera.example', '203.0.113.7', '2001:db8::7'], clock));
    const { publicKey } = newKeyPair();
    const takes = async (name: string) => {
      const wanted = { subject: { commonName: 'Perch' }, names: [name], publicKey, days: 1 };
      return opensslTakes(ca.certificate, (await ca.issue(wanted)).pem, 'sslserver');
    };
    const good = ['camera.example', 'a.camera.example', 'localhost', 'pi.local', '192.168.1.20', '10.9.8.7'];
    for (const name of [...good, '203.0.113.7', '::1', 'fd00::5', '2001:db8::7']) {
      assert.ok(await takes(name), name);
      assert.ok(permits(['camera.example', '203.0.113.7', '2001:db8::7'], name), name);
    }
    for (const name of ['bank.example', 'mycamera.example', '203.0.113.8', '8.8.8.8', '2001:db8::8']) {
      assert.ok(!(await takes(name)), name);
      assert.ok(!permits(['camera.example', '203.0.113.7', '2001:db8::7'], name), name);
    }
  });

  it('gives way to a new one where it lacks a name, which has the old names too', async () => {
    await using database = await open();
    const first = await Ca.open(server(database, ['one.example']));
    assert.equal((await Ca.open(server(database, ['192.168.1.5']))).certificate, first.certificate);
    const second = await Ca.open(server(database, ['two.example']));
    assert.notEqual(second.certificate, first.certificate);
    assert.equal((await Ca.open(server(database, ['one.example']))).certificate, second.certificate);
  });

  it('makes certificates that whoever trusts it connects to', async () => {
    await using database = await open();
    const clock = new FakeClock({ wallMs: Date.now() });
    const ca = await Ca.open(server(database, [], clock));
    const { publicKey, privateKey } = newKeyPair();
    const { pem } = await ca.issue({
      subject: { commonName: 'localhost' },
      names: ['localhost'],
      publicKey,
      days: 1,
    });
    const listening = tlsServer({ cert: pem, key: privateKey }, (socket) => socket.end()).listen(
      0,
      '127.0.0.1',
    );
    await new Promise((resolve) => listening.once('listening', resolve));
    const { port } = listening.address() as { port: number };
    const socket = tlsConnect({ port, host: '127.0.0.1', servername: 'localhost', ca: ca.certificate });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    assert.ok(socket.authorized);
    socket.destroy();
    await new Promise((resolve) => listening.close(resolve));
  });

  it('that is damaged is named; it is not replaced', async () => {
    await using database = await open();
    await Ca.open(devices(database));
    await database.execute("UPDATE certificate_authorities SET private_key = 'x'");
    await assert.rejects(Ca.open(devices(database)), { code: 'data-damaged', message: /"devices"/ });
  });
});

describe('a certificate authority on PostgreSQL', () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.close());

  it('is made once, also when several relays start at the same moment', async () => {
    const url = postgres.createDatabase();
    await (await open(url)).close();
    const opened = await Promise.all(Array.from({ length: 4 }, () => open(url)));
    const made = await Promise.all(opened.map((database) => Ca.open(devices(database))));
    assert.equal(new Set(made.map((ca) => ca.certificate)).size, 1);
    const further = await Promise.all(opened.map((database) => Ca.open(server(database, ['a.example']))));
    assert.equal(new Set(further.map((ca) => ca.certificate)).size, 1);
    await Promise.all(opened.map((database) => database.close()));
  });
});

describe("a device's request for a certificate", () => {
  const request = async (algorithm: object) => {
    const x509 = await loadX509();
    const keys = await webcrypto.subtle.generateKey(algorithm as never, true, ['sign', 'verify']);
    return x509.Pkcs10CertificateRequestGenerator.create({
      name: 'CN=whoever',
      keys: keys as never,
      signingAlgorithm: algorithm as never,
    });
  };

  it('brings a P-256 key and proves that it has it', async () => {
    const made = await request(P256);
    const read = await readSigningRequest(made.toString('pem'));
    assert.ok(read.kind === 'good');
    assert.equal(read.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  });

  it('with another key, a wrong signature or no sense is refused in words', async () => {
    const words = async (pem: string) => {
      const read = await readSigningRequest(pem);
      return read.kind === 'bad' ? read.why : read.kind;
    };
    const other = await request({ ...P256, namedCurve: 'P-384' });
    assert.match(await words(other.toString('pem')), /P-256/);
    const good = Buffer.from((await request(P256)).rawData);
    const flipped = Buffer.from(good);
    flipped[flipped.indexOf('whoever')] = 0x57;
    const pem = (der: Buffer) =>
      `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
    assert.equal(await words(pem(good)), 'good');
    assert.match(await words(pem(flipped)), /not signed by its own key/);
    assert.match(await words(pem(good.subarray(0, 80))), /no request/);
    for (const text of ['', 'x', '\0', '-----BEGIN CERTIFICATE REQUEST-----']) {
      assert.match(await words(text), /no request/);
    }
    assert.match(await words('x'.repeat(100_000)), /more than 8192/);
  });
});
