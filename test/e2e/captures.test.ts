import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { perch, startPerch } from './support/perch.ts';

// A camera program, an agent and a relay, as real processes.

interface Ready {
  readonly agent: string;
  readonly captures: string;
}

interface Status {
  readonly segments: number;
  readonly events: number;
  readonly persisted: number;
  readonly lost: number;
}

async function start(t: TestContext, directory: string) {
  const up = await startPerch<Ready>([
    ...['up', '--no-demo', '--listen', '127.0.0.1:0', '--agent_listen', '127.0.0.1:0', '--input_port', '0'],
    ...['--data', join(directory, 'data')],
  ]);
  t.after(() => up[Symbol.asyncDispose]());
  const { agent, captures } = up.ready;
  const status = async () => (await (await fetch(`${agent}/api/captures`)).json()) as Status;
  return {
    agent: agent.replace('http://', ''),
    captures,
    /** Resolves when nothing waits any more and so many segments are at home. */
    home: async (count: number) => {
      for (;;) {
        const now = await status();
        if (now.persisted >= count && now.segments === 0 && now.events === 0) return now;
        if (t.signal.aborted) throw new Error(JSON.stringify(now));
      }
    },
  };
}

test('what a camera program names is at home soon, and leaves the device', {
  timeout: 120_000,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'perch-captures-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const { captures, home, agent } = await start(t, directory);
  for (const n of [0, 1]) writeFileSync(join(directory, `pir.1795000000.${n}.mp4`), randomBytes(300_000));
  const [host, port] = captures.split(':');
  const socket = createConnection({ host: host as string, port: Number(port) });
  await once(socket, 'connect');
  // The documented snippet: three objects back to back, without anything between.
  socket.end(
    [0, 1].map((n) => JSON.stringify({ segment: join(directory, `pir.1795000000.${n}.mp4`) })).join('') +
      JSON.stringify({ event: 'alarm' }),
  );
  assert.equal((await home(2)).lost, 0);
  const left = readdirSync(join(directory, 'data', 'captures', 'spool')).filter((name) => name !== 'journal');
  assert.deepEqual(left, []);

  writeFileSync(join(directory, 'by hand.mp4'), randomBytes(100_000));
  const pushed = await perch(['captures', 'push', join(directory, 'by hand.mp4'), '--listen', agent]);
  assert.match(pushed.stdout, /by hand\.mp4 at home/);
  const { stdout } = await perch(['captures', 'status', '--listen', agent]);
  assert.match(stdout, /waiting +0 segments/);
  assert.match(stdout, /given up +nothing: there is no limit/);
  assert.match(stdout, /3 taken, 3 at home, 0 lost/);
});
