import type { CaptureEvent, CaptureName, SegmentName } from '@perch/protocol';

/** One segment in the spool, as its record in the journal says it. */
export interface StoredSegment extends SegmentName {
  /** Of the file in the spool's directory. */
  readonly file: string;
  /** When the file was last written as we know it, in ms since 1970. Another time means that it was changed since. */
  readonly modified: number;
  /** When it was taken in, in ms since 1970. */
  readonly taken: number;
}

/** Where a list says that a file is; of one that was found after a crash only what it holds is known. */
export type ListedAs = { readonly listed: string } | { readonly sha256: string };

/** What the journal's lines hold. `n` names a row for as long as it lives; the same `n` again replaces it. */
export type SpoolRecord =
  /** A film that is not over, or one of which is known that an alarm belongs to it. `gone`: its segments that have left. */
  | {
      readonly k: 'capture';
      readonly capture: CaptureName;
      readonly open: boolean;
      readonly alarm: boolean;
      readonly gone: number;
    }
  /** `listed`: where a list says the file is, where one named it. `found`: after a crash, so that nobody knows who named it. */
  | {
      readonly k: 'segment';
      readonly n: number;
      readonly segment: StoredSegment;
      readonly listed?: string;
      readonly found?: true;
    }
  /** Of a row that may have left: who named it, see `TakenSince`. */
  | { readonly k: 'taken'; readonly n: number; readonly known: ListedAs }
  /** `end` also says that its capture is no longer open. */
  | { readonly k: 'event'; readonly n: number; readonly id: string; readonly event: CaptureEvent }
  /** In which run of the machine's kernel the spool was used last. */
  | { readonly k: 'boot'; readonly id: string }
  /** The row has left: it was persisted, or is told lost by an event. */
  | { readonly k: 'done'; readonly n: number };

/** A record as the journal gave it back. We wrote it ourselves, and its check sum is right: only its kind is looked at. */
export function asSpoolRecord(value: unknown): SpoolRecord | undefined {
  const kind = (value as { k?: unknown } | null)?.k;
  return ['capture', 'segment', 'taken', 'event', 'boot', 'done'].includes(kind as string)
    ? (value as SpoolRecord)
    : undefined;
}
