import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { launch } from '@perch/testkit';

// examples/motion, against a stand-in for motion's web control.

const examples = join(import.meta.dirname, '../../examples/motion');

test('commands become what motion is asked by web, in order', async (t) => {
  const asked: string[] = [];
  let onAsked: () => void = () => undefined;
  const motion = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('done');
    onAsked();
  });
  await new Promise<void>((resolve) => motion.listen(0, '127.0.0.1', resolve));
  t.after(() => motion.close());
  await using listener = await launch({
    command: [
      'perl',
      join(examples, 'perch-motion-commands'),
      '0',
      `${(motion.address() as AddressInfo).port}`,
    ],
    readyWhen: /listening on \d+/,
  });
  const port = Number(/listening on (\d+)/.exec(listener.output())?.[1]);
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const all = new Promise<void>((resolve) => {
    onAsked = () => asked.length === 3 && resolve();
  });
  for (const text of ['{"command":"arm"}', 'nonsense', '{"command":"disarm"}', '{"command":"capture"}'])
    await new Promise((resolve) => socket.send(text, port, '127.0.0.1', resolve));
  await all;
  assert.deepEqual(asked, ['/0/detection/start', '/0/detection/pause', '/0/action/eventstart']);
});

test("motion's hook names a film on a line of its own, whatever is in its name", (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'perch-motion-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const conf = readFileSync(join(examples, 'perch.conf'), 'utf8');
  const hook = /^on_movie_end (.*)$/m.exec(conf)?.[1] ?? '';
  // As motion does: its own conversions first, then the shell.
  const list = join(directory, 'films');
  for (const film of ['/var/lib/motion/01 front.mp4', '/var/lib/motion/02-50%.mp4']) {
    const command = hook
      .replace('/var/lib/motion/films', list)
      .replaceAll(/%%|%f/g, (conversion) => (conversion === '%f' ? film : '%'));
    execFileSync('sh', ['-c', command]);
  }
  assert.equal(readFileSync(list, 'utf8'), '/var/lib/motion/01 front.mp4\n/var/lib/motion/02-50%.mp4\n');
});
