import {
  type AgentMessage,
  channelLimits,
  type RelayMessage,
  type RequestBody,
  type RequestFailure,
  type RequestId,
  requestKinds,
} from '@perch/protocol';
import type { Logger } from '@perch/runtime';
import { Answers, type Result } from './answers.ts';

/** Does what is asked. Rejects with a {@link RequestError} where it is not done. */
export type DoRequest = (body: RequestBody) => Promise<unknown>;

/** Why a request was not done, as the relay is told. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly failure: RequestFailure;

  constructor(failure: RequestFailure, options?: ErrorOptions) {
    super(failure.message, options);
    this.failure = failure;
  }
}

export type Asked = Extract<RelayMessage, { type: 'request' | 'ask' | 'heard' }>;
type Request = Extract<Asked, { type: 'request' }>;

export interface SessionOptions {
  readonly perform: DoRequest;
  readonly logger: Logger;
}

/**
 * Requests of one relay over all connections to it: each is begun at most once as long as it is remembered, and its
 * answer goes out on the connection that there is then.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #answers = new Answers();
  /** Of the newest connection; others' messages are of the past. */
  #way: ((message: AgentMessage) => void) | undefined;
  #onSettled: (() => void) | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /**
   * Answers go out by `send` from now on.
   *
   * @param foreign requests up to this may have gone to another one than us.
   * @returns where to bring what the relay asks on this connection.
   */
  open(
    foreign: RequestId,
    send: (message: AgentMessage) => void,
  ): { take(asked: Asked): void; close(): void } {
    this.#answers.disown(foreign);
    this.#way = send;
    return {
      take: (asked) => {
        if (this.#way === send) this.#take(asked);
      },
      close: () => {
        if (this.#way === send) this.#way = undefined;
      },
    };
  }

  /** Calls back once, when nothing is being done and the relay has every answer. */
  whenSettled(then: () => void): void {
    this.#onSettled = then;
    this.#checkSettled();
  }

  #take(asked: Asked): void {
    switch (asked.type) {
      case 'request':
        this.#request(asked);
        break;
      case 'ask':
        this.#say(asked.id);
        break;
      case 'heard':
        this.#answers.heard(asked.id);
        this.#checkSettled();
        break;
    }
  }

  #request(request: Request): void {
    const { id, kind } = request;
    const known = this.#answers.find(id);
    const mayBegin =
      known === 'never-begun' ||
      (known === 'forgotten' && kind !== 'unknown' && requestKinds[kind] === 'idempotent');
    if (!mayBegin) {
      this.#say(id);
      return;
    }
    const isBusy = this.#answers.running >= channelLimits.requests;
    this.#answers.begin(id);
    if (kind === 'unknown') this.#finish({ type: 'result', id, error: unsupported(request.named) });
    else if (isBusy) this.#finish({ type: 'result', id, error: BUSY });
    else if (request.within <= 0) this.#finish({ type: 'result', id, error: TOO_LATE });
    else void this.#perform(request);
  }

  async #perform(request: Extract<Request, RequestBody>): Promise<void> {
    const { id } = request;
    this.#way?.({ type: 'begun', id });
    try {
      const value = (await this.#options.perform(request)) ?? null;
      this.#finish({ type: 'result', id, value });
    } catch (error) {
      this.#finish({ type: 'result', id, error: this.#failureOf(error, request.kind) });
    }
  }

  #failureOf(error: unknown, kind: string): RequestFailure {
    if (error instanceof RequestError) return error.failure;
    const message = error instanceof Error ? error.message : String(error);
    this.#options.logger.error('a request failed', { kind, error: message });
    return { status: 500, code: 'internal', message: `internal error: ${message}` };
  }

  #finish(result: Result): void {
    // Remembered in any case, also while nobody is there to be told.
    const remembered = this.#answers.finish(result);
    this.#way?.(remembered);
    this.#checkSettled();
  }

  /** What became of it. */
  #say(id: RequestId): void {
    const known = this.#answers.find(id);
    if (known === 'never-begun') this.#way?.({ type: 'about', id, is: 'not-begun' });
    else if (known === 'forgotten') this.#way?.({ type: 'about', id, is: 'forgotten' });
    else if (known.kind === 'running') this.#way?.({ type: 'about', id, is: 'begun' });
    else if (known.kind === 'answered') this.#way?.(known.result);
    // `heard`: the relay has the answer, and asks no more.
  }

  #checkSettled(): void {
    if (!this.#answers.isSettled) return;
    const then = this.#onSettled;
    this.#onSettled = undefined;
    then?.();
  }
}

const BUSY: RequestFailure = {
  status: 503,
  code: 'busy',
  message: 'the device does as much at once as it can; try again when that is done',
};
const TOO_LATE: RequestFailure = {
  status: 504,
  code: 'too-late',
  message: 'the request came to the device after its deadline; nothing was done',
};
const unsupported = (kind: string): RequestFailure => ({
  status: 501,
  code: 'unsupported',
  message: `this device does not know requests of kind ${JSON.stringify(kind)}: update it`,
});
