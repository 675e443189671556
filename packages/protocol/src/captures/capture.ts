import type { Fields } from './fields.ts';
import { captureLimits } from './limits.ts';

/** Why a camera program filmed, as its file names say it: it saw something move, or it was asked. */
export type Trigger = 'pir' | 'cap';
/** All of them. */
export const triggers: readonly Trigger[] = ['pir', 'cap'];

/** One event filmed: what its segments have in common. */
export interface CaptureName {
  /** Made by the device, unique on it for ever. */
  readonly id: string;
  readonly trigger: Trigger;
  /** When it was triggered: whole seconds since 1970-01-01 UTC, by the camera program's clock. */
  readonly timestamp: number;
}

/** One segment of a capture, with all that is promised about it. */
export interface SegmentName {
  readonly capture: CaptureName;
  /** Its place in the film, from 0. Gaps are possible. */
  readonly segment: number;
  /** Of the file's name, without the dot: `mp4`. Small letters and digits. */
  readonly extension: string;
  /** Bytes, at least 1. */
  readonly size: number;
  /** SHA-256 of the bytes, 64 hexadecimal digits in small letters. */
  readonly sha256: string;
}

/** Something else that happened on the device, told under the same promise as a segment. */
export type CaptureEvent =
  /** An alarm: `timestamp` in whole seconds since 1970. `capture`: the film that tells of it, if there is one. */
  | {
      readonly kind: 'alarm';
      readonly timestamp: number;
      readonly capture?: CaptureName;
      readonly gpio?: number;
    }
  /** The film is over. It has so many segments, those included that were lost. */
  | { readonly kind: 'end'; readonly capture: CaptureName; readonly segments: number }
  /** A segment will never come: the device lost it, and says why. */
  | {
      readonly kind: 'lost';
      readonly capture: CaptureName;
      readonly segment: number;
      readonly reason: string;
    };

/** Seconds since 1970 up to the year 9999. */
const LAST_SECOND = 253_402_300_799;
const ID = new RegExp(`^[A-Za-z0-9_-]{1,${captureLimits.idChars}}$`);
const EXTENSION = new RegExp(`^[a-z0-9]{1,${captureLimits.extensionChars}}$`);

export const readId = (fields: Fields, name: string): string =>
  fields.text(name, ID, `1 to ${captureLimits.idChars} letters, digits, _ or -`);

export const readSha256 = (fields: Fields): string =>
  fields.text('sha256', /^[0-9a-f]{64}$/, '64 hexadecimal digits in small letters');

export const readCapture = (fields: Fields): CaptureName => ({
  id: readId(fields, 'id'),
  trigger: fields.oneOf('trigger', triggers),
  timestamp: fields.integer('timestamp', 0, LAST_SECOND),
});

export const readSegment = (fields: Fields): SegmentName => ({
  capture: readCapture(fields.within('capture')),
  segment: fields.integer('segment', 0, captureLimits.segmentNumber),
  extension: fields.text(
    'extension',
    EXTENSION,
    `1 to ${captureLimits.extensionChars} small letters or digits`,
  ),
  size: fields.integer('size', 1, captureLimits.segmentBytes),
  sha256: readSha256(fields),
});

export function readEvent(fields: Fields): CaptureEvent {
  const kind = fields.oneOf('kind', ['alarm', 'end', 'lost']);
  switch (kind) {
    case 'alarm':
      return {
        kind,
        timestamp: fields.integer('timestamp', 0, LAST_SECOND),
        ...(fields.has('capture') && { capture: readCapture(fields.within('capture')) }),
        ...(fields.has('gpio') && { gpio: fields.integer('gpio', -(2 ** 31), 2 ** 31 - 1) }),
      };
    case 'end':
      return {
        kind,
        capture: readCapture(fields.within('capture')),
        segments: fields.integer('segments', 0, captureLimits.segmentNumber + 1),
      };
    case 'lost':
      return {
        kind,
        capture: readCapture(fields.within('capture')),
        segment: fields.integer('segment', 0, captureLimits.segmentNumber),
        reason: fields.words('reason'),
      };
  }
}
