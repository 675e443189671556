import { concat } from '../bytes.ts';
import { type Ticks90k, ticks90k } from '../time.ts';
import type { Codec } from './codec.ts';
import type { CodecConfig } from './config.ts';
import type { Framer, FramerSink, TimedPes } from './framer.ts';

/** What the header of an audio frame says. */
export interface AudioHeader {
  /** Of the whole frame, header included. */
  readonly bytes: number;
  /** Per channel; 0 where only the inside of the frame tells. */
  readonly samples: number;
  /** In Hz; 0 where only the inside of the frame tells. */
  readonly sampleRate: number;
  /**
   * Frames with different values cannot be of one stream; a different one is described anew. Undefined: the header says
   * nothing of the sound, each frame is looked into.
   */
  readonly key: number | undefined;
}

/** What an audio frame is. */
export interface AudioDescription {
  readonly codec: Codec;
  readonly config: CodecConfig | undefined;
  /** Per channel, and in Hz, where the header does not tell them; undefined where the frame neither does. */
  readonly timing?: { readonly samples: number; readonly sampleRate: number } | undefined;
  /** A decoder can begin with it. Default true. */
  readonly randomAccess?: boolean;
}

/** A self-framing audio format: each frame begins with a sync word and tells its length. */
export interface AudioFormat {
  readonly headerBytes: number;
  /** The header at `at`, where there are at least {@link headerBytes}; undefined if it is none. */
  parse(bytes: Uint8Array, at: number): AudioHeader | undefined;
  /** The whole frame from `at` on; undefined if it contradicts itself. */
  describe(bytes: Uint8Array, at: number): AudioDescription | undefined;
}

/**
 * Access units of self-framing audio. A PES packet may hold several frames, and a frame may go over several PES packets;
 * a time stamp is that of the first frame which begins in its PES packet (ISO/IEC 13818-1 2.4.3.7).
 */
export class AudioFramer implements Framer {
  readonly #format: AudioFormat;
  readonly #sink: FramerSink;
  /** The begin of a frame, from PES packets before; shorter than one frame. */
  #carry = new Uint8Array(0);
  /** Whether a header is expected here, so that one alone is believed. */
  #inStep = false;
  /** When the next frame is due, not rounded, so that fractions do not add up. */
  #next: number | undefined;
  #key: number | undefined;
  #description: AudioDescription | undefined;

  constructor(format: AudioFormat, sink: FramerSink) {
    this.#format = format;
    this.#sink = sink;
  }

  push(pes: TimedPes): void {
    const carried = this.#carry.length;
    const bytes = carried > 0 ? concat(this.#carry, pes.payload) : pes.payload;
    let pts: Ticks90k | undefined = pes.pts;
    let at = 0;
    for (;;) {
      const found = this.#find(bytes, at);
      if (found.at > at) {
        this.#inStep = false;
        this.#sink.onFault('sync', found.at - at);
      }
      at = found.at;
      if (!found.header) break;
      if (at >= carried && pts !== undefined) {
        this.#next = pts;
        pts = undefined;
      }
      this.#deliver(bytes, at, found.header);
      at += found.header.bytes;
    }
    // What begins here goes on in the next PES packet; its time is this one's.
    if (at < bytes.length && at >= carried && pts !== undefined) this.#next = pts;
    this.#carry = bytes.slice(at);
    if (pes.damaged) this.lost();
  }

  lost(): void {
    if (this.#carry.length > 0) this.#sink.onFault('incomplete', this.#carry.length);
    this.#carry = new Uint8Array(0);
    this.#inStep = false;
    this.#next = undefined;
  }

  flush(): void {
    this.lost();
  }

  /** The next whole frame at or after `from`; without a header, where what is left to wait for begins. */
  #find(bytes: Uint8Array, from: number): { at: number; header: AudioHeader | undefined } {
    const { headerBytes } = this.#format;
    for (let at = from; at + headerBytes <= bytes.length; at++) {
      const header = this.#format.parse(bytes, at);
      if (!header) {
        this.#inStep = false;
        continue;
      }
      const next = at + header.bytes;
      // Out of step, 12 bits of sync word are no proof: the next frame has to be there too, if its place is.
      if (!this.#inStep && next + headerBytes <= bytes.length && !this.#format.parse(bytes, next)) continue;
      if (next > bytes.length) return { at, header: undefined };
      this.#inStep = true;
      return { at, header };
    }
    return { at: Math.max(from, bytes.length - headerBytes + 1), header: undefined };
  }

  #deliver(bytes: Uint8Array, at: number, header: AudioHeader): void {
    const end = at + header.bytes;
    if (header.key === undefined || header.key !== this.#key || !this.#description) {
      this.#key = header.key;
      this.#description = this.#format.describe(bytes.subarray(0, end), at);
    }
    if (!this.#description) {
      this.#sink.onFault('header', header.bytes);
      this.#next = undefined;
      return;
    }
    if (this.#next === undefined) {
      this.#sink.onFault('no-timestamp', header.bytes);
      return;
    }
    const { codec, config, timing = header, randomAccess = true } = this.#description;
    const duration = timing.sampleRate > 0 ? (timing.samples * 90_000) / timing.sampleRate : undefined;
    const pts = ticks90k(Math.round(this.#next));
    this.#next = duration === undefined ? undefined : this.#next + duration;
    this.#sink.onFrame({
      codec,
      pts,
      dts: pts,
      duration: duration === undefined ? undefined : ticks90k(Math.round(duration)),
      randomAccess,
      keyFrame: true,
      damaged: false,
      data: bytes.slice(at, end),
      config,
    });
  }
}
