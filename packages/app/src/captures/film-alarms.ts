import { useAsked } from '../http/use-asked.ts';
import { type Alarm, CAPTURES, type Capture, decodeAlarms } from './capture.ts';

/** An alarm within a film: seconds from its beginning. */
export interface AlarmMark {
  readonly id: string;
  readonly seconds: number;
}

const MOST = 200;
/** A film's length may not be known yet, and an alarm's clock may be another. */
const SLACK_MS = 600_000;

/** The alarms of a film's device at its time. */
export function useAlarms({ device, at, seconds, alarms }: Capture): readonly Alarm[] {
  const iso = (time: number) => new Date(time).toISOString();
  const query = new URLSearchParams({
    ...{ device, limit: String(MOST) },
    ...{ since: iso(at - SLACK_MS), until: iso(at + seconds * 1_000 + SLACK_MS) },
  });
  return useAsked(alarms > 0 ? `${CAPTURES}/alarms?${query}` : undefined, decodeAlarms).value ?? [];
}

/** Where in a film its alarms are: times of alarms are whole seconds of the device's clock, as the film's is. */
export function alarmsIn({ id, at, seconds }: Capture, alarms: readonly Alarm[]): AlarmMark[] {
  return alarms
    .filter(({ capture }) => capture === id)
    .map((alarm) => ({ id: alarm.id, seconds: Math.min(seconds, Math.max(0, (alarm.at - at) / 1_000)) }))
    .sort((a, b) => a.seconds - b.seconds);
}
