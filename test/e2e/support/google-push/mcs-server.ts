// Chromium's Mobile Connection Server protocol: google_apis/gcm/protocol/mcs.proto, framed by a tag and a length over TLS.
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { encodeMessage, readVarint, varint } from './protobuf.ts';

const VERSION = 41;
/** google_apis/gcm/base/mcs_util.h, MCSProtoTag. */
const TAG = { heartbeatPing: 0, heartbeatAck: 1, loginRequest: 2, loginResponse: 3, dataMessage: 8 } as const;

/** To which registration of a browser a message goes. */
export interface Registered {
  readonly category: string;
  readonly subtype: string;
  readonly sender: string;
}

/** The connection that a browser keeps to its maker, by which pushes come. */
export class McsServer {
  readonly server: Server;
  readonly #sockets = new Set<TLSSocket>();
  /** Browsers that have logged in. */
  readonly #loggedIn = new Set<TLSSocket>();
  #sent = 0;
  #wake: (() => void)[] = [];

  constructor(certificate: { cert: string; key: string }) {
    this.server = createServer(certificate, (socket) => this.#accept(socket));
  }

  /** Brings a message to the browser, once one has logged in. */
  async bring({ category, subtype, sender }: Registered, body: Buffer, encoding: string): Promise<void> {
    while (this.#loggedIn.size === 0) await new Promise<void>((resolve) => this.#wake.push(resolve));
    const id = `${++this.#sent}`;
    const appData = (key: string, value: string) =>
      [
        7,
        encodeMessage([
          [1, key],
          [2, value],
        ]),
      ] as const;
    const message = encodeMessage([
      [2, id],
      [3, sender],
      [5, category],
      appData('subtype', subtype),
      appData('content-encoding', encoding),
      [9, `0:${id}`],
      [17, 60],
      [21, body],
    ]);
    for (const socket of this.#loggedIn) socket.write(framed(TAG.dataMessage, message));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }

  #accept(socket: TLSSocket): void {
    this.#sockets.add(socket);
    let rest = Buffer.alloc(0);
    let isGreeted = false;
    socket.on('error', () => undefined); // the browser ends as it likes
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#loggedIn.delete(socket);
    });
    socket.on('data', (part: Buffer) => {
      rest = Buffer.concat([rest, part]);
      if (!isGreeted && rest.length > 0) {
        isGreeted = true;
        rest = rest.subarray(1); // its version
        socket.write(Buffer.from([VERSION]));
      }
      for (;;) {
        const size = readVarint(rest.subarray(1));
        const end = size && 1 + size.length + size.value;
        if (end === undefined || rest.length < end) return;
        const tag = rest.readUInt8(0);
        rest = rest.subarray(end);
        if (tag === TAG.heartbeatPing) socket.write(framed(TAG.heartbeatAck, Buffer.alloc(0)));
        if (tag === TAG.loginRequest) this.#logIn(socket);
      }
    });
  }

  #logIn(socket: TLSSocket): void {
    socket.write(
      framed(
        TAG.loginResponse,
        encodeMessage([
          [1, 'login'],
          [9, Date.now()],
        ]),
      ),
    );
    this.#loggedIn.add(socket);
    for (const wake of this.#wake.splice(0)) wake();
  }
}

const framed = (tag: number, message: Buffer): Buffer =>
  Buffer.concat([Buffer.from([tag]), varint(message.length), message]);
