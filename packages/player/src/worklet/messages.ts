import type { PlayoutReport } from '../sync/playout.ts';
import type { SoundChunk } from '../sync/sound-ring.ts';

/** Worker → worklet. */
export type ToWorklet =
  | { readonly type: 'chunk'; readonly chunk: SoundChunk }
  | { readonly type: 'extra'; readonly ms: number }
  | { readonly type: 'clear' };

/** Worklet → worker, about every 10 ms while it runs. */
export type FromWorklet = PlayoutReport;
