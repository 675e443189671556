import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import type { HashReply, HashRequest } from './hash-messages.ts';

/** Beside us, as source or built. */
const processFile = new URL(`./hash-process${extname(import.meta.filename)}`, import.meta.url);

/** Makes one hash; its end is for whoever made it. */
export interface Hashing extends AsyncDisposable {
  /** @returns base64. One at a time. */
  hash(request: HashRequest): Promise<string>;
}

/** The process that hashes, started when it is first needed, and again where it died. */
export class HashProcess implements Hashing {
  #child: ChildProcess | undefined;

  hash(request: HashRequest): Promise<string> {
    this.#child ??= this.#start();
    const child = this.#child;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const died = () => reject(new Error('the process that hashes passwords died'));
    const answered = (reply: unknown) => resolve((reply as HashReply).hash);
    child.once('exit', died);
    child.once('error', reject);
    child.once('message', answered);
    child.channel?.ref();
    child.send(request, (error) => {
      if (error) reject(error);
    });
    return promise.finally(() => {
      child.off('exit', died);
      child.off('error', reject);
      child.off('message', answered);
      child.channel?.unref();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (!child || child.pid === undefined) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  #start(): ChildProcess {
    // Nothing of the relay's surroundings is its business.
    const child = fork(processFile, { execArgv: [], env: {}, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const forget = () => {
      if (this.#child === child) this.#child = undefined;
    };
    child.once('exit', forget);
    child.on('error', forget);
    // It keeps nobody running, but while it hashes.
    child.unref();
    child.channel?.unref();
    return child;
  }
}
