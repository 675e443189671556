import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type AgentMessage,
  channelLimits,
  closeCodes,
  decodeAgentMessage,
  encodeChannel,
  ProtocolError,
  type RelayMessage,
} from '@perch/protocol';
import type { Clock, Logger } from '@perch/runtime';
import type { WebSocket } from 'ws';
import type { Way } from './requests.ts';

export type Hello = Extract<AgentMessage, { type: 'hello' }>;
/** What an agent says after its hello. */
export type Said = Exclude<AgentMessage, Hello>;

export interface AgentLineOptions {
  readonly webSocket: WebSocket;
  readonly socket: Duplex;
  /** From where it came, for people. */
  readonly from: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onHello: (hello: Hello) => void;
  readonly onSaid: (said: Said) => void;
  /** Gone. `isAnswered`: it said goodbye, so it was alive to the end. */
  readonly onClosed: (isAnswered: boolean) => void;
}

/** One WebSocket of an agent: hello first, only text, not too much, and never silent for long. */
export class AgentLine implements Way {
  readonly from: string;
  /** Set by its hello. */
  hello: Hello | undefined;
  readonly #options: AgentLineOptions;
  readonly #openedAt: number;
  #bytesRead = 0;
  #heardAt: number;
  #pingedAt: number;
  #unasked: number = channelLimits.unasked;
  #refilledAt: number;

  constructor(options: AgentLineOptions) {
    const { webSocket, clock, logger } = options;
    this.#options = options;
    this.from = options.from;
    this.#openedAt = clock.now();
    this.#heardAt = this.#openedAt;
    this.#pingedAt = this.#openedAt;
    this.#refilledAt = this.#openedAt;
    webSocket.on('message', (data, isBinary) => this.#read(data as Buffer, isBinary));
    webSocket.on('ping', (payload: Buffer) => {
      // Who asks without reading gets no more answers than it has room for.
      if (!this.isFull && this.#isOpen) webSocket.pong(payload);
    });
    // `close` follows each error and says as much; the rest is for whoever looks for the cause.
    webSocket.on('error', (error) => logger.debug('a control connection failed', { error: error.message }));
    webSocket.on('close', (code) => options.onClosed(code !== NO_GOODBYE));
  }

  get isFull(): boolean {
    return this.#options.socket.writableLength > channelLimits.bufferedBytes;
  }

  send(message: RelayMessage): void {
    if (this.#isOpen) this.#options.webSocket.send(encodeChannel(message));
  }

  /** Something came that nobody asked for: so much of it is taken, then the line is ended. */
  countUnasked(): void {
    const now = this.#options.clock.now();
    const earned = ((now - this.#refilledAt) / 1_000) * channelLimits.unaskedPerSecond;
    this.#refilledAt = now;
    this.#unasked = Math.min(channelLimits.unasked, this.#unasked + earned) - 1;
    if (this.#unasked < 0) this.end(closeCodes.policy, 'too many messages that nobody asked for');
  }

  /** Pings a quiet agent, and ends the line of one that is gone. Called about once a second. */
  tick(): void {
    const { clock, socket, webSocket, logger } = this.#options;
    const now = clock.now();
    const read = socket instanceof Socket ? socket.bytesRead : 0;
    if (read !== this.#bytesRead) {
      this.#bytesRead = read;
      this.#heardAt = now;
    }
    const silence = now - this.#heardAt;
    const isMute = this.hello === undefined && now - this.#openedAt >= channelLimits.helloTime;
    if (silence >= channelLimits.silence || isMute) {
      logger.info(isMute ? 'an agent did not say hello' : 'an agent is gone: no byte for too long', {
        from: this.from,
        silenceMs: Math.round(silence),
      });
      webSocket.terminate();
    } else if (silence >= channelLimits.quiet && now - this.#pingedAt >= channelLimits.quiet) {
      this.#pingedAt = now;
      if (this.#isOpen) webSocket.ping();
    }
  }

  /** Says goodbye; who does not answer in time is cut off. */
  end(code: number, reason: string): void {
    this.#options.webSocket.close(code, reason);
  }

  /** Ends it now: the goodbye goes out if it can, nobody waits for the answer. */
  dismiss(code: number, reason: string): void {
    const { webSocket, socket } = this.#options;
    if (socket.writableLength > 0) {
      webSocket.terminate();
      return;
    }
    webSocket.close(code, reason);
    socket.end();
  }

  terminate(): void {
    this.#options.webSocket.terminate();
  }

  get #isOpen(): boolean {
    const { webSocket } = this.#options;
    return webSocket.readyState === webSocket.OPEN;
  }

  #read(bytes: Buffer, isBinary: boolean): void {
    if (!this.#isOpen) return;
    try {
      if (isBinary) throw new ProtocolError('bad-agent-message', 'the control connection takes text only');
      this.#take(decodeAgentMessage(bytes.toString()));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#options.logger.warn('an agent broke the protocol', { from: this.from, error: error.message });
      this.end(closeCodes.protocolError, error.message.slice(0, 120));
    }
  }

  #take(message: AgentMessage | undefined): void {
    if (message?.type === 'hello') {
      if (this.hello) throw new ProtocolError('bad-agent-message', 'hello is said once');
      this.hello = message;
      this.#options.onHello(message);
    } else if (!this.hello) {
      throw new ProtocolError('bad-agent-message', 'hello must be said first');
    } else if (message) {
      this.#options.onSaid(message);
    } else {
      this.countUnasked();
    }
  }
}

/** RFC 6455 7.1.5: no close frame came. */
const NO_GOODBYE = 1006;
