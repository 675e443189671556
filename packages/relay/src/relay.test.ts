import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { makeCertificate } from '@perch/testkit';
import { openRelay, Peer } from '../../../test/support/relay.ts';
import { RelayError } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'perch-relay-test-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** What the relay answers to bytes that no client library would send. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.end(bytes);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

describe('a relay that cannot start', () => {
  const fails = async (options: Parameters<typeof openRelay>[0], code: string, words: RegExp) => {
    await assert.rejects(openRelay(options), (error: unknown) => {
      assert.ok(error instanceof RelayError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, words);
      return true;
    });
  };

  it('names the port in use and another way', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    await fails({ listen: { host: '127.0.0.1', port } }, 'port-in-use', new RegExp(`Port ${port}.*--listen`));
    other.close();
  });

  it('names an address that is not this machine’s', async () => {
    await fails({ listen: { host: '192.0.2.1', port: 0 } }, 'address-unavailable', /192\.0\.2\.1.*--listen/);
  });

  it('names a data directory that cannot be made or written', async () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    await fails({ data: join(file, 'below') }, 'data-denied', /--data/);
    await fails({ data: file }, 'data-denied', /--data/);
    if (process.getuid?.() === 0) return; // root may write anywhere
    const locked = join(root, 'locked');
    mkdirSync(locked);
    chmodSync(locked, 0o500);
    await fails({ data: locked }, 'data-denied', /--data/);
  });

  it('names a state file that is damaged', async () => {
    const data = join(root, 'damaged');
    mkdirSync(data);
    writeFileSync(join(data, 'tokens.json'), '[{"id":"1"}]');
    await fails({ data }, 'data-damaged', /tokens\.json.*"scope"/);
  });

  it('names a certificate that is not there or is none', async () => {
    const nothing = join(root, 'nothing.pem');
    await fails({ tls: { cert: nothing, key: nothing } }, 'certificate-unreadable', /nothing\.pem/);
    const text = join(root, 'text.pem');
    writeFileSync(text, 'hello');
    await fails({ tls: { cert: text, key: text } }, 'certificate-invalid', /text\.pem/);
  });

  it('names a web app that is not there', async () => {
    await fails({ webRoot: join(root, 'no-web') }, 'web-root-unreadable', /npm run build/);
  });
});

describe('a relay', () => {
  it('answers plain HTTP in plain words', async () => {
    await using relay = await openRelay({ open: ['**'] });
    const get = async (path: string, method = 'GET') => {
      const answer = await fetch(relay.url + path, { method });
      return [answer.status, await answer.text()];
    };
    assert.deepEqual(await get('/healthz'), [200, 'ok\n']);
    assert.deepEqual(await get('/readyz'), [200, 'ok\n']);
    for (const path of ['/in/x', '/out/x', '/bi/x', '/session/x', '/ws']) {
      assert.deepEqual(await get(path), [400, 'Bad Request\n'], path);
    }
    assert.deepEqual(await get('/nothing'), [404, 'Not Found\n']);
    assert.deepEqual(await get('/in/a%2F..'), [404, 'Not Found\n'], 'no topic has this name');
    assert.deepEqual(await get('/healthz', 'DELETE'), [405, 'Method not allowed\n']);
    assert.equal((await get(`/${'x'.repeat(4096)}`))[0], 414);
    assert.match(String((await get('/metrics'))[1]), /^perch_connections 0$/m);
    const openapi = JSON.parse(String((await get('/api/v1/openapi.json'))[1]));
    assert.ok(
      openapi.paths['/session/{*}'] ?? openapi.paths['/session/{wildcard}'] ?? openapi.paths['/session/*'],
    );
  });

  it('refuses an upgrade to what is no topic, and treats other upgrades as plain requests', async () => {
    await using relay = await openRelay({ open: ['**'] });
    for (const path of ['/', '/nothing', '/in/', '/in/a b', '/in/../x', '/out/a%00']) {
      await assert.rejects(Peer.open(relay.ws + path), { message: 'HTTP 404' }, path);
    }
    const h2c = await raw(
      relay.port,
      'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n',
    );
    assert.match(h2c, /^HTTP\/1\.1 200 /);
    assert.match(await raw(relay.port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /);
  });

  it('chooses perch.1, else echoes null, else nothing', async () => {
    await using relay = await openRelay({ open: ['**'] });
    const chosen = async (...protocols: string[]) => {
      using peer = await Peer.open(`${relay.ws}/out/x`, { protocols });
      return peer.webSocket.protocol;
    };
    assert.equal(await chosen(), '');
    assert.equal(await chosen('null'), 'null');
    assert.equal(await chosen('null', 'perch.1'), 'perch.1');
  });

  it('closes with 1009 what is larger than 10 MiB, and carries what is just as large', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using viewer = await Peer.open(`${relay.ws}/out/x`);
    using good = await Peer.open(`${relay.ws}/in/x`);
    using bad = await Peer.open(`${relay.ws}/in/x`);
    const largest = Buffer.alloc(10 * 1024 * 1024, 3);
    good.send(largest);
    await viewer.hears(1);
    assert.ok(largest.equals(viewer.heard[0] as Buffer));
    bad.send(Buffer.alloc(largest.length + 1));
    assert.equal((await bad.closed).code, 1009);
    good.send('still here');
    await viewer.hears(2);
    assert.equal(viewer.heard[1], 'still here');
  });

  it('closes a peer that speaks no WebSocket after the handshake, and disturbs nobody', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using viewer = await Peer.open(`${relay.ws}/out/x`);
    const answer = await raw(
      relay.port,
      'GET /in/x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\nthis is no frame',
    );
    assert.match(answer, /^HTTP\/1\.1 101 /);
    using publisher = await Peer.open(`${relay.ws}/in/x`);
    publisher.send('hello');
    assert.deepEqual(await viewer.hears(1), ['hello']);
  });

  it('takes no more connections and topics than it may', async () => {
    await using relay = await openRelay({ open: ['**'], limits: { connections: 3, topics: 2 } });
    using _a = await Peer.open(`${relay.ws}/out/a`);
    using b = await Peer.open(`${relay.ws}/out/b`);
    await assert.rejects(Peer.open(`${relay.ws}/out/c`), { message: 'HTTP 503' });
    using _more = await Peer.open(`${relay.ws}/out/a`);
    await assert.rejects(Peer.open(`${relay.ws}/out/a`), { message: 'HTTP 503' });
    b.webSocket.close();
    await b.closed;
    using c = await Peer.open(`${relay.ws}/out/c`);
    assert.equal(c.webSocket.readyState, 1, 'a topic that nobody uses is forgotten');
  });

  it('says goodbye with 1001 and leaves nothing open, however often it is closed', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using polite = await Peer.open(`${relay.ws}/out/x`);
    using stats = await Peer.open(`${relay.ws}/ws`);
    const stuck = connect({ port: relay.port, host: '127.0.0.1' });
    stuck.write(
      'GET /out/x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await new Promise((resolve) => stuck.once('data', resolve));
    await Promise.all([relay.close(), relay.close(), relay.closed]);
    assert.equal((await polite.closed).code, 1001);
    assert.equal((await stats.closed).code, 1001);
    stuck.destroy();
    await assert.rejects(fetch(relay.url));
    assert.equal(existsSync(relay.data), false);
  });

  it('speaks HTTPS and wss with a certificate, and marks its cookie as secure', async () => {
    const { certFile, keyFile, cert } = await makeCertificate(root);
    await using relay = await openRelay({ open: ['**'], tls: { cert: certFile, key: keyFile } });
    assert.match(relay.url, /^https:/);
    using viewer = await Peer.open(`${relay.ws}/out/x`, { ca: cert });
    using publisher = await Peer.open(`${relay.ws}/in/x`, { ca: cert });
    publisher.send('hello');
    assert.deepEqual(await viewer.hears(1), ['hello']);
    assert.match(await relay.signInLink(), /^https:/);
  });

  it('serves the web app from what was there at the start, and nothing else', async () => {
    const web = join(root, 'web');
    mkdirSync(join(web, 'assets'), { recursive: true });
    writeFileSync(join(web, 'index.html'), '<!doctype html>app');
    writeFileSync(join(web, 'player.js'), 'export {}');
    writeFileSync(join(web, 'assets', 'a.css'), 'a{}');
    writeFileSync(join(web, 'notes.txt'), 'private');
    writeFileSync(join(root, 'secret.js'), 'secret');
    await using relay = await openRelay({ webRoot: web });
    const index = await fetch(`${relay.url}/`);
    assert.equal(await index.text(), '<!doctype html>app');
    assert.match(index.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal(index.headers.get('x-content-type-options'), 'nosniff');
    const again = await fetch(`${relay.url}/`, {
      headers: { 'If-None-Match': index.headers.get('etag') ?? '' },
    });
    assert.equal(again.status, 304);
    assert.equal(
      (await fetch(`${relay.url}/player.js`)).headers.get('content-type'),
      'text/javascript; charset=utf-8',
    );
    assert.equal((await fetch(`${relay.url}/assets/a.css`)).status, 200);
    assert.equal((await fetch(`${relay.url}/notes.txt`)).status, 404);
    for (const path of ['/../secret.js', '/%2e%2e/secret.js', '/assets/..%2f..%2fsecret.js']) {
      assert.match(
        await raw(relay.port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
        /^HTTP\/1\.1 404/,
        path,
      );
    }
    const embed = await fetch(`${relay.url}/embed/front/large`);
    assert.match(await embed.text(), /<perch-player data-topic="front\/large"/);
    assert.equal((await fetch(`${relay.url}/embed/%22%3E%3Cscript%3E`)).status, 404);
  });
});
