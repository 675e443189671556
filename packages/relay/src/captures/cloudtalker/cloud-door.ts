import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Known } from '../../people/caller.ts';
import type { CloudLines } from './cloud-lines.ts';

/** A cloudtalker sends 1300 bytes at once; others of its kind may send more. */
const MOST_MESSAGE_BYTES = 1024 * 1024;

/** Where cloudtalkers come in: `/ds/v3`. Who they are, their client certificate has said. */
export class CloudDoor {
  readonly #lines: CloudLines;
  readonly #server: WebSocketServer;

  constructor(options: { lines: CloudLines; closeTimeout: number }) {
    const { lines, closeTimeout } = options;
    this.#lines = lines;
    // `ws` knows the option, its types do not yet.
    const closing = { closeTimeout };
    this.#server = new WebSocketServer({
      ...closing,
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MOST_MESSAGE_BYTES,
    });
  }

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
