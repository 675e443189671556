import { type CaptureName, captureLimits, type Trigger } from '@perch/protocol';
import { PART } from './take-file.ts';

/** What the name of a file in the spool says: enough to promise it even if its record was never written. */
export interface StoredName {
  readonly n: number;
  readonly capture: CaptureName;
  readonly segment: number;
  readonly extension: string;
}

/** `<n>.<capture id>.<trigger>.<seconds>.<segment>.<extension>` */
export const toStoredName = ({ n, capture, segment, extension }: StoredName): string =>
  [n, capture.id, capture.trigger, capture.timestamp, segment, extension].join('.');

/** @returns `undefined` for a file that is not ours, or not whole. */
export function fromStoredName(file: string): StoredName | undefined {
  const match = /^(\d{1,15})\.([A-Za-z0-9_-]+)\.(pir|cap)\.(\d{1,12})\.(\d{1,7})\.([a-z0-9]{1,8})$/.exec(
    file,
  );
  if (!match || file.endsWith(PART) || (match[2] as string).length > captureLimits.idChars) return undefined;
  const [, n, id = '', trigger, timestamp, segment, extension = ''] = match;
  return {
    n: Number(n),
    capture: { id, trigger: trigger as Trigger, timestamp: Number(timestamp) },
    segment: Number(segment),
    extension,
  };
}
