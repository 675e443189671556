export type { CheckedOut } from './check-out.ts';
export { SpoolError, type SpoolErrorCode } from './errors.ts';
export { disk, type FileFacts, type Files, type OpenFile } from './files.ts';
export type { Order } from './intake.ts';
export type { SpoolNews } from './news.ts';
export type { StoredSegment } from './record.ts';
export { type PendingEvent, Spool, type SpoolOptions, type SpoolStatus } from './spool.ts';
