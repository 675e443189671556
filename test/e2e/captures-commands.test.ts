import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { on, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Owner } from '../devices/support/owner.ts';
import { startPerch } from './support/perch.ts';

// A click, a relay, an agent and a camera program, as real processes; by UDP and by a unix socket.

interface Ready {
  readonly relay: string;
  readonly signIn: string;
}

async function start(t: TestContext, directory: string, camera: readonly string[]) {
  const up = await startPerch<Ready>([
    ...[
      'up',
      '--no-demo',
      '--listen',
      '127.0.0.1:0',
      '--agent_listen',
      '127.0.0.1:0',
      '--input_port',
      'none',
    ],
    ...['--data', join(directory, 'data'), ...camera],
  ]);
  t.after(() => up[Symbol.asyncDispose]());
  const { relay: url, signIn } = up.ready;
  const owner = await Owner.signIn({ url, signInLink: async () => signIn });
  const [device] = await owner.json<{ id: string }[]>('devices');
  assert.ok(device);
  return { owner, device: device.id, close: () => up[Symbol.asyncDispose]() };
}

test('what is clicked reaches the camera program, and after a restart it is told again what holds', {
  timeout: 120_000,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'perch-commands-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const udp = createSocket('udp4');
  t.after(() => udp.close());
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const heard = on(udp, 'message');
  const next = async () => String((await heard.next()).value?.[0]);

  const first = await start(t, directory, ['--cam_addr', `127.0.0.1:${udp.address().port}`]);
  const path = `devices/${first.device}`;
  await first.owner.json(`${path}/camera`, { method: 'PUT', body: { armed: true } });
  assert.equal(await next(), '{"command":"arm"}');
  for (const command of ['disarm', 'capture', 'arm']) {
    const answer = await first.owner.fetch(`${path}/commands`, { method: 'POST', body: { command } });
    assert.equal(answer.status, 202);
    assert.equal(await next(), JSON.stringify({ command }));
  }
  const { armed } = await Owner.first(
    first.owner.cameraEvents(first.device),
    ({ last }) => last[0]?.handed != null,
  );
  assert.equal(armed.wanted, true);
  await first.close();

  const socket = join(directory, 'camera.sock');
  const script = `socket(S,PF_UNIX,SOCK_DGRAM,0);bind(S,pack_sockaddr_un($ARGV[0]));$|=1;print "ready\\n";
    while(defined recv(S,$m,100,0)){print "$m\\n"}`;
  const listener = spawn('perl', ['-MSocket', '-e', script, socket]);
  t.after(() => listener.kill());
  const said = on(listener.stdout.setEncoding('utf8'), 'data');
  const line = async () => String((await said.next()).value?.[0]);
  assert.equal(await line(), 'ready\n');
  const second = await start(t, directory, ['--cam_sock', socket]);
  assert.equal(await line(), '{"command":"arm"}\n', 'nobody asked');
  await second.owner.fetch(`${path}/commands`, { method: 'POST', body: { command: 'capture' } });
  assert.equal(await line(), '{"command":"capture"}\n');
});
