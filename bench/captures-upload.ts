/**
 * Claim: films reach a relay over loopback TLS at no less than 60 % of the rate of a plain TLS socket whose far end syncs
 * the file, though they are hashed on the way and written down; the agent stays below 120 MB, and the relay's event loop,
 * which live viewers share, is held up for less than 10 ms (99 of 100), or no longer than by the plain socket.
 *
 * Once as one file and once as files of 1 MiB. 512 MiB as it is; PERCH_BYTES makes it more, such as 10737418240; `one` or
 * `many` as an argument makes it that alone. An agent's
 * spool and upload are one process, a real relay and the plain socket's far end are another.
 */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { makeCertificate } from '../packages/testkit/src/index.ts';

const MIB = 1024 * 1024;
const SIZE = Math.max(1, Math.round(Number(process.env.PERCH_BYTES ?? 512 * MIB) / MIB));
const support = join(import.meta.dirname, 'captures-support');
const run = promisify(execFile);
/** What Perch loads before anything else. */
const heap = new URL('../packages/cli/bin/heap.js', import.meta.url).href;
const cache = join(import.meta.dirname, '../.cache');

interface Held {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly rssKiB: number;
}

const delays = ({ p50, p99, max }: Held) => `${p50.toFixed(1)} / ${p99.toFixed(1)} / ${max.toFixed(0)}`;

function writeFile(path: string, mib: number): void {
  const file = openSync(path, 'w');
  const part = Buffer.alloc(MIB);
  for (let i = 0; i < mib; i++) {
    part.writeUInt32BE(i);
    writeSync(file, part);
  }
}

/** Sends so many files of so many MiB, both ways. */
async function measure(what: string, times: number, mib: number): Promise<boolean> {
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'bench-captures-'));
  const { certFile, keyFile, cert } = await makeCertificate(directory);
  // Perch knows all of its own PERCH_…; this is no setting.
  const { PERCH_BYTES: _, ...env } = process.env;
  const receiver = fork(join(support, 'receiver.ts'), [certFile, keyFile, directory], {
    env,
    execArgv: [`--import=${heap}`],
  });
  try {
    const [ready] = (await once(receiver, 'message')) as [{ plain: number; port: number; code: string }];
    const film = join(directory, 'film');
    writeFile(film, mib);

    const url = `https://localhost:${ready.port}`;
    const trusting = { env: { ...env, NODE_EXTRA_CA_CERTS: certFile } };
    const who = join(directory, 'device.json');
    await run(process.execPath, [join(support, 'enrol.ts'), url, ready.code, who], trusting);

    receiver.send('begin');
    const plainBegan = performance.now();
    const socket = connect({ port: ready.plain, host: '127.0.0.1', ca: cert, servername: 'localhost' });
    await once(socket, 'secureConnect');
    for (let i = 0; i < times; i++) {
      const file = createReadStream(film, { highWaterMark: 256 * 1024 });
      file.pipe(socket, { end: i === times - 1 });
      await once(file, 'end');
    }
    socket.resume();
    await once(socket, 'end');
    const plain = performance.now() - plainBegan;

    receiver.send('end');
    const [before] = (await once(receiver, 'message')) as [Held];

    receiver.send('begin');
    const device = [
      `--import=${heap}`,
      join(support, 'device.ts'),
      film,
      `${times}`,
      directory,
      url,
      certFile,
    ];
    const { stdout } = await run(process.execPath, device, trusting);
    const { took, rssKiB } = JSON.parse(stdout) as { took: number; rssKiB: number };
    receiver.send('end');
    const [held] = (await once(receiver, 'message')) as [Held];

    const rate = (ms: number) => ((mib * times * 1000) / ms).toFixed(0);
    const memory = Math.round(rssKiB / 1024);
    const row = [
      ...[what, rate(plain), rate(took), (plain / took).toFixed(2), `${memory} MiB`],
      ...[delays(before), delays(held), `${Math.round(held.rssKiB / 1024)} MiB`],
    ];
    console.log(`| ${row.join(' | ')} |`);
    return plain / took >= 0.6 && memory <= 120 && held.p99 <= Math.max(10, before.p99);
  } finally {
    receiver.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

const heads = [
  ...['', 'plain TLS, MiB/s', 'films, MiB/s', 'of plain', 'agent, most memory'],
  ...['loop held up by plain, ms: p50/p99/most', 'by films', 'relay, most memory'],
];
console.log(`| ${heads.join(' | ')} |`);
console.log(`|${heads.map(() => '---|').join('')}`);
const shapes = {
  one: () => measure(`one file of ${SIZE} MiB`, 1, SIZE),
  many: () => measure(`${SIZE} files of 1 MiB`, SIZE, 1),
};
const [, , only] = process.argv;
for (const [shape, measured] of Object.entries(shapes)) {
  if (only !== undefined && only !== shape) continue;
  if (!(await measured())) process.exitCode = 1;
}
