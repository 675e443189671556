import { extname } from 'node:path';
import { captureLimits, type Trigger } from '@perch/protocol';

/** What a camera program's file name says (COMPAT 4.2). */
export interface FileName {
  readonly trigger: Trigger;
  /** Whole seconds since 1970; the same for all segments of a capture. */
  readonly timestamp: number;
  readonly segment: number;
}

/**
 * Reads `<pir|cap>.<seconds>.<number>.<extension>`; only the first three parts count.
 *
 * @returns `undefined` for a file that is named otherwise, or timed 0.
 */
export function readFileName(baseName: string): FileName | undefined {
  const match = /^(pir|cap)\.(\d{1,12})\.(\d{1,7})(?:\.|$)/.exec(baseName);
  if (!match) return undefined;
  const [timestamp, segment] = [Number(match[2]), Number(match[3])];
  if (timestamp === 0 || timestamp > LAST_SECOND || segment > captureLimits.segmentNumber) return undefined;
  return { trigger: match[1] as Trigger, timestamp, segment };
}

/** The end of the year 9999. */
const LAST_SECOND = 253_402_300_799;

/** A file's extension as it travels: small letters and digits, `bin` where there is none that can. */
export function extensionOf(path: string): string {
  const extension = extname(path).slice(1).toLowerCase();
  return /^[a-z0-9]+$/.test(extension) && extension.length <= captureLimits.extensionChars
    ? extension
    : 'bin';
}
