import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation as small as it is now, for the whole process and for good. For a program that is a relay;
 * called first.
 *
 * What a relay passes on lives in Buffers, outside V8's heap and for some milliseconds. V8 lets go of them when it
 * collects the young generation. One that has grown is collected so seldom that 64 MiB of Buffers come together first,
 * and then V8 collects the whole heap: up to ten times a second under load, a quarter of the processor's time
 * (`bench/fanout-saturation.ts`).
 */
export function letBuffersDieYoung(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
