import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { HubMessage } from '@perch/hub';
import { MessageMarker, PacketWriter, writePat, writePes, writePmt } from '@perch/mpegts';
import { type WebSocket, WebSocketServer } from 'ws';

const [PMT, VIDEO, AUDIO] = [0x1000, 0x100, 0x101];

/** A feed of pictures, each of them one message and told by its number. */
export class Pictures {
  readonly #writer = new PacketWriter();
  readonly #marker = new MessageMarker();
  #next = 0;

  /** PAT, PMT and a key frame. */
  key(size = 400): HubMessage {
    const tables = [
      this.#writer.section(0, writePat({ programs: [{ programNumber: 1, pmtPid: PMT }] })),
      this.#writer.section(
        PMT,
        writePmt({
          programNumber: 1,
          version: 0,
          pcrPid: VIDEO,
          descriptors: [],
          streams: [
            { streamType: 0x1b, pid: VIDEO, descriptors: [] },
            { streamType: 0x0f, pid: AUDIO, descriptors: [] },
          ],
        }),
      ),
    ];
    return this.#message(Buffer.concat([...tables, this.#unit(true, size)]));
  }

  /** A picture that needs those before it. */
  next(size = 400): HubMessage {
    return this.#message(this.#unit(false, size));
  }

  /** A bit of sound, not numbered. */
  sound(size = 100): HubMessage {
    const pes = writePes({ streamId: 0xc0 }, Buffer.alloc(size, 0xbb));
    return this.#message(this.#writer.pes(AUDIO, pes, { randomAccess: true }));
  }

  #unit(randomAccess: boolean, size: number): Uint8Array {
    const payload = Buffer.alloc(size, 0xaa);
    payload.writeUInt32BE(this.#next++, 0);
    return this.#writer.pes(VIDEO, writePes({ streamId: 0xe0 }, payload), { randomAccess });
  }

  #message(bytes: Uint8Array): HubMessage {
    return { bytes, text: false, mark: { ...this.#marker.mark(bytes), capturedAt: 1_800_000_000_000_000 } };
  }
}

/** The numbers of the pictures that begin in some bytes of {@link Pictures}. */
export function numbersOf(bytes: Uint8Array): number[] {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers: number[] = [];
  for (let at = whole.indexOf(START); at >= 0; at = whole.indexOf(START, at + 1)) {
    numbers.push(whole.readUInt32BE(at + 6 + 3 + (whole[at + 8] as number)));
  }
  return numbers;
}

const START = Buffer.from([0, 0, 1, 0xe0]);

/** A destination: what came, and how it ended. */
export class FarEnd {
  readonly url: string;
  readonly sockets: WebSocket[] = [];
  readonly messages: { readonly data: Buffer; readonly binary: boolean }[] = [];
  readonly codes: number[] = [];

  private constructor(url: string) {
    this.url = url;
  }

  /** @param options.delay holds the handshake up until it resolves. */
  static async open(
    t: TestContext,
    options: { protocol?: string; delay?: Promise<void>; onOpen?: (socket: WebSocket) => void } = {},
  ): Promise<FarEnd> {
    const { protocol = false, delay } = options;
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      handleProtocols: () => protocol,
      ...(delay && { verifyClient: (_info, answer) => void delay.then(() => answer(true)) }),
    });
    await once(server, 'listening');
    const far = new FarEnd(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/in/v`);
    server.on('connection', (socket) => {
      far.sockets.push(socket);
      socket.on('message', (data: Buffer, binary: boolean) => far.messages.push({ data, binary }));
      socket.on('close', (code) => far.codes.push(code));
      options.onOpen?.(socket);
    });
    t.after(() => {
      for (const client of server.clients) client.terminate();
      server.close();
    });
    return far;
  }

  /** The pictures that came. */
  get numbers(): number[] {
    return this.messages.flatMap(({ data, binary }) => (binary ? numbersOf(data) : []));
  }
}

/** Resolves when `holds`, looked at each turn of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
