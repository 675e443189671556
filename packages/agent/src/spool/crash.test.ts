import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { TestRelay } from '../upload/testing/relay.ts';
import { cutPower, seeded } from './testing/power-cut.ts';

const RUNS = Number(process.env.PERCH_RUNS ?? (process.env.PERCH_LONG ? 200 : 6));
const SEED = Number(process.env.PERCH_SEED ?? randomBytes(4).readUInt32BE());
const CHILD = join(import.meta.dirname, 'testing', 'crash-child.ts');

type Line = {
  readonly ready?: { readonly port: number };
  readonly taken?: string;
  readonly sha256?: string;
  readonly empty?: true;
  readonly error?: string;
};

/** Starts a device that dies at an operation of its disk. `ended` resolves when it is gone. */
function startDevice(home: string, relay: string, dieAt: number, onLine: (line: Line) => void) {
  const child = spawn(process.execPath, [CHILD, home, relay, `${dieAt}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let words = '';
  child.stderr.on('data', (part) => {
    words += part;
  });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => onLine(JSON.parse(line) as Line));
  const ended = Promise.all([once(child, 'close'), once(lines, 'close')]).then(([[code, signal]]) => {
    if (signal !== 'SIGKILL') throw new Error(`the device ended with ${code ?? signal}: ${words}`);
  });
  return { kill: () => child.kill('SIGKILL'), ended };
}

test(`${RUNS} power cuts or more at random moments lose nothing that was promised, and nothing comes twice (PERCH_SEED=${SEED})`, async (t) => {
  t.diagnostic(`PERCH_SEED=${SEED}`);
  const random = seeded(SEED);
  const home = await mkdtemp(join(tmpdir(), 'perch-crash-'));
  const directory = join(home, 'captures', 'spool');
  const places = { directory, platter: join(home, 'platter') };
  await mkdir(join(home, 'camera'));
  await writeFile(join(home, 'list'), '');
  await mkdir(directory, { recursive: true });
  // Without a relay all that is promised is on the device's disk alone.
  let isAway = false;
  const relay = await TestRelay.open({
    isAway: () => isAway,
    cutAfter: () => (random() < 0.3 ? Math.floor(random() * 400_000) : Number.POSITIVE_INFINITY),
  });
  t.after(async () => {
    await relay.close();
    await rm(home, { recursive: true, force: true });
  });
  const promised = new Map<string, string>();
  let second = 1_795_000_000;

  /** Films until the device is gone; deletes nothing itself, as that would only make it easier. */
  const film = async (port: number, isGone: () => boolean) => {
    const sockets: Socket[] = [];
    for (let i = 0; i < 3 && !isGone(); i++) {
      const socket = createConnection({ host: '127.0.0.1', port });
      socket.on('error', () => undefined);
      sockets.push(socket);
      second++;
      const segments = 1 + Math.floor(random() * 4);
      for (let n = 0; n < segments && !isGone(); n++) {
        const name = `pir.${second}.${n}.mp4`;
        await writeFile(join(home, 'camera', name), randomBytes(1 + Math.floor(random() * 150_000)));
        socket.write(JSON.stringify({ segment: name }));
      }
      if (random() < 0.6) socket.end();
    }
    return sockets;
  };

  // On a slow machine a device promises little before it is gone: then it takes more of them to try something.
  const isEnough = () => promised.size >= RUNS / 2;
  /** Names films in the list that the next device reads from its start on. */
  const list = async () => {
    for (let films = Math.floor(random() * 5); films > 0; films--) {
      second++;
      const name = random() < 0.5 ? `pir.${second}.0.mp4` : `${second}.mp4`;
      await writeFile(join(home, 'camera', name), randomBytes(1 + Math.floor(random() * 150_000)));
      await appendFile(join(home, 'list'), `${name}\n`);
    }
  };

  for (let run = 0; run < RUNS || (!isEnough() && run < 20 * RUNS); run++) {
    let isGone = false;
    isAway = random() < 0.6;
    await list();
    let sockets: Promise<Socket[]> = Promise.resolve([]);
    let late: NodeJS.Timeout | undefined;
    // Soon after the start, to try that as well, or later.
    const dieAt = 1 + Math.floor(random() * (random() < 0.3 ? 20 : 300));
    const device = startDevice(home, relay.url, dieAt, (line) => {
      if (line.taken !== undefined) promised.set(line.taken, line.sha256 ?? '');
      if (!line.ready) return;
      sockets = film(line.ready.port, () => isGone);
      // From its start on, however long that took: else a slow machine would have it promise nothing.
      late = setTimeout(() => device.kill(), 1_000);
    });
    await device.ended;
    clearTimeout(late);
    isGone = true;
    for (const socket of await sockets) socket.destroy();
    await cutPower(places, random);
  }

  isAway = false;
  const errors: string[] = [];
  // A film of a list is over when the list has been still for long, or at the next start.
  for (let left = 2; left > 0; left--) {
    const last = startDevice(home, relay.url, Number.POSITIVE_INFINITY, (line) => {
      if (line.taken !== undefined) promised.set(line.taken, line.sha256 ?? '');
      if (line.error !== undefined) errors.push(line.error);
      if (line.empty) last.kill();
    });
    await last.ended;
  }

  assert.ok(isEnough(), `only ${promised.size} segments were promised`);
  const missing = [...promised].filter(([key, sha256]) => relay.kept.get(key)?.offer.sha256 !== sha256);
  assert.deepEqual(missing, [], 'every promised segment is at the relay');
  const lost = [...relay.events.values()].filter((event) => event.kind === 'lost');
  assert.deepEqual(
    lost.filter((event) => promised.has(`${event.capture.id}/${event.segment}`)),
    [],
  );
  assert.deepEqual(errors, []);
  assert.equal(relay.doubles, 0);
  const hashes = [...relay.kept.values()].map(({ offer }) => offer.sha256);
  assert.equal(new Set(hashes).size, hashes.length, 'no film twice under another name');
  const ended = new Set(
    [...relay.events.values()].flatMap((event) => (event.kind === 'end' ? [event.capture.id] : [])),
  );
  const open = [...promised.keys()].map((key) => key.split('/')[0] as string).filter((id) => !ended.has(id));
  assert.deepEqual(open, [], 'every film has its end');
  t.diagnostic(
    `${promised.size} segments promised, ${relay.kept.size} at the relay, ${relay.connections} connections`,
  );
});
