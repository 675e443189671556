import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation as small as it is now, and has it collect garbage when the heap has grown by a fifth instead
 * of several times. For a program that is an agent, on a machine with little memory; called first.
 *
 * An agent on whose spool a hundred thousand segments wait took twice the memory while they left, nearly all of it garbage
 * (`bench/captures-backlog.ts`).
 */
export function keepHeapTight(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
}
