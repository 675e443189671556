// Statistics were first printed by Go programs, and pages parse them so (COMPAT 2.4).

/** A duration as Go's `time.Duration.String` writes it: `1.405611635s`, `2m3.5s`, `350ms`. */
export function goDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 0) return `-${goDuration(-ms)}`;
  if (ms < 1) return `${trim(ms * 1000)}µs`;
  if (ms < 1000) return `${trim(ms)}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = `${trim((ms % 60_000) / 1000)}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

/**
 * A point in time as Go's `time.Time.String` writes it, in UTC, with the monotonic reading behind it:
 * `2026-11-21 02:20:03.741602862 +0000 UTC m=+1.139`.
 */
export function goTime(wallMs: number, monotonicMs: number): string {
  const iso = new Date(wallMs).toISOString();
  const fraction = trim(Number(`0${iso.slice(19, 23)}`)).slice(1);
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction} +0000 UTC m=+${(monotonicMs / 1000).toFixed(9)}`;
}

/** Up to nine digits after the point, none of them in vain. */
const trim = (value: number): string => String(Number(value.toFixed(9)));
