/**
 * Claim: from an encoder's write into `POST /ts/…` to the message on a WebSocket the agent adds less than 0.5 ms (median)
 * and less than 3 ms (99 of 100), and loses, doubles or reorders no byte; 10 minutes with `--seconds 600`.
 *
 * Beside it, in the same run, the least that could do the work: a bare Node server that sends each read on as it is.
 * Encoder and viewer are one process, so a delay is read off one clock; it holds two trips over loopback and that
 * process's own turns too, for both servers alike.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { WebSocket } from 'ws';
import { PacedReader, PacedStream, stamp } from './agent-support/paced-stream.ts';

const flag = process.argv.indexOf('--seconds');
const seconds = Number((flag > 0 ? process.argv[flag + 1] : undefined) ?? process.env.BENCH_SECONDS ?? 20);
const WARM_UP_MS = 2_000;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function ask(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [{ cpuMs }] = await once(child, 'message');
  return cpuMs;
}

async function measure(kind: 'agent' | 'bare', forMs: number) {
  const child = fork(new URL('./agent-support/server.ts', import.meta.url), [kind]);
  try {
    const [{ port }] = await once(child, 'message');
    const reader = new PacedReader();
    const viewer = new WebSocket(`ws://127.0.0.1:${port}/ws/bench`, { perMessageDeflate: false });
    viewer.on('message', (data: Buffer) => reader.read(data));
    await once(viewer, 'open');
    const publisher = httpRequest({
      port,
      path: '/ts/bench',
      method: 'POST',
      headers: { 'Transfer-Encoding': 'chunked' },
    });
    publisher.setNoDelay(true);
    publisher.flushHeaders();
    publisher.on('error', (error) => {
      throw error;
    });

    const stream = new PacedStream();
    const began = performance.now();
    let warm: { cpuMs: number; at: number; messages: number } | undefined;
    while (performance.now() - began < WARM_UP_MS + forMs) {
      const { dueIn } = stream;
      // Made before it is due, as an encoder does; the clock starts with the write.
      const unit = stream.next();
      if (dueIn > 0) await sleep(dueIn);
      publisher.write(stamp(unit));
      if (!warm && performance.now() - began > WARM_UP_MS) {
        warm = { cpuMs: await ask(child), at: performance.now(), messages: reader.delays.length };
      }
    }
    await sleep(200);
    const cpuMs = (await ask(child)) - (warm?.cpuMs ?? 0);
    const delays = reader.delays.slice(warm?.messages ?? 0).toSorted((a, b) => a - b);
    const at = (share: number) =>
      delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] ?? Number.NaN;
    viewer.terminate();
    publisher.removeAllListeners('error').on('error', () => {
      // it is cut off in the middle of its body
    });
    publisher.destroy();
    return {
      messages: delays.length,
      p50: at(0.5),
      p99: at(0.99),
      most: at(1),
      cpuPercent: (100 * cpuMs) / (performance.now() - (warm?.at ?? 0)),
      lost: stream.packets - reader.packets,
      wrong: reader.wrong,
    };
  } finally {
    child.disconnect();
    await once(child, 'exit');
  }
}

const bare = await measure('bare', Math.min(seconds, 60) * 1000);
const agent = await measure('agent', seconds * 1000);
const row = (name: string, r: typeof agent) => ({
  server: name,
  messages: r.messages,
  'p50 ms': r.p50.toFixed(3),
  'p99 ms': r.p99.toFixed(3),
  'most ms': r.most.toFixed(1),
  'CPU %': r.cpuPercent.toFixed(2),
  'packets lost': r.lost,
  'out of order': r.wrong,
});
console.log(`2.5 Mbit/s like ffmpeg's, ${seconds} s`);
console.table([row('bare pass-through', bare), row('agent', agent)]);
const failures = [
  agent.p50 < 0.5 ? '' : `p50 ${agent.p50.toFixed(3)} ms is not below 0.5 ms`,
  agent.p99 < 3 ? '' : `p99 ${agent.p99.toFixed(3)} ms is not below 3 ms`,
  agent.lost === 0 ? '' : `${agent.lost} packets lost`,
  agent.wrong === 0 ? '' : `${agent.wrong} packets out of order`,
].filter((failure) => failure !== '');
for (const failure of failures) console.log(`MISSED: ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
