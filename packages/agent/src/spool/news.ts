import type { CaptureName } from '@perch/protocol';
import type { StoredSegment } from './record.ts';

/** What happens in a spool. */
export interface SpoolNews {
  /** There is something new to send. */
  waiting: undefined;
  /** A segment is safe here. */
  taken: StoredSegment;
  /** A segment has left for good. */
  left: { readonly capture: CaptureName; readonly segment: number; readonly how: 'persisted' | 'lost' };
}
