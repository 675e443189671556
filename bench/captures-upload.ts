/**
 * Claim: films reach a relay over loopback TLS at no less than 60 % of the rate of a plain TLS socket whose far end syncs
 * the file, though films are hashed on the way, and the agent stays below 120 MB.
 *
 * 1 GiB as it is; PERCH_BENCH_GIB makes it more. The relay's side is a process that does what the protocol says and no
 * more, the same for both.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { makeCertificate } from '../packages/testkit/src/index.ts';

const MIB = 256;
const TIMES = 4 * Number(process.env.PERCH_BENCH_GIB ?? 1);
const support = join(import.meta.dirname, 'captures-support');
const run = promisify(execFile);

const cache = join(import.meta.dirname, '../.cache');
mkdirSync(cache, { recursive: true });
const directory = mkdtempSync(join(cache, 'bench-captures-'));
const { certFile, keyFile, cert } = await makeCertificate(directory);
const receiver = spawn(process.execPath, [join(support, 'receiver.ts'), certFile, keyFile, directory], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const film = join(directory, 'film');
  const file = openSync(film, 'w');
  const part = Buffer.alloc(1024 * 1024);
  for (let i = 0; i < MIB; i++) {
    part.writeUInt32BE(i);
    writeSync(file, part);
  }
  const [line] = (await once(receiver.stdout, 'data')) as [Buffer];
  const ports = JSON.parse(line.toString()) as { plain: number; captures: number };

  const plainBegan = performance.now();
  for (let i = 0; i < TIMES; i++) {
    const socket = connect({ port: ports.plain, host: '127.0.0.1', ca: cert, servername: 'localhost' });
    await once(socket, 'secureConnect');
    createReadStream(film, { highWaterMark: 256 * 1024 }).pipe(socket);
    socket.resume();
    await once(socket, 'end');
  }
  const plain = performance.now() - plainBegan;

  const url = `wss://localhost:${ports.captures}/agent/captures`;
  const device = [join(support, 'device.ts'), film, `${TIMES}`, directory, url, certFile];
  const { stdout } = await run(process.execPath, device);
  const { took, rssKiB } = JSON.parse(stdout) as { took: number; rssKiB: number };

  const rate = (ms: number) => (MIB * TIMES * 1000) / ms;
  console.log('| | MiB/s | of plain TLS | most memory |');
  console.log('|---|---|---|---|');
  console.log(`| plain TLS, synced | ${rate(plain).toFixed(0)} | 1 | – |`);
  console.log(
    `| films | ${rate(took).toFixed(0)} | ${(plain / took).toFixed(2)} | ${Math.round(rssKiB / 1024)} MiB |`,
  );
  if (plain / took < 0.6) process.exitCode = 1;
} finally {
  receiver.kill();
  rmSync(directory, { recursive: true, force: true });
}
