import type { Codec } from '../codec/codec.ts';
import { codecName } from '../codec/codec.ts';

/**
 * How long after the end of what it holds an encoder gives an audio frame away, in milliseconds: overlap of its
 * transform, look-ahead, and on average half of what waiting for the next frame costs. Measured with ffmpeg, read in
 * real time from a pipe and with `-re`, which differ by one frame: the value is in the middle of both. The rest is for
 * `delayMs` to say. Video encoders set up for small delay have none worth naming.
 */
const audioDelayMs: Readonly<Record<string, number>> = { aac: 43, aac_latm: 43, mp3: 25, mp2: 10, opus: 7 };

/** The delay that an encoder of this codec adds beyond the end of a frame, in milliseconds. */
export const encoderDelayMs = (codec: Codec): number => audioDelayMs[codecName(codec)] ?? 0;
