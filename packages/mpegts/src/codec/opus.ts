// "Encapsulation of Opus in MPEG-TS" (opus-codec.org, 0.1.8), and RFC 6716 3.1 for durations. A PES packet holds whole
// access units, each with a control header:
//
//   prefix(11) = 0x3ff  start_trim(1) end_trim(1) extension(1) reserved(2)   au_size: bytes of 0xff and one below, added
//   start_trim: reserved(3) samples(13)   end_trim: the same   extension: length(8) and so many bytes
import { u8, u16 } from '../bytes.ts';
import { ticks90k } from '../time.ts';
import type { OpusConfig } from './config.ts';
import type { Framer, FramerSink, TimedPes } from './framer.ts';

/** RFC 6716 table 2: frame durations in ticks of 90 kHz, by the upper five bits of the TOC byte. */
const durations = [
  [900, 1800, 3600, 5400], // SILK
  [900, 1800], // hybrid
  [225, 450, 900, 1800], // CELT
] as const;

/** The duration of an Opus packet in ticks of 90 kHz. */
export function opusDuration(packet: Uint8Array, at = 0, end = packet.length): number {
  if (at >= end) return 0;
  const toc = u8(packet, at);
  const mode = toc >> 3;
  const frame =
    mode < 12 ? durations[0][mode & 3] : mode < 16 ? durations[1][mode & 1] : durations[2][mode & 3];
  // RFC 6716 3.2: code 0 is one frame, 1 and 2 are two, 3 tells it in the next byte.
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : at + 1 < end ? u8(packet, at + 1) & 0x3f : 0;
  return (frame ?? 0) * frames;
}

/** Access units of Opus: the packets without their control headers. */
export class OpusFramer implements Framer {
  readonly #sink: FramerSink;
  readonly #config: OpusConfig;
  #next: number | undefined;

  /** `channelConfig`: channel_config_code of the PMT; 2 where it says nothing. */
  constructor(channelConfig: number | undefined, sink: FramerSink) {
    this.#sink = sink;
    const code = channelConfig ?? 2;
    // 0 is dual mono, 0x80 + n the same with mapping family 255, others are spelt out in the descriptor.
    const channels = code === 0 ? 2 : code <= 8 ? code : code & 0x7f || 2;
    this.#config = { codec: 'opus', sampleRate: 48_000, channels, channelConfig: code };
  }

  push(pes: TimedPes): void {
    if (pes.pts !== undefined) this.#next = pes.pts;
    const bytes = pes.payload;
    let at = 0;
    while (at < bytes.length) {
      const header = controlHeader(bytes, at);
      const end = header ? header.packet + header.size : 0;
      if (!header || header.size === 0 || end > bytes.length) {
        this.#sink.onFault(header && end > bytes.length ? 'incomplete' : 'header', bytes.length - at);
        return;
      }
      this.#deliver(bytes.slice(header.packet, end));
      at = end;
    }
  }

  lost(): void {
    this.#next = undefined;
  }

  flush(): void {
    this.lost();
  }

  #deliver(data: Uint8Array): void {
    if (this.#next === undefined) {
      this.#sink.onFault('no-timestamp', data.length);
      return;
    }
    const pts = ticks90k(this.#next);
    const duration = ticks90k(opusDuration(data));
    this.#next += duration;
    this.#sink.onFrame({
      codec: 'opus',
      pts,
      dts: pts,
      duration,
      randomAccess: true,
      keyFrame: true,
      damaged: false,
      data,
      config: this.#config,
    });
  }
}

function controlHeader(bytes: Uint8Array, at: number): { packet: number; size: number } | undefined {
  const first = u16(bytes, at);
  if (first >> 5 !== 0x3ff) return undefined;
  let position = at + 2;
  let size = 0;
  let part = 0xff;
  while (part === 0xff && position < bytes.length) {
    part = u8(bytes, position++);
    size += part;
  }
  if (first & 0x10) position += 2; // start_trim
  if (first & 0x08) position += 2; // end_trim
  if (first & 0x04) position += 1 + u8(bytes, position); // control_extension
  return { packet: position, size };
}
