import type { CaptureName } from '@perch/protocol';
import type { Clock, Emitter, Logger } from '@perch/runtime';
import type { Book } from './book.ts';
import type { Folder } from './folder.ts';
import type { Losses } from './losses.ts';
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

/** What the parts of a spool work with: one of each. */
export interface SpoolRoom {
  readonly folder: Folder;
  readonly book: Book;
  readonly losses: Losses;
  readonly news: Emitter<SpoolNews>;
  readonly clock: Clock;
  readonly logger: Logger;
}
