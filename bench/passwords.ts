/**
 * Claim: while 50 passwords a second are tried, the relay's delay stays what it is: p99 at 100 viewers of one publisher
 * (25 messages a second of 10 kB) grows by no more than 2 ms.
 *
 * The attempts come from many addresses and for many names, so that no limit stops them before they are hashed; the
 * process that hashes has to share the relay's only core. Rounds with and without attempts take turns.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { RawViewer } from './fanout-support/raw-viewer.ts';
import { MeasuredServer } from './fanout-support/server.ts';

const VIEWERS = 100;
const PERIOD_MS = 40;
const SIZE = 10_000;
const ATTEMPTS_PER_SECOND = 50;
const ROUND_SECONDS = 5;
const rounds = Math.max(2, Math.round(Number(process.env.BENCH_SECONDS ?? 40) / ROUND_SECONDS / 2));
const MOST_GROWTH_MS = 2;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Tries a password from an address of this machine's own network. @returns the status. */
function attempt(port: number, n: number): Promise<number> {
  const localAddress = `127.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
  const headers = { 'Content-Type': 'application/json' };
  const options = { port, host: '127.0.0.1', localAddress, method: 'POST', headers, agent: false };
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, path: '/api/v1/sign-in/password' }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    asked.on('error', reject);
    asked.end(JSON.stringify({ name: `somebody ${n}`, password: 'a guess' }));
  });
}

const p99 = (delays: readonly number[]): number =>
  delays.toSorted((a, b) => a - b)[Math.floor(delays.length * 0.99)] ?? Number.NaN;

const dir = mkdtempSync(join(tmpdir(), 'perch-bench-'));
try {
  const server = await MeasuredServer.start({ kind: 'relay', dir, tls: false });
  const delays: Record<'quiet' | 'attempts', number[]> = { quiet: [], attempts: [] };
  let counted: number[] | undefined;
  const onMessage = (length: number, payload: Buffer) => {
    if (length === SIZE && payload.length >= 8) counted?.push(performance.now() - payload.readDoubleBE(0));
  };
  const viewers: RawViewer[] = [];
  for (let i = 0; i < VIEWERS; i++) {
    viewers.push(await RawViewer.open({ port: server.port, path: '/out/bench', onMessage }));
  }
  const publisher = new WebSocket(`ws://127.0.0.1:${server.port}/in/bench`, { perMessageDeflate: false });
  await new Promise((resolve, reject) => publisher.once('open', resolve).once('error', reject));

  const publish = async (seconds: number) => {
    for (let i = 0; i < seconds * (1000 / PERIOD_MS); i++) {
      const payload = Buffer.alloc(SIZE, 0x55);
      payload.writeDoubleBE(performance.now(), 0);
      publisher.send(payload);
      await sleep(PERIOD_MS);
    }
  };
  const statuses = new Map<number, number>();
  let tried = 0;
  let pending: Promise<void>[] = [];
  const tryPasswords = () => {
    const timer = setInterval(() => {
      const done = attempt(server.port, tried++).then((status) => {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      });
      pending.push(done);
    }, 1000 / ATTEMPTS_PER_SECOND);
    return () => clearInterval(timer);
  };

  await publish(ROUND_SECONDS);
  for (let round = 0; round < rounds; round++) {
    counted = delays.quiet;
    await publish(ROUND_SECONDS);
    counted = undefined;
    const stop = tryPasswords();
    await publish(1);
    counted = delays.attempts;
    await publish(ROUND_SECONDS);
    counted = undefined;
    stop();
    await Promise.all(pending);
    pending = [];
  }

  const row = (what: string, list: readonly number[]) => ({
    what,
    'p50 ms': (list.toSorted((a, b) => a - b)[list.length >> 1] ?? Number.NaN).toFixed(2),
    'p99 ms': p99(list).toFixed(2),
  });
  console.table([row('quiet', delays.quiet), row('50 attempts/s', delays.attempts)]);
  console.log(`attempts: ${[...statuses].map(([status, n]) => `${n} × ${status}`).join(', ')}`);
  const growth = p99(delays.attempts) - p99(delays.quiet);
  console.log(`p99 grows by ${growth.toFixed(2)} ms (target <= ${MOST_GROWTH_MS})`);
  const wasHashed = (statuses.get(401) ?? 0) > 0 && (statuses.get(429) ?? 0) > 0;
  process.exitCode = growth <= MOST_GROWTH_MS && wasHashed ? 0 : 1;
  publisher.terminate();
  for (const viewer of viewers) viewer.close();
  await server.stop();
} finally {
  rmSync(dir, { recursive: true, force: true });
}
