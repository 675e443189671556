import type { Sight } from './device-link.ts';

/** Of many readers of one moment each gets the same text. */
const texts = new WeakMap<Sight, string>();

/** What is known of a device, as the API shows it: JSON. */
export function shownSight(sight: Sight): string {
  const { online, at, state } = sight;
  const text =
    texts.get(sight) ??
    JSON.stringify({
      online,
      at: at === undefined ? null : new Date(at).toISOString(),
      state: state ?? null,
    });
  texts.set(sight, text);
  return text;
}
