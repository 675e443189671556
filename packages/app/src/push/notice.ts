import { Fields } from '../http/fields.ts';
import { hrefs } from '../route.ts';
import { showDate, showMoment } from '../words/time.ts';

const kinds = ['motion', 'asked', 'alarm', 'ending', 'test'] as const;
export type NoticeKind = (typeof kinds)[number] | 'unknown';

/** What a push tells of. */
export interface Notice {
  readonly what: NoticeKind;
  /** Of the same tag one notification is shown: the newest. */
  readonly tag: string;
  /** What people call the device. */
  readonly name: string;
  readonly device: string | undefined;
  /** The film that shows it. */
  readonly capture: string | undefined;
  /** When it happened, or will, in milliseconds since 1970. */
  readonly at: number | undefined;
}

/** Understands what the relay pushed; of a newer relay's words it takes what it knows. */
export function decodeNotice(value: unknown): Notice {
  const fields = new Fields(value);
  const capture = fields.maybeText('capture');
  return {
    what: fields.oneOf('what', [...kinds, 'unknown'], 'unknown'),
    tag: fields.text('tag', 'perch'),
    name: fields.text('name'),
    device: fields.maybeText('device'),
    // It becomes a part of an address.
    capture: capture !== undefined && /^[\w-]+$/.test(capture) ? capture : undefined,
    at: fields.maybeNumber('at'),
  };
}

/** What a notification says in its first line. */
export function titleOf({ what, name }: Notice): string {
  const at = name && `: ${name}`;
  switch (what) {
    case 'alarm':
      return `Alarm${at}`;
    case 'motion':
      return `Motion${at}`;
    case 'asked':
      return `Filmed, as asked${at}`;
    case 'ending':
      return 'Notifications end soon here';
    case 'test':
      return 'This is a test';
    case 'unknown':
      return `Something happened${at}`;
  }
}

/** And below it. */
export function bodyOf({ what, capture, at }: Notice, now: number): string {
  if (what === 'test') return 'Notifications reach this browser.';
  if (what === 'ending') {
    const until = at === undefined ? '' : ` on ${showDate(at)}`;
    return `This browser is signed out${until}. Sign out and in again before, and it goes on.`;
  }
  const when = at === undefined ? '' : showMoment(at, now);
  const more = capture === undefined ? '' : 'Tap to see the film.';
  return [when, more].filter(Boolean).join(' · ');
}

/** Which page shows it. */
export function placeOf({ what, capture, device }: Notice): string {
  if (what === 'test' || what === 'ending') return hrefs.account;
  if (capture !== undefined) return hrefs.film(capture);
  return device !== undefined && /^[\w.~-]+$/.test(device) ? hrefs.device(device) : hrefs.captures();
}
