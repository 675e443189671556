import type { IncomingMessage } from 'node:http';
import {
  type AgentMessage,
  channelLimits,
  closeCodes,
  decodeRelayMessage,
  encodeChannel,
  isRefusal,
  limits,
  PERCH_AGENT_1,
  ProtocolError,
  type RelayMessage,
} from '@perch/protocol';
import { type Clock, millis, type Timer } from '@perch/runtime';
import type { WebSocket } from 'ws';
import type { Dialer } from '../uplink/dial.ts';
import type { DeviceIdentity } from './identity.ts';
import { controlAddress } from './relay-list.ts';

export type Welcome = Extract<RelayMessage, { type: 'welcome' }>;
/** What a relay says after its welcome. */
export type Told = Exclude<RelayMessage, Welcome>;

/** Why a line ended, or never came to be. */
export interface End {
  /** For people. */
  readonly words: string;
  /** `replaced`: another agent took our place. `refused`: it does not want us, so trying again soon is pointless. */
  readonly kind: 'lost' | 'refused' | 'replaced';
}

export interface LineOptions {
  /** `https://relay.example` */
  readonly relay: string;
  readonly identity: DeviceIdentity;
  readonly dialer: Dialer;
  /** New at each start of the agent. */
  readonly boot: string;
  readonly software: string;
  readonly clock: Clock;
  readonly onWelcome: (welcome: Welcome) => void;
  readonly onTold: (told: Told) => void;
  /** Called once, and last; not after `close`. */
  readonly onEnd: (end: End) => void;
}

/** One control connection to one relay, from dialling to its end. */
export class Line {
  readonly relay: string;
  readonly #options: LineOptions;
  readonly #deadline: Timer;
  #socket: WebSocket | undefined;
  #silence: Timer | undefined;
  #heardAt: number;
  #isWelcome = false;
  #hasEnded = false;
  #refusal: string | undefined;

  /** Dials at once. */
  constructor(options: LineOptions) {
    const { clock, relay } = options;
    this.relay = relay;
    this.#options = options;
    this.#heardAt = clock.now();
    this.#deadline = clock.after(limits.dialTimeout, () => {
      this.#end({ words: `no answer in ${limits.dialTimeout / 1_000} s`, kind: 'lost' });
    });
    void this.#dial();
  }

  get isFull(): boolean {
    return (this.#socket?.bufferedAmount ?? 0) > channelLimits.bufferedBytes;
  }

  send(message: AgentMessage): void {
    const socket = this.#socket;
    if (socket?.readyState === socket?.OPEN) socket?.send(encodeChannel(message));
  }

  /** Says goodbye with 1000. Resolves when the socket is gone. Idempotent. */
  close(reason: string): Promise<void> {
    const isEnding = this.#hasEnded;
    this.#hasEnded = true;
    this.#cancel();
    const socket = this.#socket;
    if (!socket || socket.readyState === socket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      socket.once('close', () => resolve());
      if (!isEnding) socket.close(closeCodes.normal, reason);
    });
  }

  async #dial(): Promise<void> {
    const { relay, identity, dialer } = this.#options;
    const url = controlAddress(relay);
    try {
      const headers = await identity.headers(url);
      if (this.#hasEnded) return;
      const credentials = { headers, ...(identity.tls && { tls: identity.tls }) };
      this.#socket = this.#listen(dialer.dial(url, [PERCH_AGENT_1], credentials).socket);
    } catch (error) {
      this.#end({ words: inWords(error), kind: 'lost' });
    }
  }

  #listen(socket: WebSocket): WebSocket {
    const { boot, software, clock } = this.#options;
    let failure: unknown;
    socket.on('open', () => {
      this.#heardAt = clock.now();
      this.send({ type: 'hello', boot, software, now: clock.wall() });
    });
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.#heardAt = clock.now();
      if (!this.#hasEnded) this.#read(data, isBinary);
    });
    const heard = () => {
      this.#heardAt = clock.now();
    };
    socket.on('ping', heard);
    socket.on('pong', heard);
    socket.on('unexpected-response', (request, response) => {
      void readRefusal(response).then((words) => {
        this.#refusal = words;
        request.destroy();
        const isPointless = [401, 403, 404].includes(response.statusCode ?? 0);
        this.#end({ words, kind: isPointless ? 'refused' : 'lost' });
      });
    });
    socket.on('error', (error) => {
      // `close` always follows and says it.
      failure = error;
    });
    socket.on('close', (code, reason) => {
      const told = `closed with ${code}${reason.length > 0 ? `: ${reason}` : ''}`;
      const words = this.#refusal ?? (failure === undefined ? told : inWords(failure));
      this.#end({ words, kind: kindOf(code) });
    });
    return socket;
  }

  #read(data: Buffer, isBinary: boolean): void {
    try {
      if (isBinary) throw new ProtocolError('bad-agent-message', 'the control connection carries text only');
      const message = decodeRelayMessage(data.toString());
      if (message?.type === 'welcome') this.#welcome(message);
      else if (message && this.#isWelcome) this.#options.onTold(message);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#socket?.close(closeCodes.protocolError, error.message.slice(0, 120));
      this.#end({ words: `the relay broke the protocol: ${error.message}`, kind: 'lost' });
    }
  }

  #welcome(welcome: Welcome): void {
    if (this.#isWelcome) throw new ProtocolError('bad-agent-message', 'welcome is said once');
    this.#isWelcome = true;
    this.#deadline.cancel();
    this.#watchSilence();
    this.#options.onWelcome(welcome);
  }

  /** Asks a quiet relay whether it is there, and gives up one that does not answer. */
  #watchSilence(): void {
    const { clock } = this.#options;
    const silence = clock.now() - this.#heardAt;
    if (silence >= channelLimits.silence) {
      this.#end({ words: `not a word for ${Math.round(silence / 1_000)} s`, kind: 'lost' });
      return;
    }
    const isQuiet = silence >= channelLimits.quiet;
    if (isQuiet && this.#socket?.readyState === this.#socket?.OPEN) this.#socket?.ping();
    const pause = isQuiet ? channelLimits.quiet : millis(channelLimits.quiet - silence);
    this.#silence = clock.after(pause, () => this.#watchSilence());
  }

  #end(end: End): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cancel();
    if (this.#socket?.readyState !== this.#socket?.CLOSING) this.#socket?.terminate();
    this.#options.onEnd(end);
  }

  #cancel(): void {
    this.#deadline.cancel();
    this.#silence?.cancel();
  }
}

function kindOf(code: number): End['kind'] {
  if (code === closeCodes.replaced) return 'replaced';
  // A right that has ended may have been renewed long ago: the next try shows it.
  return code !== closeCodes.unauthorised && isRefusal(code) ? 'refused' : 'lost';
}

/** What a relay says that does not let us in: its own words, where it has some. */
async function readRefusal(response: IncomingMessage): Promise<string> {
  const status = `it answered ${response.statusCode}`;
  let body = '';
  try {
    for await (const part of response.setEncoding('utf8')) {
      body += part;
      if (body.length > REFUSAL_CHARS) break;
    }
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === 'string' ? `${status}: ${message.slice(0, 500)}` : status;
  } catch {
    return status; // no words came, or none that we understand
  }
}

const REFUSAL_CHARS = 4_096;

/** An error with what caused it, as far as that says more. */
function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause.message : '';
  return cause === '' || error.message.includes(cause) ? error.message : `${error.message}: ${cause}`;
}
