/**
 * Claim: at saturation, with 50 viewers of one publisher, the relay delivers at least 3 times (10 kB messages) and 13
 * times (1.3 kB) what a plain `ws` broadcast loop delivers for the same processor time. Over TLS beside it.
 *
 * Each server has core 0 to itself; publisher and viewers share the rest. The publisher is never more than a window
 * ahead of the slowest viewer, so nothing may be lost, and that is checked. Loop and relay take turns, and the median
 * of the rounds counts, so that whatever else the machine does hits both.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '@perch/testkit';
import { WebSocket } from 'ws';
import { RawViewer } from './fanout-support/raw-viewer.ts';
import { MeasuredServer } from './fanout-support/server.ts';

const VIEWERS = 50;
const WINDOW_BYTES = 1024 * 1024;
const seconds = Number(process.env.BENCH_SECONDS ?? 3);
const ROUNDS = 3;

interface Result {
  /** Delivered per second of the server's processor time, and of the clock. */
  readonly perCpuSecond: number;
  readonly perSecond: number;
  readonly cpuShare: number;
  readonly lost: number;
}

async function measure(kind: 'relay' | 'loop', size: number, tls: boolean, dir: string): Promise<Result> {
  const server = await MeasuredServer.start({
    kind,
    dir,
    tls,
    nodeFlags: (process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter(Boolean),
  });
  const { port } = server;
  let wake: (() => void) | undefined;
  const viewers: RawViewer[] = [];
  for (let i = 0; i < VIEWERS; i++) {
    viewers.push(await RawViewer.open({ port, tls, path: '/out/bench', onRead: () => wake?.() }));
  }
  const publisher = new WebSocket(`${tls ? 'wss' : 'ws'}://127.0.0.1:${port}/in/bench`, {
    perMessageDeflate: false,
    rejectUnauthorized: false,
  });
  await new Promise((resolve, reject) => publisher.once('open', resolve).once('error', reject));

  const payload = Buffer.alloc(size, 0x55);
  const windowMessages = Math.max(8, Math.floor(WINDOW_BYTES / size));
  let sent = 0;
  let running = true;
  const slowest = () =>
    viewers.reduce((least, viewer) => Math.min(least, viewer.messages), Number.POSITIVE_INFINITY);
  const pump = () => {
    if (!running) return;
    const until = slowest() + windowMessages;
    // In bursts, so that the publisher's own system calls do not set the pace.
    if (until - sent < windowMessages / 4) return;
    for (; sent < until; sent++) publisher.send(payload);
  };
  wake = pump;
  pump();

  const delivered = () => viewers.reduce((sum, viewer) => sum + viewer.bytes, 0);
  await sleep(1000);
  const before = { usage: await server.usage(), bytes: delivered(), at: performance.now() };
  await sleep(seconds * 1000);
  const after = { usage: await server.usage(), bytes: delivered(), at: performance.now() };
  running = false;
  for (let i = 0; i < 100 && slowest() < sent; i++) await sleep(50);
  const lost = viewers.reduce((sum, viewer) => sum + sent - viewer.messages, 0);

  publisher.terminate();
  for (const viewer of viewers) viewer.close();
  await server.stop();
  const bytes = after.bytes - before.bytes;
  const elapsed = (after.at - before.at) / 1000;
  const cpu = (after.usage.cpuMs - before.usage.cpuMs) / 1000;
  return { perCpuSecond: bytes / cpu, perSecond: bytes / elapsed, cpuShare: cpu / elapsed, lost };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const gb = (bytes: number) => (bytes / 1e9).toFixed(2);

const dir = mkdtempSync(join(tmpdir(), 'perch-bench-'));
try {
  await makeCertificate(dir);
  const rows = [];
  let failed = false;
  for (const tls of [false, true]) {
    for (const { size, target } of [
      { size: 10_000, target: 3 },
      { size: 1_300, target: 13 },
    ]) {
      const rounds: { readonly loop: Result; readonly relay: Result }[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const loop = await measure('loop', size, tls, dir);
        rounds.push({ loop, relay: await measure('relay', size, tls, dir) });
      }
      const of = (read: (round: (typeof rounds)[number]) => number) => median(rounds.map(read));
      const ratio = of(({ loop, relay }) => relay.perCpuSecond / loop.perCpuSecond);
      const lost = rounds.reduce((sum, { loop, relay }) => sum + loop.lost + relay.lost, 0);
      if (lost > 0 || (!tls && ratio < target)) failed = true;
      rows.push({
        transport: tls ? 'wss' : 'ws',
        'message bytes': size,
        'loop GB/CPU s': gb(of(({ loop }) => loop.perCpuSecond)),
        'relay GB/CPU s': gb(of(({ relay }) => relay.perCpuSecond)),
        ratio: ratio.toFixed(1),
        target: tls ? '' : `>= ${target}`,
        'loop GB/s': gb(of(({ loop }) => loop.perSecond)),
        'relay GB/s': gb(of(({ relay }) => relay.perSecond)),
        'relay CPU': `${Math.round(of(({ relay }) => relay.cpuShare) * 100)} %`,
        lost,
      });
    }
  }
  console.log(`${VIEWERS} viewers, 1 publisher, server on one core, ${ROUNDS} rounds of ${seconds} s each`);
  console.table(rows);
  process.exitCode = failed ? 1 : 0;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
