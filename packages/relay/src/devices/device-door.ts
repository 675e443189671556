import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { callerAddress } from '../auth/caller.ts';
import type { Known, LastingAuthority } from '../people/caller.ts';

/** An enrolled device that has shown who it is. */
export type DeviceCaller = Known & { readonly kind: 'device' };

/** A device that has come in. */
export interface DeviceArrival {
  readonly webSocket: WebSocket;
  readonly socket: Duplex;
  readonly device: string;
  readonly household: string;
  /** On what its right to be here rests. */
  readonly by: LastingAuthority;
  /** From where, for people. */
  readonly from: string;
}

export interface DeviceDoorOptions {
  /** Who is let in is theirs from then on. */
  readonly to: { accept(arrival: DeviceArrival): void };
  /** The subprotocol that a client has to offer. Without it anyone speaks right. */
  readonly protocol?: string;
  readonly mostMessageBytes: number;
  /** Whether pings are answered by `ws`. Default true. */
  readonly autoPong?: boolean;
  /** A device that does not answer a goodbye is cut off after so many ms. */
  readonly closeTimeout: number;
}

/** Where devices come in by WebSocket, on one path. Who they are is found out before. */
export class DeviceDoor {
  readonly #options: DeviceDoorOptions;
  readonly #server: WebSocketServer;

  constructor(options: DeviceDoorOptions) {
    const { protocol, mostMessageBytes, autoPong = true, closeTimeout } = options;
    this.#options = options;
    // `ws` knows the option, its types do not yet.
    const closing = { closeTimeout };
    this.#server = new WebSocketServer({
      ...closing,
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      autoPong,
      maxPayload: mostMessageBytes,
      ...(protocol !== undefined && { handleProtocols: () => protocol }),
    });
  }

  /** Why a client cannot be spoken to, in words; `undefined` where it can. */
  whyNot({ headers }: IncomingMessage): string | undefined {
    const { protocol } = this.#options;
    const offered = (headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
    if (protocol === undefined || offered.includes(protocol)) return undefined;
    return `this path is for devices: offer the subprotocol ${protocol}`;
  }

  /** Makes the handshake with a device that may come in. */
  open(request: IncomingMessage, socket: Duplex, head: Buffer, caller: DeviceCaller): void {
    const { device, household, by } = caller;
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const from = callerAddress(request);
      this.#options.to.accept({ webSocket, socket, device, household, by, from });
    });
  }
}
