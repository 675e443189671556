import { type Answer, ask, segment, tell } from '../http/ask.ts';
import { decodeList, Fields } from '../http/fields.ts';
import { CAPTURES, pathOf } from './capture.ts';

/** A link to one film, for who has no account. Times are milliseconds since 1970. */
export interface FilmShare {
  readonly id: string;
  /** For whom it was made; empty: for anybody. */
  readonly for: string;
  readonly expires: number | undefined;
  readonly lastOpened: number | undefined;
}

/** A link that was made just now: it is shown once. */
export interface NewShare {
  readonly link: string;
  /** A QR picture of it, as SVG; empty where the relay makes none. */
  readonly qr: string;
}

export const sharesOf = (film: string): string => pathOf(film, '/shares');

/** Understands `GET /api/v1/captures/{id}/shares`. */
export const decodeShares = (value: unknown): FilmShare[] =>
  decodeList(value, (fields) => {
    const id = fields.maybeText('id');
    if (id === undefined) return undefined;
    return {
      id,
      for: fields.text('for'),
      expires: fields.time('expires'),
      lastOpened: fields.time('lastUsed'),
    };
  });

/** Makes a link to a film that works for so long. */
export const shareFilm = (film: string, seconds: number, whom: string): Promise<Answer<NewShare>> =>
  ask(sharesOf(film), decodeNewShare, {
    method: 'POST',
    body: { seconds, ...(whom !== '' && { for: whom }) },
  });

function decodeNewShare(value: unknown): NewShare {
  const fields = new Fields(value);
  return { link: fields.text('link'), qr: fields.text('qr') };
}

/** What a link opened. */
export interface OpenedShare {
  /** The id of the film. */
  readonly capture: string;
  readonly expires: number | undefined;
}

/** Opens a link: from now on this browser sees that film, and nothing else. */
export const openShare = (secret: string): Promise<Answer<OpenedShare>> =>
  ask('/api/v1/shares/open', decodeOpened, { method: 'POST', body: { secret } });

function decodeOpened(value: unknown): OpenedShare {
  const fields = new Fields(value);
  return { capture: fields.text('capture'), expires: fields.time('expires') };
}

/** Ends a link: it opens nothing any more, and who watches by it stops. */
export const endShare = (id: string): Promise<Answer<undefined>> =>
  tell(`${CAPTURES}/shares/${segment(id)}`, { method: 'DELETE' });
