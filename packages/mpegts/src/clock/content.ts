import type { Codec } from '../codec/codec.ts';
import { framerFor } from '../codec/framers.ts';
import type { Descriptor } from '../psi/descriptors.ts';
import { ticks90k } from '../time.ts';

/** What an audio PES packet holds. */
export interface SoundContent {
  /** As its frames say: a PMT does not tell MP2 from MP3. */
  readonly codec: Codec;
  /** How long its whole frames last together, in ticks of 90 kHz. 0 where none can be followed, or they are encrypted. */
  readonly ticks: number;
  readonly frames: number;
  /** In hertz; 0 where no frame tells it. */
  readonly sampleRate: number;
}

/** Counts the sound in an audio PES payload. */
export function soundIn(codec: Codec, descriptors: readonly Descriptor[], payload: Uint8Array): SoundContent {
  const content = { codec, ticks: 0, frames: 0, sampleRate: 0 };
  const framer = framerFor(codec, descriptors, {
    onFrame: ({ codec: found, duration, config }) => {
      content.codec = found;
      content.ticks += duration ?? 0;
      content.frames++;
      if (config && 'sampleRate' in config) content.sampleRate = config.sampleRate;
    },
    onFault: () => undefined,
  });
  const zero = ticks90k(0);
  framer.push({ payload, pts: zero, dts: zero, randomAccess: true, damaged: false });
  return content;
}
