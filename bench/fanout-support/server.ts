import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Question } from './server-process.ts';

const script = fileURLToPath(new URL('server-process.ts', import.meta.url));
/** What `perch relay` loads before anything else. */
const heap = new URL('../../packages/cli/bin/heap.js', import.meta.url).href;

/** A server in its own process on its own core. */
export class MeasuredServer {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** @param options.core the core it gets for itself; the rest is for publisher and viewers. */
  static async start(options: {
    kind: 'relay' | 'loop' | 'floor';
    dir: string;
    tls: boolean;
    core?: number;
    nodeFlags?: readonly string[];
  }): Promise<MeasuredServer> {
    const flags = [...(options.kind === 'relay' ? [`--import=${heap}`] : []), ...(options.nodeFlags ?? [])];
    const node = [process.execPath, ...flags, script, options.kind, options.dir];
    const command = ['taskset', '-c', String(options.core ?? 0), ...node, ...(options.tls ? ['tls'] : [])];
    const child = spawn(command[0] as string, command.slice(1), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const answer = (await Promise.race([
      once(child, 'message').then(([message]) => message),
      once(child, 'exit').then(() => undefined),
    ])) as Answer | undefined;
    if (answer?.kind !== 'ready') throw new Error(`the ${options.kind} server did not start`);
    return new MeasuredServer(child, answer.port);
  }

  async usage(): Promise<{ cpuMs: number; rss: number }> {
    const answer = once(this.#child, 'message');
    this.ask('usage');
    const [message] = (await answer) as [Answer];
    if (message.kind !== 'usage') throw new Error(`unexpected answer ${message.kind}`);
    return message;
  }

  ask(question: Question): void {
    this.#child.send(question);
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.ask('stop');
    await gone;
  }
}
