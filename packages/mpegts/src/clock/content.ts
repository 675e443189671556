import type { Codec } from '../codec/codec.ts';
import { framerFor } from '../codec/framers.ts';
import type { Descriptor } from '../psi/descriptors.ts';
import { ticks90k } from '../time.ts';

/**
 * How long the sound in an audio PES payload lasts, in ticks of 90 kHz: its whole frames added up. 0 where the codec
 * has no frames that can be followed, or they are encrypted.
 */
export function soundTicks(codec: Codec, descriptors: readonly Descriptor[], payload: Uint8Array): number {
  let ticks = 0;
  const framer = framerFor(codec, descriptors, {
    onFrame: ({ duration }) => {
      ticks += duration ?? 0;
    },
    onFault: () => undefined,
  });
  const zero = ticks90k(0);
  framer.push({ payload, pts: zero, dts: zero, randomAccess: true, damaged: false });
  return ticks;
}
