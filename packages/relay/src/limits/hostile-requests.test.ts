import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { limits } from '@perch/protocol';
import { Browser } from '../../../../test/support/browser.ts';
import { openRelay, Peer } from '../../../../test/support/relay.ts';
import { RawHttp, upgradeTo } from './testing/raw-http.ts';

const webRoot = mkdtempSync(join(tmpdir(), 'perch-web-'));
writeFileSync(join(webRoot, 'index.html'), 'app');
writeFileSync(join(webRoot, 'large.js'), Buffer.alloc(32 * 1024 * 1024, 'x'));
after(() => rmSync(webRoot, { recursive: true }));

/** Where something begins: HTTP, a WebSocket of each kind, and crossbar's token as first message. */
const entrances = [
  '/',
  '/api/v1/sign-in',
  '/in/front',
  '/out/front',
  '/session/front?code=x',
  '/ws',
  '/agent',
];

describe('a client that is slow on purpose', () => {
  // Long enough for who is not slow, on a machine that stands still for a moment.
  const slow = { headersTimeout: 1_000, bodyTimeout: 1_500, httpIdle: 1_500 };

  it('is cut off when its head is not complete in time, whatever it is for', async () => {
    await using relay = await openRelay({
      limits: slow,
      open: ['**'],
      crossbar: { secret: 'x', audience: '' },
    });
    const connections = await Promise.all(
      entrances.flatMap((path) =>
        [`GET ${path}`, `GET ${path} HTTP/1.1\r\nHost: x\r\nX-A`, upgradeTo(path).slice(0, -2), ''].map(
          async (begun) => {
            const raw = await RawHttp.open(relay.port);
            raw.socket.write(begun);
            return raw;
          },
        ),
      ),
    );
    await Promise.all(connections.map(({ closed }) => closed));
    for (const { status } of connections) assert.ok([0, 408].includes(status), String(status));
    assert.equal((await fetch(`${relay.url}/healthz`)).status, 200);
  });

  it('gains no time by sending a byte now and then', async () => {
    await using relay = await openRelay({ limits: slow });
    using raw = await RawHttp.open(relay.port);
    raw.socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-A: ');
    while (!raw.isClosed) {
      raw.socket.write('b');
      // A little while. Its own head may be too late on a machine that stands still for a moment.
      await fetch(`${relay.url}/healthz`).catch(() => undefined);
    }
    assert.equal(raw.status, 408);
  });

  it('is cut off when its body is not complete in time', async () => {
    await using relay = await openRelay({ limits: slow });
    const paths = ['/api/v1/sign-in', '/api/v1/invites/open', '/api/v1/enroll', '/session/front'];
    const statuses = paths.map((path) =>
      RawHttp.ask(
        relay.port,
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"secret":`,
      ),
    );
    for (const [i, status] of (await Promise.all(statuses)).entries())
      assert.ok([0, 401, 403, 408].includes(status), `${paths[i]}: ${status}`);
  });

  it('is cut off when it does not read the answer', async () => {
    await using relay = await openRelay({
      limits: { headersTimeout: 400, httpIdle: 100 },
      listen: { host: 'localhost', port: 0 },
      webRoot,
    });
    // `localhost` is a server for each IP version.
    for (const { address } of await lookup('localhost', { all: true })) {
      using raw = await RawHttp.open(relay.port, address);
      raw.socket.pause();
      raw.socket.write('GET /large.js HTTP/1.1\r\nHost: x\r\n\r\n');
      // As long as it takes to cut off three others, one after the other.
      for (let i = 0; i < 3; i++) await RawHttp.ask(relay.port, 'GET / HTTP/1.1\r\n');
      raw.socket.resume();
      await raw.closed;
      assert.ok(raw.bytes < 32 * 1024 * 1024, address);
    }
  });
});

describe('a request that is too large', () => {
  it('is refused by its address, its head or its body', async () => {
    await using relay = await openRelay({ open: ['**'] });
    const { port } = relay;
    const long = 'a'.repeat(limits.urlChars);
    assert.equal(
      await RawHttp.ask(port, `GET /${long} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
      414,
    );
    for (const path of [`/out/${long}`, `/session/a?code=${long}`]) {
      assert.equal(await RawHttp.ask(port, upgradeTo(path)), 414);
    }
    assert.equal(await RawHttp.ask(port, upgradeTo(`/out/${'a'.repeat(limits.topicChars + 1)}`)), 404);
    const header = `X-A: ${'a'.repeat(limits.headerBytes)}`;
    assert.equal(await RawHttp.ask(port, `GET / HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`), 431);
    for (const path of ['/in/a', '/out/a', '/session/a', '/ws']) {
      assert.equal(await RawHttp.ask(port, upgradeTo(path, [header])), 431);
    }
    const many = Array.from({ length: 1_500 }, (_, i) => `X-${i}: 12345`);
    assert.equal(await RawHttp.ask(port, upgradeTo('/out/a', many)), 431);
  });

  it('is refused by its body on every route that takes one, as soon as that is known', async () => {
    await using relay = await openRelay({ open: ['**'], limits: { signInBurst: 1e6, codeBurst: 1e6 } });
    const owner = await Browser.signedIn(relay, await relay.signInLink());
    const lines = Object.entries(owner.headers).map(([name, value]) => `${name}: ${value}`);
    for (const { method, url } of relay.permits.filter(({ method }) =>
      ['POST', 'PUT', 'PATCH'].includes(method),
    )) {
      const path = url.replace('*', 'front').replace(/:\w+/g, 'x');
      const head = [
        `${method} ${path} HTTP/1.1`,
        'Host: x',
        'Content-Type: application/json',
        'Connection: close',
      ];
      const declared = [...head, ...lines, `Content-Length: ${limits.bodyBytes + 1}`, '', ''].join('\r\n');
      const answered = await RawHttp.ask(relay.port, declared);
      assert.ok(answered >= 400 && answered < 500, `${method} ${url}: ${answered}`);
    }
  });

  it('is refused by its body, too, where it does not say how long that is', async () => {
    await using relay = await openRelay();
    using raw = await RawHttp.open(relay.port);
    raw.socket.write(
      'POST /api/v1/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const chunk = `10000\r\n${'a'.repeat(0x10000)}\r\n`;
    for (let i = 0; i < 40 && !raw.socket.destroyed; i++) raw.socket.write(chunk);
    raw.socket.end();
    await raw.closed;
    assert.equal(raw.status, 413);
  });
});

describe('a path that plays tricks', () => {
  const tricks = [
    '..',
    '../front',
    'front/..',
    'front/../back',
    './front',
    '%2e%2e',
    '%2e%2e/front',
    'front/%2e%2e/back',
    'front%2f..%2fback',
    'front%2F%2E%2E%2Fback',
    '%252e%252e',
    '..%5cfront',
    'front%5c..%5cback',
    '%00',
    'front%00',
    'front%00/back',
    'front%0a',
    '%c0%ae%c0%ae/front',
    '%e0%80%af',
    '%',
    '%zz',
    '/front',
    'front//back',
    'front%2f%2fback',
    '%2ffront',
    'front;back',
    'fr ont',
    'a'.repeat(limits.topicChars + 1),
    '%E2%80%AE',
    'ä',
  ];

  it('opens no WebSocket, not even to who may do everything', async () => {
    await using relay = await openRelay({ open: ['**'] });
    for (const before of [
      '/in/',
      '/out/',
      '/bi/',
      '/session/',
      '/',
      '/ws/',
      '/agent/',
      '/in/../out/',
      '//relay/in/',
      'http://x/in/',
    ]) {
      for (const trick of tricks) {
        const status = await RawHttp.ask(relay.port, upgradeTo(before + trick));
        assert.ok([400, 401, 404].includes(status), `${before}${trick}: ${status}`);
      }
    }
    for (const path of [
      '/out/../in/front',
      '/x/../ws',
      '/%2e/in/front',
      '//in/front',
      '/IN/front',
      '/in',
      '/in/',
      'in/front',
      '*',
      '',
    ]) {
      const status = await RawHttp.ask(relay.port, upgradeTo(path));
      assert.ok([400, 404].includes(status), `${path}: ${status}`);
    }
    // Not a trick: the same topic, written otherwise.
    using viewer = await Peer.open(`${relay.ws}/out/front/door`);
    using publisher = await Peer.open(`${relay.ws}/in/front%2Fdoor/`);
    publisher.send('hello');
    assert.deepEqual(await viewer.hears(1), ['hello']);
  });

  it('leads to nothing by HTTP, not even an owner', async () => {
    await using relay = await openRelay({ webRoot, limits: { codeBurst: 1e6 } });
    const owner = await Browser.signedIn(relay, await relay.signInLink());
    const lines = Object.entries({ ...owner.headers, Host: 'x' }).map(([name, value]) => `${name}: ${value}`);
    const before = new Set(
      relay.permits.filter(({ url }) => /[:*]/.test(url)).map(({ url }) => url.replace(/[:*].*$/, '')),
    );
    assert.ok(before.size >= 6, [...before].join());
    for (const prefix of ['/', ...before]) {
      for (const trick of tricks) {
        for (const method of ['GET', 'POST', 'DELETE', 'PATCH']) {
          const text = [`${method} ${prefix}${trick} HTTP/1.1`, ...lines, 'Connection: close', '', ''].join(
            '\r\n',
          );
          const status = await RawHttp.ask(relay.port, text);
          assert.ok(status >= 400 && status < 500, `${method} ${prefix}${trick}: ${status}`);
        }
      }
    }
    assert.equal((await owner.get('/api/v1/me')).status, 200, 'nothing has happened to them');
  });
});

describe('a page of another site', () => {
  it('changes nothing by the cookie of who looks at it, on any route', async () => {
    await using relay = await openRelay();
    const owner = await Browser.signedIn(relay, await relay.signInLink());
    const changing = relay.permits.filter(
      ({ method, permit }) =>
        !['GET', 'HEAD', 'OPTIONS'].includes(method) &&
        ['session', 'user', 'member', 'owner', 'device', 'scope'].includes(permit.to),
    );
    assert.ok(changing.length >= 15);
    for (const { method, url } of changing) {
      const path = url.replace('*', 'front').replace(/:\w+/g, 'owner');
      for (const origin of [
        'https://evil.example',
        'null',
        `${relay.url}.evil.example`,
        relay.url.replace('127.0.0.1', 'localhost'),
      ]) {
        const { status } = await owner.ask(method, path, {}, { Origin: origin });
        assert.ok([401, 403].includes(status), `${method} ${url} from ${origin}: ${status}`);
      }
    }
    for (const origin of ['https://evil.example', 'null']) {
      for (const path of ['/out/front', '/ws', '/in/front']) {
        const headers = { ...owner.headers, Origin: origin };
        await assert.rejects(Peer.open(relay.ws + path, { headers }), /HTTP 40[13]/, path);
      }
    }
    assert.equal((await owner.get('/api/v1/me')).status, 200);
  });
});
