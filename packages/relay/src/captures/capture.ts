import type { Row } from '../storage/row.ts';

/** Why a film was made: something moved, or somebody asked for it. */
export type Cause = 'motion' | 'asked';
/** By which protocol it came: Perch's own, or cloudtalker's. */
export type Source = 'perch' | 'cloudtalker';

/** What a device says of a film when it speaks of it. */
export interface CaptureFacts {
  readonly household: string;
  readonly device: string;
  /** The device's own id for it, safe in paths. */
  readonly name: string;
  readonly source: Source;
  readonly cause: Cause;
  /** When it was triggered: seconds since 1970, by the device's clock. */
  readonly timestamp: number;
}

/** One event filmed. Times without a unit are milliseconds since 1970. */
export interface Capture extends CaptureFacts {
  /** The relay's id, in addresses. */
  readonly id: string;
  /** When something of it came last. */
  readonly changed: number;
  /** When it was known to be over; `undefined`: it is being filmed, as far as anybody knows. */
  readonly ended: number | undefined;
  /** So many segments it has, says the device at its end. */
  readonly expected: number | undefined;
  /** Retention passes it over. */
  readonly isKept: boolean;
}

/** `cut`: its connection broke, no more will come. `removed`: it was here, and was deleted. */
export type SegmentState = 'here' | 'cut' | 'lost' | 'removed';

/** One file of a film. */
export interface Segment {
  readonly number: number;
  readonly state: SegmentState;
  /** Its file; `undefined` for a lost one. */
  readonly file: { readonly extension: string; readonly size: number; readonly sha256: string } | undefined;
  /** Why it was lost, in the device's words, or why it cannot be played, in ours. */
  readonly reason: string | undefined;
  /** Whether it can be played; `undefined`: nobody has looked. */
  readonly isPlayable: boolean | undefined;
  /** In ms; known when somebody has looked. */
  readonly duration: number | undefined;
}

/** A film with what a list shows of it. */
export interface CaptureSummary extends Capture {
  /** Segments that are here, and bytes of their files. */
  readonly here: number;
  readonly bytes: number;
  /** Segments that will never come, or were deleted. */
  readonly lost: number;
  /** In ms, as far as it is known. */
  readonly duration: number;
  readonly alarms: number;
}

export const decodeCapture = (row: Row): Capture => ({
  id: row.text('id'),
  household: row.text('household'),
  device: row.text('device'),
  name: row.text('name'),
  source: row.text('source') === 'cloudtalker' ? 'cloudtalker' : 'perch',
  cause: row.text('cause') === 'asked' ? 'asked' : 'motion',
  timestamp: row.number('timestamp'),
  changed: row.number('changed'),
  ended: row.optionalNumber('ended'),
  expected: row.optionalNumber('segments'),
  isKept: row.number('is_kept') === 1,
});

export const decodeSummary = (row: Row): CaptureSummary => ({
  ...decodeCapture(row),
  here: row.number('here'),
  bytes: row.number('bytes'),
  lost: row.number('lost'),
  duration: row.number('duration'),
  alarms: row.number('alarms'),
});

export function decodeSegment(row: Row): Segment {
  const sha256 = row.optionalText('sha256');
  const playable = row.optionalNumber('playable');
  return {
    number: row.number('number'),
    state: row.text('state') as SegmentState,
    file:
      sha256 === undefined
        ? undefined
        : { extension: row.text('extension'), size: row.number('size'), sha256 },
    reason: row.optionalText('reason'),
    isPlayable: playable === undefined ? undefined : playable === 1,
    duration: row.optionalNumber('duration'),
  };
}

/** Whether nothing more of it is to come. */
export const isComplete = ({ ended, expected, here, lost }: CaptureSummary): boolean =>
  ended !== undefined && (expected === undefined || here + lost >= expected);

const count = (what: string, states: string) =>
  `(SELECT ${what} FROM capture_segments s WHERE s.capture = c.id AND s.state IN (${states}))`;

/** Bytes of the files of film `c`. */
export const USED_BYTES = count('CAST(coalesce(sum(s.size), 0) AS BIGINT)', "'here', 'cut'");

/** Selects film `c` as {@link decodeSummary} reads it. */
export const SUMMARY = `SELECT c.*,
  ${count('count(*)', "'here', 'cut'")} AS here,
  ${count('count(*)', "'lost', 'removed'")} AS lost,
  ${USED_BYTES} AS bytes,
  ${count('CAST(coalesce(sum(s.duration), 0) AS BIGINT)', "'here', 'cut'")} AS duration,
  (SELECT count(*) FROM capture_alarms a WHERE a.capture = c.id) AS alarms
  FROM captures c`;
