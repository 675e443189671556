import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { channelLimits, PERCH_AGENT_1 } from '@perch/protocol';
import { WebSocketServer } from 'ws';
import { callerAddress } from '../../auth/caller.ts';
import type { Known } from '../../people/caller.ts';
import type { DeviceLinks } from './device-links.ts';

/** An enrolled device that has shown who it is. */
export type DeviceCaller = Known & { readonly kind: 'device' };

/** Where agents come in: `/agent`. Who they are is found out before. */
export class AgentDoor {
  readonly #links: DeviceLinks;
  readonly #server: WebSocketServer;

  /** @param options.closeTimeout an agent that does not answer a goodbye is cut off after so many ms. */
  constructor(options: { links: DeviceLinks; closeTimeout: number }) {
    const { links, closeTimeout } = options;
    this.#links = links;
    // `ws` knows the option, its types do not yet.
    const closing = { closeTimeout };
    this.#server = new WebSocketServer({
      ...closing,
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      autoPong: false,
      maxPayload: channelLimits.messageBytes,
      handleProtocols: () => PERCH_AGENT_1,
    });
  }

  /** Whether the client speaks our protocol. */
  understands({ headers }: IncomingMessage): boolean {
    return (headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/).includes(PERCH_AGENT_1);
  }

  /** Makes the handshake with an agent that may come in. */
  open(request: IncomingMessage, socket: Duplex, head: Buffer, caller: DeviceCaller): void {
    const { device, household, by } = caller;
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      this.#links.accept({ webSocket, socket, device, household, by, from: callerAddress(request) });
    });
  }
}

export const NO_AGENT_PROTOCOL = `this path is for agents: offer the subprotocol ${PERCH_AGENT_1}`;
