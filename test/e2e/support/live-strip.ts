import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildPlayer } from '@perch/player/build';

const program = (name: string) => path.join(import.meta.dirname, name);

/** Ends a child process and waits until it is gone. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(hard);
}

/** A strip source → ffmpeg → agent → relay chain, each a process of its own. */
export interface LiveStrip extends AsyncDisposable {
  readonly relay: string;
  /** A directory with the built player. */
  readonly webRoot: string;
  /** When the latest key frame was painted, by `Date.now()`. */
  readonly keyFrameAt: () => number;
}

/** Starts the chain; `gop` is the key-frame interval in frames at 30/s. */
export async function startLiveStrip(options: {
  readonly sound: 'none' | 'aac' | 'opus';
  readonly gop: number;
  /** How long before its time the tone is handed to ffmpeg, in ms: see `strip-source.ts`. */
  readonly ahead?: number;
}): Promise<LiveStrip> {
  await using stack = new AsyncDisposableStack();
  const webRoot = await mkdtemp(path.join(tmpdir(), 'perch-web-'));
  stack.defer(() => rm(webRoot, { recursive: true, force: true }));
  await buildPlayer({ outdir: webRoot });
  const hop = fork(program('hop.ts'), [webRoot], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  stack.defer(() => end(hop));
  const [{ relay, agent }] = (await once(hop, 'message')) as [{ relay: string; agent: string }];
  const source = fork(
    program('strip-source.ts'),
    [
      `${agent}/ts/video0`,
      '--sound',
      options.sound,
      '--gop',
      String(options.gop),
      ...(options.ahead === undefined ? [] : ['--ahead', String(options.ahead)]),
    ],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  stack.defer(() => end(source));
  let keyFrameAt = 0;
  source.on('message', (message: { keyFrameAt: number }) => {
    keyFrameAt = message.keyFrameAt;
  });
  await once(source, 'message');
  const owned = stack.move();
  return { relay, webRoot, keyFrameAt: () => keyFrameAt, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Middle and 95 % of some figures. */
export function spread(values: readonly number[]): { readonly median: number; readonly p95: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { median: at(0.5), p95: at(0.95) };
}
