import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { captureLimits, FRAME_HEADER_BYTES, PERCH_CAPTURES_1 } from '@perch/protocol';
import { WebSocketServer } from 'ws';
import type { Known } from '../../people/caller.ts';
import type { CaptureLines } from './capture-lines.ts';

/** Where devices bring films: `/agent/captures`. Who they are is found out before. */
export class CaptureDoor {
  readonly #lines: CaptureLines;
  readonly #server: WebSocketServer;

  /** @param options.closeTimeout a device that does not answer a goodbye is cut off after so many ms. */
  constructor(options: { lines: CaptureLines; closeTimeout: number }) {
    const { lines, closeTimeout } = options;
    this.#lines = lines;
    // `ws` knows the option, its types do not yet.
    const closing = { closeTimeout };
    this.#server = new WebSocketServer({
      ...closing,
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: captureLimits.frameBytes + FRAME_HEADER_BYTES,
      handleProtocols: () => PERCH_CAPTURES_1,
    });
  }

  /** Whether the client speaks our protocol. */
  understands({ headers }: IncomingMessage): boolean {
    return (headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/).includes(PERCH_CAPTURES_1);
  }

  /** Makes the handshake with a device that may come in. */
  open(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    { device, household, by }: Known & { readonly kind: 'device' },
  ): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      this.#lines.accept({ webSocket, socket, device, household, by });
    });
  }
}

export const NO_CAPTURES_PROTOCOL = `this path is for devices with films: offer the subprotocol ${PERCH_CAPTURES_1}`;
