import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger, systemClock } from '@perch/runtime';
import { Uploader } from '../upload/index.ts';
import { TestRelay } from '../upload/testing/relay.ts';
import { Camera } from './camera.ts';
import { Captures } from './captures.ts';

// The Python of docs/guide/captures.md, as it stands there but for ports and directories.

const guide = readFileSync(new URL('../../../../docs/guide/captures.md', import.meta.url), 'utf8');
const snippets = [...guide.matchAll(/```python\n(.*?)```/gs)].map(([, code]) => code as string);

function run(t: TestContext, mark: string, changes: Record<string, string>) {
  const [code] = snippets.filter((text) => text.includes(mark));
  assert.ok(code, `the guide has Python with ${mark}`);
  let changed = code;
  for (const [from, to] of Object.entries(changes)) {
    assert.ok(changed.includes(from), `${from} is in it`);
    changed = changed.replaceAll(from, to);
  }
  const child = spawn('python3', ['-u', '-c', changed], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  return child;
}

test('a program that names its files as documented has its film taken, with its alarm', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'perch-documented-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  const relay = await TestRelay.open();
  t.after(() => relay.close());
  const captures = await Captures.start({
    data: join(home, 'data'),
    options: { inputs: [{ host: '127.0.0.1', port: 0 }] },
    upload: (uploading) => new Uploader({ ...uploading, dial: relay.dial }),
    clock: systemClock,
    logger: silentLogger,
  });
  t.after(() => captures.close());
  const [address] = captures.addresses;
  const { port } = address as { port: number };
  for (const n of [0, 1]) await writeFile(join(home, `pir.1795000000.${n}.mp4`), `film ${n}`);
  const program = run(t, 's.sendall', { '9000': String(port), '/var/lib/camera': home });
  const [code] = await once(program, 'close');
  assert.equal(code, 0);
  while (!t.signal.aborted && (relay.events.size < 2 || captures.dump().segments > 0)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const sent = [...relay.kept.values()].map(({ offer, bytes }) => [offer.segment, String(bytes)]);
  assert.deepEqual(sent.sort(), [
    [0, 'film 0'],
    [1, 'film 1'],
  ]);
  assert.deepEqual([...relay.events.values()].map(({ kind }) => kind).sort(), ['alarm', 'end']);
});

test('a program that listens as documented hears arm, capture and disarm', async (t) => {
  const port = await freePort();
  const program = run(t, 's.recv', { '9001': String(port) });
  const camera = new Camera({
    address: { host: '127.0.0.1', port },
    wasArmed: undefined,
    keep: () => Promise.resolve(),
    clock: systemClock,
    logger: silentLogger,
  });
  let heard = '';
  const output = program.stdout.setEncoding('utf8');
  output.on('data', (text: string) => {
    heard += text;
  });
  const hears = async (word: string) => {
    while (!heard.includes(word)) await once(output, 'data', { signal: t.signal });
  };
  // It prints whatever it hears: so one knows when it listens. Until then each datagram is refused.
  const probe = createSocket('udp4');
  t.after(() => probe.close());
  let isRefused = true;
  const onError = () => {
    isRefused = true;
  };
  probe.on('error', onError);
  probe.connect(port, '127.0.0.1');
  await once(probe, 'connect');
  while (!t.signal.aborted && !heard.includes('ready')) {
    // One that was not refused waits where it listens: more of them would fill that place.
    if (isRefused) {
      isRefused = false;
      probe.send('{"command":"ready"}', (error) => error && onError());
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const command of ['arm', 'capture', 'disarm'] as const) await camera.tell(command);
  await hears('disarm');
  assert.equal(heard, 'ready\narm\ncapture\ndisarm\n');
});

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}
