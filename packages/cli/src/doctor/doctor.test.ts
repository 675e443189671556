import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startRelay } from '@perch/relay';
import { silentLogger } from '@perch/runtime';
import { freePort, makeCertificate } from '@perch/testkit';
import { runPerch } from '../program.ts';
import { examineRelay } from './examine-relay.ts';
import { showFindings } from './finding.ts';
import { examineData, examineMachine, examineNode } from './machine.ts';

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'perch-doctor-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const last = <T>(list: readonly T[]): T => list.at(-1) as T;

async function relayIn(t: TestContext, options: { tls?: { cert: string; key: string } } = {}) {
  const relay = await startRelay({
    listen: { host: '127.0.0.1', port: 0 },
    data: join(scratch(t), 'data'),
    logger: silentLogger,
    ...options,
  });
  t.after(() => relay.close());
  return relay;
}

test('a relay that runs is reached on every hop', async (t) => {
  const relay = await relayIn(t);
  const findings = await examineRelay({ url: relay.url });
  assert.deepEqual(
    findings.map(({ name, outcome }) => [name, outcome]),
    [
      ['proxy', 'ok'],
      ['DNS', 'ok'],
      ['TCP', 'ok'],
      ['HTTP', 'ok'],
      ['WebSocket', 'ok'],
    ],
  );
});

test('over TLS the certificate is looked at', async (t) => {
  const { cert, certFile, keyFile } = await makeCertificate(scratch(t));
  const relay = await relayIn(t, { tls: { cert: certFile, key: keyFile } });
  const url = `https://localhost:${relay.port}`;
  const trusted = await examineRelay({ url, ca: cert });
  assert.ok(
    trusted.every(({ outcome }) => outcome !== 'bad'),
    showFindings(trusted),
  );
  const untrusted = last(await examineRelay({ url }));
  assert.equal(untrusted.name, 'TLS');
  assert.match(untrusted.help ?? '', /NODE_EXTRA_CA_CERTS/);
});

test('the first hop that fails is named, and nothing after it is tried', async () => {
  const port = await freePort();
  const refused = await examineRelay({ url: `http://127.0.0.1:${port}` });
  assert.deepEqual([last(refused).name, last(refused).outcome], ['TCP', 'bad']);

  const unknown = await examineRelay({ url: 'http://nowhere.invalid' });
  assert.deepEqual([last(unknown).name, last(unknown).outcome], ['DNS', 'bad']);

  const proxied = await examineRelay({
    url: 'http://relay.example.org',
    proxy: { plain: `http://127.0.0.1:${port}` },
  });
  assert.equal(last(proxied).name, 'TCP');
  assert.match(last(proxied).help ?? '', /proxy/);
});

test('what is no relay is told from one', async (t) => {
  const server = createHttp((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const finding = last(
    await examineRelay({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
  );
  assert.equal(finding.name, 'HTTP');
  assert.match(finding.seen, /404/);
});

test('a proxy in front that loses the upgrade is found out', async (t) => {
  // What a relay answers to a plain request on a topic's path.
  const server = createHttp((request, response) =>
    response.writeHead(request.url === '/healthz' ? 200 : 400).end(),
  ).listen(0, '127.0.0.1');
  server.on('upgrade', (_request, socket) =>
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
  );
  await once(server, 'listening');
  t.after(() => server.close());
  const finding = last(
    await examineRelay({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
  );
  assert.deepEqual([finding.name, finding.outcome], ['WebSocket', 'bad']);
  assert.match(finding.help ?? '', /pass WebSockets/);
});

test('an address that leads nowhere is refused in words', async () => {
  assert.match(last(await examineRelay({ url: 'nonsense' })).seen, /no address/);
  assert.match(last(await examineRelay({ url: 'ftp://x' })).seen, /ftp:/);
});

test('this machine has what the tests need', async (t) => {
  const findings = await examineMachine({ data: join(scratch(t), 'new'), listen: [] });
  assert.ok(
    findings.every(({ outcome }) => outcome === 'ok'),
    showFindings(findings),
  );
});

test('a missing ffmpeg comes with the way to get it', async (t) => {
  const findings = await examineMachine({ data: scratch(t), listen: [], ffmpeg: '/nowhere/ffmpeg' });
  const finding = findings.find(({ name }) => name === 'ffmpeg');
  assert.equal(finding?.outcome, 'warn');
  assert.match(finding?.help ?? '', /install.* ffmpeg/);
});

test('an ffmpeg without an encoder is named with what is missing', async (t) => {
  const fake = join(scratch(t), 'ffmpeg');
  writeFileSync(
    fake,
    '#!/bin/sh\nprintf "ffmpeg version x\\n V..... mpeg1video x\\n A..... mp2 x\\n A..... aac x\\n"\n',
  );
  chmodSync(fake, 0o755);
  const findings = await examineMachine({ data: scratch(t), listen: [], ffmpeg: fake });
  const finding = findings.find(({ name }) => name === 'encoders');
  assert.equal(finding?.outcome, 'warn');
  assert.match(finding?.seen ?? '', /libx264.*libmp3lame/);
});

test('an old Node, a directory that is none and a port in use are found', async (t) => {
  assert.equal(examineNode('20.20.2').outcome, 'bad');
  assert.equal(examineNode('24.0.0').outcome, 'ok');
  const file = join(scratch(t), 'file');
  writeFileSync(file, '');
  assert.equal(examineData(file).outcome, 'bad');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const findings = await examineMachine({
    data: scratch(t),
    listen: [{ what: 'relay', host: '127.0.0.1', port }],
  });
  assert.match(last(findings).seen, /in use/);
});

test('the command prints lines or JSON, and fails where something is bad', async () => {
  let text = '';
  const stdout = { write: (more: string) => (text += more) };
  const terminal = { stdout, stderr: stdout, env: {} };
  assert.equal(await runPerch(['doctor', 'nonsense'], terminal), 1);
  assert.match(text, /^BAD {3}address {6}"nonsense"/);
  text = '';
  assert.equal(await runPerch(['doctor', 'nonsense', '--json'], terminal), 1);
  assert.equal(JSON.parse(text)[0].outcome, 'bad');
});

/** A proxy that answers every CONNECT in the same way. */
async function proxyIn(t: TestContext, answer: string): Promise<string> {
  const server = createHttp().listen(0, '127.0.0.1');
  server.on('connect', (_request, socket) => socket.end(answer));
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a proxy that does not let us through is named, with what it wants', async (t) => {
  const secure = await proxyIn(t, 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
  const finding = last(await examineRelay({ url: 'https://relay.example.org', proxy: { secure } }));
  assert.deepEqual([finding.name, finding.outcome], ['proxy', 'bad']);
  assert.match(finding.help ?? '', /user:password/);
});
