import { randomUUID } from 'node:crypto';
import {
  type AgentMessage,
  channelLimits,
  decodeRelayMessage,
  encodeChannel,
  ProtocolError,
  type RelayMessage,
  type RequestBody,
  type RequestFailure,
  type RequestId,
  requestKinds,
} from '@perch/protocol';
import { type Clock, type Millis, millis, type Timer } from '@perch/runtime';

/** What became of a request. Each gets exactly one of these. */
export type Answer =
  | { readonly kind: 'done'; readonly value: unknown }
  /** The agent, or its protocol, says why not: it was not done. */
  | { readonly kind: 'failed'; readonly error: RequestFailure }
  /** Nobody was asked: the device is not connected, or too much waits for it already. */
  | { readonly kind: 'offline' | 'busy' }
  /** No answer came in time, or the agent was started anew meanwhile: it may have been done. */
  | { readonly kind: 'unknown' };

/** What an agent answers to a request. */
export type Reply = Extract<AgentMessage, { type: 'begun' | 'result' | 'about' }>;

/** The way to an agent while it is connected. */
export interface Way {
  send(message: RelayMessage): void;
  /** So much waits to be sent already that nothing is to be added. */
  readonly isFull: boolean;
}

interface Pending {
  readonly id: RequestId;
  readonly body: RequestBody;
  readonly bytes: number;
  /** On our clock; an agent is told only how long it has. */
  readonly deadline: number;
  readonly timer: Timer;
  readonly onBegun: (() => void) | undefined;
  readonly settle: (answer: Answer) => void;
}

/** How something is asked. */
export interface Asking {
  /** The answer comes no later than this. Default: {@link channelLimits}' `requestTime`. */
  readonly within?: Millis;
  /** Called when the agent has it and will answer; perhaps never, perhaps twice. */
  readonly onBegun?: () => void;
}

/**
 * The requests to one device, over all its connections: what was asked is answered once, by the agent or at the deadline.
 * When a new connection takes the place of a broken one, idempotent requests are sent again, and the agent is asked what
 * became of the others.
 */
export class Requests {
  /** Names this row of ids: an agent remembers answers under it. */
  readonly session: string = randomUUID();
  readonly #clock: Clock;
  readonly #pending = new Map<RequestId, Pending>();
  /** What those that wait take up. */
  #bytes = 0;
  #last: RequestId = 0;
  #foreign: RequestId = 0;
  #boot: string | undefined;
  #way: Way | undefined;

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock;
  }

  /** How many wait for their answer. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Asks the agent. Resolves with what became of it, within `within` at the latest; never rejects. */
  ask(body: RequestBody, { within = channelLimits.requestTime, onBegun }: Asking = {}): Promise<Answer> {
    const way = this.#way;
    if (!way) return Promise.resolve({ kind: 'offline' });
    const bytes = Buffer.byteLength(JSON.stringify(body));
    const unfit = whyUnfit(body, bytes);
    if (unfit) return Promise.resolve({ kind: 'failed', error: unfit });
    const isFull =
      this.#pending.size >= channelLimits.requests || this.#bytes + bytes > channelLimits.requestBytes;
    if (isFull || way.isFull) return Promise.resolve({ kind: 'busy' });
    this.#bytes += bytes;
    this.#last += 1;
    const id = this.#last;
    return new Promise((settle) => {
      const deadline = this.#clock.now() + within;
      const timer = this.#clock.after(within, () => this.#settle(id, { kind: 'unknown' }));
      const pending = { id, body, bytes, deadline, timer, onBegun, settle };
      this.#pending.set(id, pending);
      this.#send(pending, way);
    });
  }

  /**
   * The agent is about to be welcomed: of another start of it nothing is remembered.
   *
   * @returns up to which id requests may have gone to another one than this.
   */
  meet(boot: string): RequestId {
    if (boot !== this.#boot) this.#foreign = this.#last;
    this.#boot = boot;
    return this.#foreign;
  }

  /** The agent is connected (again) and welcomed; what has no answer yet is taken up. */
  resume(way: Way): void {
    this.#way = way;
    for (const pending of [...this.#pending.values()]) {
      if (requestKinds[pending.body.kind] === 'idempotent') this.#send(pending, way);
      else way.send({ type: 'ask', id: pending.id });
    }
  }

  /** The connection broke. What has no answer waits for the next one. */
  pause(way: Way): void {
    if (this.#way === way) this.#way = undefined;
  }

  /** Takes an answer. @returns whether it is one to a request that waits. */
  take(reply: Reply): boolean {
    // Also one that came too late, or twice: the agent need not keep it.
    if (reply.type === 'result' && reply.id <= this.#last) this.#way?.send({ type: 'heard', id: reply.id });
    const pending = this.#pending.get(reply.id);
    if (!pending) return false;
    if (reply.type === 'result') {
      if ('error' in reply) this.#settle(reply.id, { kind: 'failed', error: reply.error });
      else this.#settle(reply.id, { kind: 'done', value: reply.value });
    } else if (reply.type === 'begun' || reply.is === 'begun') {
      pending.onBegun?.();
    } else if (reply.is === 'forgotten') {
      this.#settle(reply.id, { kind: 'unknown' });
    } else if (this.#way) {
      this.#send(pending, this.#way);
    }
    return true;
  }

  /** Nobody will answer any more: the device was removed, or the relay stops. */
  close(): void {
    this.#way = undefined;
    for (const id of [...this.#pending.keys()]) this.#settle(id, { kind: 'unknown' });
  }

  #send({ id, body, deadline }: Pending, way: Way): void {
    way.send({ type: 'request', id, within: millis(Math.max(0, deadline - this.#clock.now())), ...body });
  }

  #settle(id: RequestId, answer: Answer): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    this.#bytes -= pending.bytes;
    pending.timer.cancel();
    pending.settle(answer);
  }
}

/** Why an agent could not read such a request: to send it would end the connection, again and again. */
function whyUnfit(body: RequestBody, bytes: number): RequestFailure | undefined {
  if (bytes > channelLimits.requestBytes) {
    return { status: 413, code: 'too-large', message: 'this is more than a request to a device may hold' };
  }
  try {
    decodeRelayMessage(encodeChannel({ type: 'request', id: 1, within: 1, ...body }));
    return undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { status: 400, code: error.code, message: error.message };
  }
}
