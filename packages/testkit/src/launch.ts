import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** What to start, and when it is ready. */
export interface LaunchOptions {
  /** Kept running until `close`. Its output is collected. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Whose rights it has. Default: ours. */
  readonly uid?: number;
  readonly gid?: number;
  /** Ready when a line of its standard output or error matches. Without it: ready at once. */
  readonly readyWhen?: RegExp;
}

/** A program that a test has started. It ends when it is closed or disposed. */
export interface Launched extends AsyncDisposable {
  readonly process: ChildProcess;
  /** All output so far, both streams as they came. */
  readonly output: () => string;
  /** Resolves with the exit code, or the signal's name, when it is gone. */
  readonly exited: Promise<number | string>;
  /** Ends it with SIGTERM (or `signal`) and resolves when it is gone. Idempotent. */
  close(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts a real program for a test and resolves when it is ready.
 *
 * @throws with all it printed, where it ends before it is ready.
 */
export async function launch({ command, env, readyWhen, ...options }: LaunchOptions): Promise<Launched> {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    ...options,
    env: env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let onOutput: () => void = () => undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
      onOutput();
    });
  }
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  const launched: Launched = {
    process: child,
    output: () => output,
    exited,
    close: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
    },
    [Symbol.asyncDispose]: () => launched.close(),
  };
  await once(child, 'spawn');
  if (readyWhen) {
    const ready = new Promise<void>((resolve) => {
      onOutput = () => readyWhen.test(output) && resolve();
    });
    await Promise.race([
      ready,
      exited.then((code) => {
        throw new Error(`${command.join(' ')} ended with ${code} before it was ready:\n${output}`);
      }),
    ]);
  }
  return launched;
}

/** Below those that Linux gives to every connection that another test makes (`ip_local_port_range`). */
const PORTS = { from: 11_000, to: 32_768 };

/**
 * A port of 127.0.0.1 that was free a moment ago, for programs that cannot pick one themselves. Nobody gets it by chance
 * before they have it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false, // somebody has it
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
