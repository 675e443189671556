import { codecName } from '../codec/codec.ts';
import type { SoundContent } from './content.ts';

/**
 * How long after the end of a frame an audio encoder gives it away, in samples: overlap of its transform and look-ahead.
 * Measured with ffmpeg, whose time stamps begin before zero by the encoder's priming.
 */
const samplesHeld: Readonly<Record<string, number>> = {
  aac: 2048,
  aac_latm: 2048,
  mp2: 481,
  mp3: 4700,
  opus: 312,
};

/**
 * How long after the end of what it holds an audio PES packet leaves, in ticks of 90 kHz. Besides the encoder, it is the
 * muxer: one that packs several frames into a PES packet sends it when the next frame does not fit any more, one frame
 * later. Half a frame is in doubt: sound that is recorded is there at the end of a frame, sound that is read from a file
 * in real time at its begin. The middle is taken; the rest is for `delayMs` to say.
 */
export function soundHeldTicks({ codec, ticks, frames, sampleRate }: SoundContent): number {
  if (frames === 0 || sampleRate === 0) return 0;
  const frame = ticks / frames;
  const held = ((samplesHeld[codecName(codec)] ?? 0) * 90_000) / sampleRate;
  return held + (frames > 1 ? frame : 0) - frame / 2;
}
