import type { IconName } from '../frame/icon.tsx';
import { count, showClock, showSpan } from '../words/time.ts';
import type { Capture, Cause } from './capture.ts';

/** `0:07`, `12:30`, `1:02:30`. */
export function showLength(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** `850 kB`, `1.2 MB`, `30 GB`: as disks are sold. */
export function showBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1_000 ** power;
  return `${power > 1 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

export const causeWords: { readonly [K in Cause]: { readonly word: string; readonly icon: IconName } } = {
  motion: { word: 'Motion', icon: 'motion' },
  asked: { word: 'Asked for', icon: 'hand' },
};

export type Progress = 'filming' | 'arriving' | 'here';

/** Where a film is. A device that said nothing of its end for an hour has fallen silent: that is no filming. */
export function progressOf({ ended, isComplete, at, seconds }: Capture, now: number): Progress {
  if (isComplete) return 'here';
  if (ended !== undefined) return 'arriving';
  return now - at - seconds * 1_000 < FILMING_MS ? 'filming' : 'arriving';
}

const FILMING_MS = 3_600_000;

export const progressWords: { readonly [K in Progress]: string } = {
  filming: 'being filmed',
  arriving: 'still arriving',
  here: '',
};

/** All that a card shows, for who hears it: `14:02, Kitchen, motion, 23 seconds, 1 alarm`. */
export function labelOf(film: Capture, device: string | undefined, now: number): string {
  const { at, cause, seconds, alarms, isKept } = film;
  return [
    showClock(at),
    device,
    causeWords[cause].word.toLowerCase(),
    seconds > 0 ? showSpan(seconds * 1_000) : undefined,
    alarms > 0 ? count(alarms, 'alarm') : undefined,
    progressWords[progressOf(film, now)],
    isKept ? 'kept' : undefined,
  ]
    .filter(Boolean)
    .join(', ');
}
