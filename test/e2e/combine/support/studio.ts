import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { Agent } from '@perch/agent';
import { FarEnd, startTestAgent } from '../../../conformance/vw-harness.ts';

/** An agent with a stream that goes to a destination, both real, and ffmpegs that post to it. */
export interface Studio {
  readonly agent: Agent;
  readonly far: FarEnd;
  /** Posts JSON; throws where the agent refuses it. */
  post(path: string, body: object): Promise<unknown>;
  /** Runs ffmpeg in real time, its output posted as a feed. Gone when the test is. */
  encode(feed: string, args: readonly string[]): Encoder;
  /** What came to the destination so far, all connections after one another. */
  received(): Buffer;
  /** Resolves when so much more media time has come, in ms by the wall clock of arrivals. */
  record(ms: number): Promise<void>;
  /** A file with what came so far, or with the part of it that is wanted. */
  file(name: string, wanted?: (stream: Buffer) => Buffer): Promise<string>;
}

export interface Encoder {
  /** Kills it as a crash would. */
  kill(): Promise<void>;
}

/** Builds one around stream `stream/x`, of these feeds. */
export async function startStudio(t: TestContext, feeds: readonly string[]): Promise<Studio> {
  const dir = await mkdtemp(path.join(tmpdir(), 'perch-studio-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  // Encoders end before the agent does, so that none complains of it.
  const encoders = new Set<Encoder>();
  t.after(() => Promise.all([...encoders].map((encoder) => encoder.kill())));
  const agent = await startTestAgent(t);
  const far = await FarEnd.open(t);
  const post = async (where: string, body: object): Promise<unknown> => {
    const answer = await fetch(agent.url + where, {
      method: 'POST',
      body: JSON.stringify(body),
      // Seconds lie between two of these: a connection that is kept may be given up by the agent just as it is used again.
      headers: { Connection: 'close' },
    });
    if (!answer.ok) throw new Error(`${where}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  await post('/api/streams', { stream: 'stream/x', feeds });
  await post('/api/destinations', { id: '0', stream: 'stream/x', destination: far.url });
  await far.arrival(0);
  const received = () =>
    Buffer.concat(far.arrivals.flatMap(({ client }) => client.messages.map(({ data }) => data)));
  return {
    agent,
    far,
    post,
    encode: (feed, args) => {
      const encoder = encode(`${agent.url}/ts/${feed}`, args);
      encoders.add(encoder);
      return encoder;
    },
    received,
    record: (ms) => passed(far, ms),
    file: async (name, wanted = (stream) => stream) => {
      const file = path.join(dir, `${name}.mpegts`);
      await writeFile(file, wanted(received()));
      return file;
    },
  };
}

/** Resolves at the first message that comes `ms` after the next one. */
async function passed(far: FarEnd, ms: number): Promise<void> {
  const count = () => far.arrivals.reduce((sum, { client }) => sum + client.messages.length, 0);
  const next = async () => {
    const client = far.arrivals.at(-1)?.client;
    const before = client?.messages.length ?? 0;
    await client?.until(() => client.messages.length > before);
  };
  await next();
  const end = performance.now() + ms;
  for (let seen = count(); performance.now() < end; seen = count()) {
    await next();
    if (count() === seen) throw new Error('nothing more came');
  }
}

function encode(url: string, args: readonly string[]): Encoder {
  const child = spawn(
    'ffmpeg',
    ['-hide_banner', '-nostdin', '-loglevel', 'error', ...args, '-f', 'mpegts', url],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return { kill: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Runs a program to its end: all that it printed, and how it ended. */
export async function run(program: string, args: readonly string[]): Promise<{ code: number; out: string }> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      out += chunk;
    });
  }
  const [code] = (await once(child, 'close')) as [number];
  return { code, out };
}

/** A moving picture, in real time. */
export const picture = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25'];
/** A tone, in real time. */
export const tone = ['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'];
/** Encoders set up for little delay. */
export const h264 = [
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25'],
];
export const mpeg1 = ['-c:v', 'mpeg1video', '-bf', '0', '-g', '25', '-b:v', '1M'];
