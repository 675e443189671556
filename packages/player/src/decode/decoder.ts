import type { AccessUnit } from '@perch/mpegts';
import type { SoundChunk } from '../sync/sound-ring.ts';

/** Turns access units of one elementary stream into pictures or sound. Made by whoever closes it. */
export interface Decoder {
  /** Takes the next access unit, in decoding order; the first is a random access point. Never throws. */
  decode(unit: AccessUnit): void;
  /** Gives up what is under way. Idempotent. */
  close(): void;
}

/** Where a decoder's results go. */
export interface DecoderOutput<T> {
  /** The receiver owns what it gets. */
  decoded(result: T): void;
  /** The decoder is unusable from here on; it may be closed and another opened at a random access point. */
  failed(error: Error): void;
}

/** The outcome of looking for a decoder: one that takes the stream, or why there is none, in words for people. */
export type Opened =
  | { readonly kind: 'open'; readonly decoder: Decoder }
  | { readonly kind: 'refused'; readonly reason: string };

/** Finds a decoder for the stream that begins with `unit`. */
export type OpenDecoder<T> = (unit: AccessUnit, output: DecoderOutput<T>) => Promise<Opened>;

export type PictureOutput = DecoderOutput<VideoFrame>;
export type SoundOutput = DecoderOutput<SoundChunk>;
