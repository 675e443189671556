export { SpoolError, type SpoolErrorCode } from './errors.ts';
export { disk, type FileFacts, type Files, type OpenFile } from './files.ts';
export type { StoredSegment } from './record.ts';
export {
  type CheckedOut,
  type Order,
  type PendingEvent,
  Spool,
  type SpoolNews,
  type SpoolOptions,
  type SpoolStatus,
} from './spool.ts';
