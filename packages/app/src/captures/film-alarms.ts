import { useAsked } from '../http/use-asked.ts';
import { type Alarm, CAPTURES, type Capture, decodeAlarms } from './capture.ts';

/** An alarm within a film: seconds from its beginning. */
export interface AlarmMark {
  readonly id: string;
  readonly seconds: number;
}

const MOST = 200;
/** A film tells of an alarm a little after it, at most. */
const SLACK_MS = 600_000;

/** The alarms of a film's device up to its end. */
export function useAlarms({ device, at, seconds, alarms }: Capture): readonly Alarm[] {
  const until = new Date(at + seconds * 1_000 + SLACK_MS).toISOString();
  const query = new URLSearchParams({ device, until, limit: String(MOST) });
  return useAsked(alarms > 0 ? `${CAPTURES}/alarms?${query}` : undefined, decodeAlarms).value ?? [];
}

/** Where in a film its alarms are: times of alarms are whole seconds of the device's clock, as the film's is. */
export function alarmsIn({ id, at, seconds }: Capture, alarms: readonly Alarm[]): AlarmMark[] {
  return alarms
    .filter(({ capture }) => capture === id)
    .map((alarm) => ({ id: alarm.id, seconds: Math.min(seconds, Math.max(0, (alarm.at - at) / 1_000)) }))
    .sort((a, b) => a.seconds - b.seconds);
}
