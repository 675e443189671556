import { type MessageMark, MessageMarker, PacketWriter, writePat, writePes, writePmt } from '@perch/mpegts';

/** A message of a topic. */
export interface PictureMessage {
  readonly bytes: Uint8Array;
  readonly text: boolean;
  readonly mark: MessageMark & { readonly capturedAt: number };
}

const [PMT, VIDEO, AUDIO] = [0x1000, 0x100, 0x101];

/** A feed of pictures, each of them one message and told by its number. */
export class Pictures {
  readonly #writer = new PacketWriter();
  readonly #marker = new MessageMarker();
  #next = 0;

  /** PAT, PMT and a key frame. */
  key(size = 400): PictureMessage {
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
  next(size = 400): PictureMessage {
    return this.#message(this.#unit(false, size));
  }

  /** A bit of sound, not numbered. */
  sound(size = 100): PictureMessage {
    const pes = writePes({ streamId: 0xc0 }, Buffer.alloc(size, 0xbb));
    return this.#message(this.#writer.pes(AUDIO, pes, { randomAccess: true }));
  }

  #unit(randomAccess: boolean, size: number): Uint8Array {
    const payload = Buffer.alloc(size, 0xaa);
    payload.writeUInt32BE(this.#next++, 0);
    return this.#writer.pes(VIDEO, writePes({ streamId: 0xe0 }, payload), { randomAccess });
  }

  #message(bytes: Uint8Array): PictureMessage {
    return { bytes, text: false, mark: { ...this.#marker.mark(bytes), capturedAt: 1_800_000_000_000_000 } };
  }
}

const START = Buffer.from([0, 0, 1, 0xe0]);

/** The numbers of the pictures that begin in some bytes of {@link Pictures}. */
export function numbersOf(bytes: Uint8Array): number[] {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers: number[] = [];
  for (let at = whole.indexOf(START); at >= 0; at = whole.indexOf(START, at + 1)) {
    numbers.push(whole.readUInt32BE(at + 6 + 3 + (whole[at + 8] as number)));
  }
  return numbers;
}
