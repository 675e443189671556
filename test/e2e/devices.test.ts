import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { freePort, launch, makeCertificate } from '@perch/testkit';
import { openPublisher, packet } from '../conformance/vw-harness.ts';
import { openRelay, Peer } from '../support/relay.ts';
import { perch, says, startPerch } from './support/perch.ts';

// A device as its owner sets it up: the command of the app, then the agent; real processes on both sides.

const DAY = 86_400_000;

interface Owner {
  readonly url: string;
  readonly headers: Record<string, string>;
}

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'perch-devices-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Spends a sign-in link, as a browser does. */
async function signIn(url: string, link: string): Promise<Owner> {
  const answer = await fetch(`${url}/api/v1/sign-in`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ secret: new URL(link).hash.slice(1) }),
  });
  assert.equal(answer.status, 204);
  const Cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return { url, headers: { Cookie, Origin: url, 'Content-Type': 'application/json' } };
}

async function makeCode({ url, headers }: Owner, name: string): Promise<{ code: string; command: string }> {
  const body = JSON.stringify({ name });
  const answer = await fetch(`${url}/api/v1/devices/codes`, { method: 'POST', headers, body });
  assert.equal(answer.status, 201);
  return (await answer.json()) as { code: string; command: string };
}

/** Publishes until the viewer hears of it: the agent may still be dialling. */
async function arrives(t: TestContext, agent: string, feed: string, viewer: Peer): Promise<void> {
  const publisher = openPublisher(t, `${agent}/ts/${feed}`);
  let hasArrived = false;
  const heard = viewer.hears(1).then((messages) => {
    hasArrived = true;
    return messages;
  });
  while (!hasArrived && !t.signal.aborted) {
    publisher.write(packet(7));
    // One packet for each answer of the agent, so that nobody is flooded.
    await (await fetch(`${agent}/api/stats`)).arrayBuffer();
  }
  const [first = ''] = await heard;
  assert.deepEqual(Buffer.from(first).subarray(0, 188), packet(7));
}

test('a device behind a plain nginx is enrolled by a command, sends under its id, and stops when it is removed', {
  timeout: 120_000,
}, async (t) => {
  const directory = scratch(t);
  await using relay = await startPerch<{ relay: string; signIn: string }>([
    ...['relay', '--listen', '127.0.0.1:0', '--data', join(directory, 'relay')],
  ]);
  const certificate = await makeCertificate(directory);
  const port = await freePort();
  // As little as passes WebSockets on: the relay does not learn how it was asked.
  writeFileSync(
    join(directory, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; worker_processes 1; pid ${directory}/nginx.pid;
     error_log stderr notice; events {} http {
       ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((n) => `${n}_temp_path ${directory}/${n};`).join(' ')}
       server { listen 127.0.0.1:${port} ssl; server_name localhost; access_log off;
         ssl_certificate ${certificate.certFile}; ssl_certificate_key ${certificate.keyFile};
         location / { proxy_pass ${relay.ready.relay}; proxy_http_version 1.1;
           proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; } } }`,
  );
  await using _nginx = await launch({
    command: ['nginx', '-p', directory, '-e', 'stderr', '-c', join(directory, 'nginx.conf')],
    readyWhen: /start worker process \d/,
  });
  const owner = await signIn(relay.ready.relay, relay.ready.signIn);
  const { code, command } = await makeCode(owner, 'Kitchen');
  assert.equal(command, `perch enroll ${relay.ready.relay} ${code}`);

  const data = join(directory, 'agent');
  const enrolled = await perch([
    ...['enroll', `https://localhost:${port}`, code.toLowerCase(), '--data', data, '--json'],
    ...['--extra_ca', certificate.certFile],
  ]);
  const { device, relays } = JSON.parse(enrolled.stdout) as { device: string; relays: string[] };
  assert.match(device, /^kitchen-[a-z2-9]{4}$/);
  assert.deepEqual(relays, [`https://localhost:${port}`]);
  assert.equal(statSync(join(data, 'identity.json')).mode & 0o777, 0o600);

  await using agent = await startPerch<{ agent: string }>([
    ...[
      'agent',
      '--listen',
      '127.0.0.1:0',
      '--input_port',
      'none',
      '--data',
      data,
      '--extra_ca',
      certificate.certFile,
    ],
  ]);
  const { Cookie = '', Origin = '' } = owner.headers;
  using viewer = await Peer.open(`${owner.url}/out/${device}/video0`, { headers: { Cookie, Origin } });
  await arrives(t, agent.ready.agent, 'video0', viewer);

  const publishers = async () => {
    const answer = await fetch(`${owner.url}/api/v1/streams`, { headers: owner.headers });
    const streams = (await answer.json()) as { topic: string; publishers: number }[];
    return streams.find(({ topic }) => topic === `${device}/video0`)?.publishers ?? 0;
  };
  assert.equal(await publishers(), 1);
  const removed = await fetch(`${owner.url}/api/v1/devices/${device}`, {
    method: 'DELETE',
    headers: { Cookie, Origin },
  });
  assert.equal(removed.status, 204);
  // How soon is measured where nothing else runs: test/soak/revocation.alone.test.ts.
  while ((await publishers()) > 0) assert.ok(!t.signal.aborted, 'it is not gone');
  // What rests on the device went too: nobody may look at what it showed.
  assert.equal((await viewer.closed).code, 4401);
  const again = await fetch(`${owner.url}/api/v1/devices`, { headers: owner.headers });
  assert.deepEqual(await again.json(), []);
});

test('a device at a relay that ends TLS pins it, and shows its certificate', {
  timeout: 120_000,
}, async (t) => {
  const directory = scratch(t);
  await using relay = await openRelay({ tls: 'local' });
  const { trust: ca, pin } = await trustOf(relay.url);
  const data = join(directory, 'agent');
  const legacy = join(directory, 'cloudtalker');
  const enroll = async (...more: string[]) =>
    perch(['enroll', relay.url, await relay.createEnrolmentCode('yard'), '--data', data, ...more]);

  await assert.rejects(enroll(), /no authority that this machine knows has signed .*with --pin; or/);
  await assert.rejects(
    enroll('--pin', '0'.repeat(64)),
    /is not the relay that the pin names: somebody may be in between/,
  );
  await assert.rejects(enroll('--pin', 'abc'), /pin: 64 hex digits/);
  const { stdout } = await enroll('--pin', pin, '--legacy', legacy, '--json');
  const { device } = JSON.parse(stdout) as { device: string };
  await assert.rejects(enroll('--pin', pin), new RegExp(`is the device ${device} of .* already. .*--again`));

  await using agent = await startPerch<{ agent: string }>([
    ...['agent', '--listen', '127.0.0.1:0', '--input_port', 'none', '--data', data],
  ]);
  const token = await relay.createToken({ topic: '**', scope: ['read'], ttlMs: DAY });
  using viewer = await Peer.open(`${relay.ws}/out/${device}/video0`, {
    ca,
    headers: { Authorization: token },
  });
  await arrives(t, agent.ready.agent, 'video0', viewer);

  // What an unmodified cloudtalker is given: a pair that openssl takes, and that the relay knows.
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => readFileSync(join(legacy, name), 'utf8'));
  assert.equal(statSync(join(legacy, 'key.pem')).mode & 0o777, 0o600);
  const shown = execFileSync('openssl', ['x509', '-noout', '-subject', '-in', join(legacy, 'cert.pem')]);
  assert.match(String(shown), new RegExp(`CN ?= ?${device}`));
  using old = await Peer.open(`${relay.ws}/in/${device}/capture`, { ca, cert: cert ?? '', key: key ?? '' });
  await old.settled();

  const again = await perch(['enroll', '--renew', '--data', data]);
  assert.match(again.stdout, /it is not yet time/);

  // The relay has got another authority: the pin leads the device there, and nobody else.
  const file = join(data, 'identity.json');
  const { trust: _before, ...untrusting } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify(untrusting));
  const repin = (digits: string) => perch(['enroll', '--renew', '--pin', digits, '--data', data]);
  await assert.rejects(repin('0'.repeat(64)), /is not the relay that the pin names/);
  assert.match((await repin(pin)).stdout, /was renewed/);
  assert.equal((JSON.parse(readFileSync(file, 'utf8')) as { trust: string }).trust, ca);
});

test('a relay is replaced by its backup on another machine, and its device is back by itself within 15 s', {
  timeout: 120_000,
}, async (t) => {
  const directory = scratch(t);
  const [before, after, data, file] = ['before', 'after', 'agent', 'backup'].map((name) =>
    join(directory, name),
  ) as [string, string, string, string];
  const listen = { host: '127.0.0.1', port: await freePort() };
  const first = await openRelay({ tls: 'local', data: before, listen });
  t.after(() => first.close());
  const { trust: ca, pin } = await trustOf(first.url);
  const enrolled = await perch([
    ...['enroll', first.url, await first.createEnrolmentCode('yard'), '--pin', pin, '--data', data, '--json'],
  ]);
  const { device } = JSON.parse(enrolled.stdout) as { device: string };
  const Authorization = await first.createToken({ topic: '**', scope: ['read'], ttlMs: DAY });
  const watch = ({ ws }: { ws: string }, feed: string) =>
    Peer.open(`${ws}/out/${device}/${feed}`, { ca, headers: { Authorization } });
  await using agent = await startPerch<{ agent: string }>([
    ...['agent', '--listen', '127.0.0.1:0', '--input_port', 'none', '--data', data],
  ]);
  {
    using viewer = await watch(first, 'video0');
    await arrives(t, agent.ready.agent, 'video0', viewer);
  }
  // While it runs; what is on the other machine afterwards is this file alone.
  await perch(['relay', 'backup', file, '--data', before]);
  await first.close();
  await perch(['relay', 'restore', file, '--data', after]);
  await using second = await openRelay({ tls: 'local', data: after, listen });
  const started = performance.now();
  // The token is the old relay's, and so is the authority of the certificate.
  using viewer = await watch(second, 'video1');
  await arrives(t, agent.ready.agent, 'video1', viewer);
  assert.ok(performance.now() - started < 15_000);
});

test('the agent of perch up is a device of its relay, the same at each start, and keeps flat topic names', {
  timeout: 120_000,
}, async (t) => {
  const data = scratch(t);
  const up = () =>
    startPerch<{ relay: string; agent: string; signIn: string }>([
      ...[
        'up',
        '--listen',
        '127.0.0.1:0',
        '--agent_listen',
        '127.0.0.1:0',
        '--input_port',
        'none',
        '--no-demo',
        '--data',
        data,
      ],
    ]);
  const devices = async ({ signIn: link }: { signIn: string }) => {
    const owner = await signIn(new URL(link).origin, link);
    const answer = await fetch(`${owner.url}/api/v1/devices`, { headers: owner.headers });
    return { owner, list: (await answer.json()) as { id: string }[] };
  };
  let first: { id: string }[];
  {
    await using running = await up();
    const { owner, list } = await devices(running.ready);
    first = list;
    assert.equal(first.length, 1);
    const { Cookie = '', Origin = '' } = owner.headers;
    using viewer = await Peer.open(`${owner.url}/out/video0`, { headers: { Cookie, Origin } });
    await arrives(t, running.ready.agent, 'video0', viewer);
  }
  {
    await using running = await up();
    const { owner, list } = await devices(running.ready);
    assert.deepEqual(
      list.map(({ id }) => id),
      first.map(({ id }) => id),
    );
    // Who removes it gets another one at the next start.
    const [{ id = '' } = {}] = list;
    const { Cookie = '', Origin = '' } = owner.headers;
    await fetch(`${owner.url}/api/v1/devices/${id}`, { method: 'DELETE', headers: { Cookie, Origin } });
  }
  {
    await using running = await up();
    const { list } = await devices(running.ready);
    assert.equal(list.length, 1);
    assert.notEqual(list[0]?.id, first[0]?.id);
  }
  // A machine that is another relay's device stays that.
  await using other = await openRelay();
  const code = await other.createEnrolmentCode('elsewhere');
  await perch(['enroll', other.url, code, '--again', '--data', data]);
  {
    await using running = await up();
    await says(running.launched, /is a device of another relay, and stays one/);
  }
  const { relays } = JSON.parse(readFileSync(join(data, 'identity.json'), 'utf8')) as { relays: string[] };
  assert.deepEqual(relays, [other.url]);
});

/** What the app shows with a code: whom to trust, and its pin. */
async function trustOf(url: string): Promise<{ trust: string; pin: string }> {
  const { X509Certificate } = await import('node:crypto');
  const { request } = await import('node:https');
  const text = await new Promise<string>((resolve, reject) => {
    request(`${url}/api/v1/devices/challenge`, { rejectUnauthorized: false, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        body += part;
      });
      answer.on('end', () => resolve(body));
    })
      .on('error', reject)
      .end();
  });
  const { trust } = JSON.parse(text) as { trust: string };
  return { trust, pin: new X509Certificate(trust).fingerprint256 };
}
