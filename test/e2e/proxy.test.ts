import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startRelay } from '@perch/relay';
import { silentLogger } from '@perch/runtime';
import { freePort, type Launched, launch, makeCertificate, type TestCertificate } from '@perch/testkit';
import { WebSocket } from 'ws';

const guide = readFileSync(join(import.meta.dirname, '../../docs/guide/relay-on-a-server.md'), 'utf8');

/** The one block of the guide in `language`, with the machine's own names put in. */
function guideBlock(language: string, replacements: readonly (readonly [string, string])[]): string {
  const block = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(guide)?.[1];
  assert.ok(block, `the guide has a ${language} block`);
  return replacements.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `the guide's ${language} block has ${from}`);
    return text.replaceAll(from, to);
  }, block);
}

interface Place {
  readonly directory: string;
  readonly relayPort: number;
  readonly port: number;
  readonly certificate: TestCertificate;
}

/** Starts nginx with the guide's block. */
async function startNginx({ directory, relayPort, port, certificate }: Place): Promise<Launched> {
  const block = guideBlock('nginx', [
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['server_name relay.example.org', 'server_name localhost'],
    ['/etc/ssl/relay.example.org.pem', certificate.certFile],
    ['/etc/ssl/private/relay.example.org.key', certificate.keyFile],
    ['127.0.0.1:8080', `127.0.0.1:${relayPort}`],
  ]);
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (n) => `${n}_temp_path ${directory}/${n};`,
  );
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  writeFileSync(
    join(directory, 'nginx.conf'),
    `${user} daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log stderr notice;
     events {} http { ${temp.join(' ')} ${block} }`,
  );
  return launch({
    command: ['nginx', '-p', directory, '-e', 'stderr', '-c', join(directory, 'nginx.conf')],
    readyWhen: /start worker process \d/,
  });
}

/** Starts Caddy with the guide's block; the certificate is ours, since nobody here could get a real one. */
async function startCaddy({ directory, relayPort, port, certificate }: Place): Promise<Launched> {
  const block = guideBlock('caddyfile', [
    [
      'relay.example.org {',
      `localhost:${port} {\n  bind 127.0.0.1\n  tls ${certificate.certFile} ${certificate.keyFile}`,
    ],
    ['127.0.0.1:8080', `127.0.0.1:${relayPort}`],
  ]);
  writeFileSync(join(directory, 'Caddyfile'), `{\n  admin off\n  auto_https disable_redirects\n}\n${block}`);
  return launch({
    command: ['caddy', 'run', '--adapter', 'caddyfile', '--config', join(directory, 'Caddyfile')],
    env: { ...process.env, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
    readyWhen: /serving initial configuration/,
  });
}

/** One HTTPS request; resolves with status and body. */
function call(
  url: string,
  ca: string,
  options: { method?: string; token?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { token } = options;
    const headers = { ...options.headers, ...(token !== undefined && { Authorization: token }) };
    request(url, { ca, method: options.method ?? 'GET', headers, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (text: string) => {
        body += text;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });
}

/** Waits until something listens there: a proxy says that it is ready a moment before it is. */
async function reachable(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const outcome = await Promise.race([
      once(socket, 'connect').then(() => 'open'),
      once(socket, 'error'),
    ]).catch(() => 'refused');
    socket.destroy();
    if (outcome === 'open') return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

for (const [name, start] of [
  ['nginx', startNginx],
  ['Caddy', startCaddy],
] as const) {
  test(`behind ${name}, set up as the guide says, a stream goes in and out by wss`, {
    timeout: 60_000,
  }, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'perch-proxy-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const certificate = await makeCertificate(directory);
    const relay = await startRelay({
      listen: { host: '127.0.0.1', port: 0 },
      data: join(directory, 'data'),
      trustProxy: ['127.0.0.1'],
      logger: silentLogger,
    });
    t.after(() => relay.close());
    const port = await freePort();
    const proxy = await start({ directory, relayPort: relay.port, port, certificate });
    t.after(() => proxy.close());
    await reachable(port);

    const base = `https://localhost:${port}`;
    assert.equal((await call(`${base}/healthz`, certificate.cert)).status, 200);
    const token = await relay.createToken({ topic: 'lab/cam', scope: ['read', 'write'], ttlMs: 60_000 });
    const session = async () => {
      const answer = await call(`${base}/session/lab/cam`, certificate.cert, { method: 'POST', token });
      assert.equal(answer.status, 200, answer.body);
      const { uri } = JSON.parse(answer.body) as { uri: string };
      assert.ok(uri.startsWith(`wss://localhost:${port}/session/lab/cam?code=`), uri);
      const socket = new WebSocket(uri, { ca: certificate.cert });
      t.after(() => socket.terminate());
      await once(socket, 'open');
      return socket;
    };
    // What a visitor says of himself goes no further than the proxy.
    const headers = {
      'X-Forwarded-For': '203.0.113.9',
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-Host': 'evil.example',
    };
    const forged = await call(`${base}/session/lab/cam`, certificate.cert, {
      method: 'POST',
      token,
      headers,
    });
    assert.match(forged.body, new RegExp(`"wss://localhost:${port}/session/lab/cam`));
    await call(`${base}/session/lab/cam`, certificate.cert, { method: 'POST', token: 'wrong', headers });

    const viewer = await session();
    const publisher = await session();
    const large = Buffer.alloc(3_000_000, 7);
    const received: Buffer[] = [];
    const all = new Promise<void>((resolve) => {
      viewer.on('message', (data: Buffer) => {
        received.push(data);
        if (received.length === 3) resolve();
      });
    });
    publisher.send('text');
    publisher.send(Buffer.from([1, 2, 3]));
    publisher.send(large);
    await all;
    assert.deepEqual(received.slice(0, 2), [Buffer.from('text'), Buffer.from([1, 2, 3])]);
    assert.ok(received[2]?.equals(large));

    const stats = new WebSocket(`wss://localhost:${port}/ws`, {
      ca: certificate.cert,
      headers: {
        Authorization: await relay.createToken({ topic: 'stats', scope: ['read'], ttlMs: 60_000 }),
        ...headers,
      },
    });
    t.after(() => stats.terminate());
    await once(stats, 'open');
    stats.send('-');
    const [client] = (await once(stats, 'message')) as [Buffer];
    assert.equal((JSON.parse(String(client)) as { remoteAddr: string }).remoteAddr, '127.0.0.1');
  });
}
