// ISO/IEC 13818-1 2.12.4: metadata in PES packets. In those of stream_id metadata_stream an access unit is in one or more
// cells, as SMPTE ST 1402 has it for KLV that is synchronous with the picture:
//
//   metadata_service_id(8) sequence_number(8) cell_fragment_indication(2) decoder_config(1) random_access(1) …(4)
//   AU_cell_data_length(16)
//
// Asynchronous KLV, and ID3 as HTTP Live Streaming sends it, fill the payload of a PES packet without any cell.
import { concat, u8, u16 } from '../bytes.ts';
import { limits } from '../limits.ts';
import type { Ticks90k } from '../time.ts';
import type { Framer, FramerSink, TimedPes } from './framer.ts';
import { WholeFramer } from './whole.ts';

/** Table 2-22: stream_id of PES packets with cells. */
export const METADATA_STREAM_ID = 0xfc;

const HEADER_BYTES = 5;
/** cell_fragment_indication: bit 1 says that the access unit begins here, bit 0 that it ends. */
const FIRST = 2;
const LAST = 1;

/** More cells of one access unit than anybody sends; this bounds what is kept. */
const MOST_CELLS = 1024;

/** How the formats begin: a universal label of SMPTE, an ID3v2 header. No cell begins like that. */
const begins = { klv: [0x06, 0x0e, 0x2b, 0x34], timed_id3: [0x49, 0x44, 0x33] } as const;

/** An access unit whose last cell is yet to come. */
interface Open {
  readonly parts: Uint8Array[];
  bytes: number;
  readonly pts: Ticks90k;
  readonly randomAccess: boolean;
}

/** Access units of KLV and of timed ID3: what is in the cells, without their headers. */
export class MetadataFramer implements Framer {
  readonly #codec: 'klv' | 'timed_id3';
  readonly #sink: FramerSink;
  readonly #whole: WholeFramer;
  #open: Open | undefined;

  constructor(codec: 'klv' | 'timed_id3', sink: FramerSink) {
    this.#codec = codec;
    this.#sink = sink;
    this.#whole = new WholeFramer(codec, sink);
  }

  push(pes: TimedPes): void {
    const { payload } = pes;
    const bare = begins[this.#codec].every((byte, i) => u8(payload, i) === byte);
    if (pes.streamId !== METADATA_STREAM_ID || bare) {
      this.#whole.push(pes);
      return;
    }
    const due = pes.pts ?? pes.latest;
    if (due === undefined) {
      this.#sink.onFault('no-timestamp', payload.length);
      return;
    }
    let at = 0;
    while (at < payload.length) {
      const end = at + HEADER_BYTES + u16(payload, at + 3);
      if (end > payload.length) {
        this.#sink.onFault('incomplete', payload.length - at);
        this.#drop();
        return;
      }
      this.#takeCell(payload.subarray(at, end), due);
      at = end;
    }
    if (pes.damaged) this.lost();
  }

  lost(): void {
    if (this.#open) this.#sink.onFault('incomplete', this.#open.bytes);
    this.#drop();
  }

  flush(): void {
    this.lost();
  }

  #drop(): void {
    this.#open = undefined;
  }

  #takeCell(cell: Uint8Array, pts: Ticks90k): void {
    const fragment = u8(cell, 2) >> 6;
    if (fragment & FIRST) {
      this.lost();
      this.#open = { parts: [], bytes: 0, pts, randomAccess: (u8(cell, 2) & 0x10) !== 0 };
    }
    const open = this.#open;
    const part = cell.slice(HEADER_BYTES);
    const isTooLong = (open: Open) =>
      open.parts.length >= MOST_CELLS || open.bytes + part.length > limits.pesBytes;
    if (!open || isTooLong(open)) {
      this.#sink.onFault('incomplete', (open?.bytes ?? 0) + part.length);
      this.#drop();
      return;
    }
    open.parts.push(part);
    open.bytes += part.length;
    if ((fragment & LAST) === 0) return;
    this.#drop();
    this.#sink.onFrame({
      codec: this.#codec,
      pts: open.pts,
      dts: open.pts,
      duration: undefined,
      randomAccess: open.randomAccess,
      keyFrame: open.randomAccess,
      damaged: false,
      data: concat(...open.parts),
      config: undefined,
    });
  }
}
