import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeCertificate } from '@perch/testkit';
import { WebSocketServer } from 'ws';
import { makeDialer, proxyFor } from './dial.ts';

const proxies = { secure: 'http://secure:1', plain: 'http://plain:2' };
const through = (url: string, except?: string) =>
  proxyFor(new URL(url), { ...proxies, ...(except !== undefined && { except }) });

test('wss and https go through one proxy, ws and http through the other, loopback through none', () => {
  assert.equal(through('wss://relay.example/'), 'http://secure:1');
  assert.equal(through('https://relay.example/'), 'http://secure:1');
  assert.equal(through('ws://relay.example/'), 'http://plain:2');
  for (const local of ['ws://localhost/', 'wss://127.0.0.1/', 'ws://[::1]/'])
    assert.equal(through(local), undefined);
  assert.equal(proxyFor(new URL('wss://relay.example/'), {}), undefined);
});

test('NO_PROXY names hosts, domains, ports, or everything', () => {
  for (const except of [
    'relay.example',
    'example',
    '.example',
    '*.example',
    'a, relay.example ,b',
    'RELAY.example',
    '*',
    'relay.example:443',
  ]) {
    assert.equal(through('wss://relay.example/', except), undefined, except);
  }
  for (const except of ['', 'lay.example', 'other.example', 'relay.example:8443', ',']) {
    assert.equal(through('wss://relay.example/', except), 'http://secure:1', except);
  }
});

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A proxy that takes CONNECT and leads every name to one port of this machine. */
async function startProxy(t: TestContext, leadsTo: number) {
  const asked: string[] = [];
  const proxy = createHttpServer();
  proxy.on('connect', (request, socket, head) => {
    asked.push(request.url ?? '');
    const onward = connect(leadsTo, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    t.after(() => onward.destroy());
  });
  return { asked, url: `http://127.0.0.1:${await listen(t, proxy)}` };
}

test('a dial and an access call go through the proxy, over TLS, trusting the extra certificate', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'perch-dial-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { cert, key, certFile: caFile } = await makeCertificate(folder, ['relay.test']);
  const relay = createHttpsServer({ cert, key }, (request, response) =>
    response.end(request.headers.authorization),
  );
  const sockets = new WebSocketServer({ server: relay });
  const port = await listen(t, relay);
  const proxy = await startProxy(t, port);
  const dialer = await makeDialer({ proxy: { secure: proxy.url }, caFile });

  const answer = await dialer.fetch('https://relay.test/session/x', {
    method: 'POST',
    headers: { Authorization: 'T' },
  });
  assert.deepEqual([answer.status, await answer.text()], [200, 'T']);

  const arrived = once(sockets, 'connection');
  const { socket, tcp } = dialer.dial('wss://relay.test/in/x', []);
  t.after(() => socket.terminate());
  assert.throws(tcp, /not open yet/);
  await Promise.all([once(socket, 'open'), arrived]);
  assert.equal(typeof tcp().cork, 'function');
  assert.deepEqual(proxy.asked, ['relay.test:443', 'relay.test:443']);

  const untrusting = await makeDialer({ proxy: { secure: proxy.url } });
  await assert.rejects(
    untrusting.fetch('https://relay.test/', { method: 'POST', headers: {} }),
    /certificate/i,
  );
});

test('an access answer without end is cut off', async (t) => {
  const server = createHttpServer((_, response) => {
    const more = () => response.write('x'.repeat(10_000), () => setImmediate(more));
    more();
  });
  const port = await listen(t, server);
  const dialer = await makeDialer();
  await assert.rejects(
    dialer.fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers: {} }),
    /the answer is too long/,
  );
  server.closeAllConnections();
});
