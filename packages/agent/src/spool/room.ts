import type { Clock, Emitter, Logger } from '@perch/runtime';
import type { Book } from './book.ts';
import type { Folder } from './folder.ts';
import type { Losses } from './losses.ts';
import type { SpoolNews } from './news.ts';

/** What the parts of a spool work with: one of each. */
export interface SpoolRoom {
  readonly folder: Folder;
  readonly book: Book;
  readonly losses: Losses;
  readonly news: Emitter<SpoolNews>;
  readonly clock: Clock;
  readonly logger: Logger;
}
