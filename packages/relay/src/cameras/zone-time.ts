const DAY = 86_400_000;

/** One for each zone that was asked for; there are a few hundred. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** The name of a time zone as IANA writes it; `undefined` where there is none of this name. Offsets are no zones. */
export function zoneNamed(name: string): string | undefined {
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined; // there is none
  }
}

/**
 * What a clock on the wall shows, as if it were UTC: milliseconds whose `getUTC…` are the local year, day, hour.
 *
 * @param at milliseconds since 1970.
 */
export function wallTime(zone: string, at: number): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((at % 1_000) + 1_000) % 1_000);
}

/**
 * When a clock on the wall shows this. Where it shows it twice (clocks are put back) `first` and `last` differ; what it
 * skips (they are put forward) is at the moment of the jump.
 *
 * @param wall as {@link wallTime} has it.
 */
export function instantsOf(zone: string, wall: number): { readonly first: number; readonly last: number } {
  const offset = (at: number) => wallTime(zone, at) - at;
  // Clocks on earth are less than a day from UTC, so these are before and after.
  const [before, after] = [offset(wall - DAY), offset(wall + DAY)];
  const found = [wall - before, wall - after].filter((at) => wallTime(zone, at) === wall);
  if (found.length > 0) return { first: Math.min(...found), last: Math.max(...found) };
  let [low, high] = [wall - DAY, wall + DAY];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offset(middle) === before) low = middle;
    else high = middle;
  }
  return { first: high, last: high };
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const numeric = 'numeric' as const;
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, hourCycle: 'h23', year: numeric, month: numeric, day: numeric },
    ...{ hour: numeric, minute: numeric, second: numeric },
  });
  formats.set(zone, format);
  return format;
}
