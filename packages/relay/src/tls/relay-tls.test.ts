import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { silentLogger, systemClock } from '@perch/runtime';
import { FakeClock, freePort, startPebble, type TestAcmeServer } from '@perch/testkit';
import { openRelay, Peer } from '../../../../test/support/relay.ts';
import { openState } from '../state.ts';
import { Ca, newKeyPair } from './ca.ts';
import { Maker } from './testing/maker.ts';

const maker = new Maker();
after(() => maker[Symbol.dispose]());

const EVERYWHERE = { host: '0.0.0.0', port: 0 };

async function shake(port: number, options: object = {}): Promise<TLSSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    rejectUnauthorized: false,
    ...options,
  });
  await once(socket, 'secureConnect');
  return socket;
}

async function certificateAt(port: number, servername = 'localhost'): Promise<PeerCertificate> {
  const socket = await shake(port, { servername });
  const certificate = socket.getPeerCertificate();
  socket.destroy();
  return certificate;
}

/** Without the certificate of who signed it any is taken. */
async function get(url: string, options: { ca?: string; agent?: string; token?: string } = {}) {
  const { ca, agent = 'test', token } = options;
  const headers = { 'user-agent': agent, ...(token && { authorization: `Bearer ${token}` }) };
  const send = url.startsWith('https') ? request : plainRequest;
  const asked = send(url, { headers, ...(ca ? { ca } : { rejectUnauthorized: false }) }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of response) text += part;
  return { status: response.statusCode, headers: response.headers, text };
}

const directoryOf = ({ directory, ca }: TestAcmeServer) => ({ directory, directoryCa: ca });

describe('a relay beyond loopback', () => {
  it('speaks TLS without being told, with a certificate that it makes itself', async () => {
    await using relay = await openRelay({
      listen: EVERYWHERE,
      public: { host: 'camera.local' },
      open: ['**'],
    });
    assert.match(relay.url, /^https:/);
    const ca = relay.authority()?.certificate ?? '';
    for (const servername of ['localhost', 'camera.local']) {
      const socket = await shake(relay.port, { servername, ca, rejectUnauthorized: true });
      assert.ok(socket.authorized);
      assert.equal(socket.getProtocol(), 'TLSv1.3');
      socket.destroy();
    }
    assert.equal((await get(`https://127.0.0.1:${relay.port}/healthz`, { ca })).status, 200);
    const here = `wss://127.0.0.1:${relay.port}`;
    using viewer = await Peer.open(`${here}/out/x`, { ca });
    using publisher = await Peer.open(`${here}/in/x`, { ca });
    publisher.send('hello');
    assert.deepEqual(await viewer.hears(1), ['hello']);
    await assert.rejects(get(`http://127.0.0.1:${relay.port}/healthz`), 'nothing is there in plain');
    assert.match(await relay.signInLink(), new RegExp(`^https://camera\\.local:${relay.port}/#`));
  });

  it('may have a name in any script', async () => {
    await using relay = await openRelay({ listen: EVERYWHERE, public: { host: 'Küche.example' } });
    const ca = relay.authority()?.certificate;
    const servername = 'xn--kche-0ra.example';
    const socket = await shake(relay.port, { servername, ca, rejectUnauthorized: true });
    assert.ok(socket.authorized);
    socket.destroy();
  });

  it('has the same authority after a restart, so that nobody has to trust it anew', async () => {
    const data = join(maker.directory, 'again');
    const authority = async () => {
      await using relay = await openRelay({ listen: EVERYWHERE, data });
      return relay.authority()?.fingerprint;
    };
    assert.equal(await authority(), await authority());
  });

  it('speaks plain HTTP only behind a proxy that it was told to trust', async () => {
    await using relay = await openRelay({ listen: EVERYWHERE, trustProxy: ['127.0.0.1'] });
    assert.match(relay.url, /^http:/);
    assert.equal(relay.authority(), undefined);
    assert.equal((await get(`http://127.0.0.1:${relay.port}/trust`)).status, 404);
  });

  it('speaks TLS 1.2 and 1.3 with forward secrecy only', async () => {
    await using relay = await openRelay({ listen: EVERYWHERE });
    const with12 = await shake(relay.port, { maxVersion: 'TLSv1.2' });
    assert.equal(with12.getProtocol(), 'TLSv1.2');
    assert.match(with12.getCipher().name, /^ECDHE-ECDSA-(AES|CHACHA)/);
    with12.destroy();
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' };
    await assert.rejects(shake(relay.port, old));
    await assert.rejects(shake(relay.port, { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }));
  });

  it("asks for a client's certificate of one authority only, and takes who has none", async () => {
    const data = join(maker.directory, 'clients');
    await using relay = await openRelay({ listen: EVERYWHERE, data });
    await using database = await openState({ data, clock: systemClock, logger: silentLogger });
    const devices = await Ca.open({
      ...{ database, name: 'devices', title: 'another title', usage: 'client', clock: systemClock },
    });
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      `openssl s_client -connect 127.0.0.1:${relay.port} -servername localhost </dev/null 2>/dev/null`,
    ]);
    const named = /Acceptable client certificate CA names\n([\s\S]*?)\n(?:Requested|Client)/.exec(
      stdout,
    )?.[1];
    assert.equal(named, `CN = ${devices.title}`, stdout);

    const { publicKey, privateKey } = newKeyPair();
    const wanted = { subject: { commonName: 'kitchen-x7k2' }, names: [], publicKey, days: 1 };
    const { pem } = await devices.issue(wanted);
    const shown = await shake(relay.port, { cert: pem, key: privateKey });
    shown.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const [answer] = await once(shown.setEncoding('utf8'), 'data');
    assert.match(answer, /^HTTP\/1\.1 200/);
    shown.destroy();
  });
});

describe('a client that is slow at shaking hands', () => {
  it('is cut off in time, having said nothing, half a hello, or no TLS at all', async () => {
    await using relay = await openRelay({ listen: EVERYWHERE, limits: { headersTimeout: 1_000 } });
    // A record of TLS that promises 512 bytes (RFC 8446 5.1), and brings three.
    const half = Buffer.from('1603010200010001', 'hex');
    const closed = ['', half, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'].map(async (begun) => {
      const socket = connectTcp(relay.port, '127.0.0.1').on('error', () => undefined);
      socket.write(begun);
      await once(socket.resume(), 'close');
    });
    await Promise.all(closed);
    assert.equal((await get(`https://127.0.0.1:${relay.port}/healthz`)).status, 200);
  });
});

describe('a relay with a certificate in files', () => {
  it('shows its successor to who comes then, while connections go on', async () => {
    const clock = new FakeClock({ wallMs: Date.now() });
    const [tls, first, second] = [
      { cert: join(maker.directory, 'relay.pem'), key: join(maker.directory, 'relay.key') },
      await maker.certificate(clock, 30),
      await maker.certificate(clock, 30),
    ];
    const put = ({ cert, key }: typeof first) => {
      writeFileSync(tls.cert, cert);
      writeFileSync(tls.key, key);
    };
    put(first);
    await using relay = await openRelay({ clock, tls, open: ['**'] });
    const before = (await certificateAt(relay.port)).serialNumber;
    const insecure = { insecure: true };
    using viewer = await Peer.open(`${relay.ws}/out/x`, insecure);
    using publisher = await Peer.open(`${relay.ws}/in/x`, insecure);
    put(second);
    clock.advance(10_000);
    while ((await certificateAt(relay.port)).serialNumber === before);
    publisher.send('still here');
    assert.deepEqual(await viewer.hears(1), ['still here']);
    assert.equal(relay.authority(), undefined);
    const token = await relay.createToken({ topic: 'x', scope: ['audit'], ttlMs: 60_000 });
    const { text } = await get(`${relay.url}/api/v1/audit`, { token });
    assert.match(text, /"certificate-change"[^}]*"detail":"relay\.example; by Somebody \w{4}; until 20/);
  });
});

describe('a relay with a certificate by ACME', () => {
  it('serves from the start, gets its certificate, and swaps it under open connections', async () => {
    const httpPort = await freePort();
    await using acme = await startPebble({ httpPort });
    await using relay = await openRelay({
      open: ['**'],
      public: { host: 'relay.example' },
      tls: {
        acme: {
          names: ['relay.example'],
          ...directoryOf(acme),
          listen: { host: '127.0.0.1', port: httpPort },
        },
      },
    });
    const insecure = { insecure: true };
    using viewer = await Peer.open(`${relay.ws}/out/x`, insecure);
    using publisher = await Peer.open(`${relay.ws}/in/x`, insecure);
    const ca = await acme.root();
    for (;;) {
      const { issuer } = await certificateAt(relay.port, 'relay.example');
      if (String(issuer.CN).startsWith('Pebble')) break;
      assert.match(String(issuer.CN), /^Perch /);
    }
    const socket = await shake(relay.port, { servername: 'relay.example', ca, rejectUnauthorized: true });
    assert.ok(socket.authorized);
    socket.destroy();
    publisher.send('still here');
    assert.deepEqual(await viewer.hears(1), ['still here']);
    const moved = await get(`http://127.0.0.1:${httpPort}/live`);
    assert.equal(moved.headers.location, `https://relay.example:${relay.port}/live`);
    assert.equal(relay.authority(), undefined, 'nobody has to trust anything');
  });

  it('needs no plain port where the ACME server may ask at its own', async () => {
    const tlsPort = await freePort();
    await using acme = await startPebble({ tlsPort });
    await using relay = await openRelay({
      listen: { host: '127.0.0.1', port: tlsPort },
      tls: { acme: { names: ['relay.example', 'www.relay.example'], ...directoryOf(acme) } },
    });
    while (!String((await certificateAt(relay.port)).issuer.CN).startsWith('Pebble'));
    const ca = await acme.root();
    const socket = await shake(relay.port, { servername: 'www.relay.example', ca, rejectUnauthorized: true });
    assert.ok(socket.authorized);
    socket.destroy();
    // When nothing is being ordered nobody is shown anything by ACME's protocol.
    const asked = { servername: 'relay.example', ALPNProtocols: ['acme-tls/1'] };
    await assert.rejects(shake(relay.port, asked), /no application protocol|NO_APPLICATION_PROTOCOL/);
    const browser = await shake(relay.port, { ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(browser.alpnProtocol, 'http/1.1');
    browser.destroy();
  });

  it('whose plain port is taken does not start, and names the port and its flag', async () => {
    await using first = await openRelay();
    const listen = { host: '127.0.0.1', port: first.port };
    await assert.rejects(openRelay({ tls: { acme: { names: ['a.example'], listen } } }), {
      code: 'port-in-use',
      message: /--acme_listen/,
    });
  });
});

describe('the page that tells how to trust a relay', () => {
  it('shows the fingerprint, gives the certificate, and opens what fits the machine', async () => {
    await using relay = await openRelay({ listen: EVERYWHERE });
    const { certificate: ca = '', fingerprint = 'none' } = relay.authority() ?? {};
    const base = `https://127.0.0.1:${relay.port}`;
    const page = await get(`${base}/trust`, { ca, agent: 'Mozilla/5.0 (Linux; Android 15; Pixel 9)' });
    assert.equal(page.status, 200);
    assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
    assert.ok(page.text.replaceAll('<wbr>', '').includes(fingerprint));
    assert.match(page.text, /<details open>\s*<summary>Android/);
    assert.equal(page.text.match(/<details open>/g)?.length, 1);
    const machines = {
      iPhone: 'iPhone',
      'Windows NT 10.0': 'Windows',
      Macintosh: 'Mac',
      'X11; Linux': 'Linux',
    };
    for (const [agent, name] of Object.entries(machines)) {
      const { text } = await get(`${base}/trust`, { ca, agent: `Mozilla/5.0 (${agent})` });
      assert.match(text, new RegExp(`<details open>\\s*<summary>${name}`), agent);
    }
    const file = await get(`${base}/trust/perch-ca.crt`, { ca });
    assert.equal(file.headers['content-type'], 'application/x-x509-ca-cert');
    assert.equal(file.text, ca);
    assert.equal(
      page.headers['strict-transport-security'],
      undefined,
      'who goes past a warning must be able to',
    );
  });
});
