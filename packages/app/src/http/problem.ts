/** Why a request came to nothing, with words for a person. */
export interface Problem {
  readonly kind: ProblemKind;
  /** A whole sentence. */
  readonly words: string;
}

export type ProblemKind =
  | 'signed-out'
  | 'forbidden'
  | 'missing'
  | 'conflict'
  /** Asked too often; the words say how long to wait, where the relay does. */
  | 'too-many'
  | 'refused'
  | 'broken'
  /** No network, or the relay is starting again. */
  | 'unreachable';

export const unreachable: Problem = {
  kind: 'unreachable',
  words: 'The relay does not answer. It may be starting again, or this device has no network.',
};

/** What an answer that is no success means. @param retryAfter the header, where it is there. */
export function problemOf(status: number, message: string, retryAfter: string | null): Problem {
  const kind = kinds[status] ?? (status >= 500 ? 'broken' : 'refused');
  if (kind === 'too-many') return { kind, words: waitWords(Number(retryAfter)) };
  if (message) return { kind, words: sentence(message) };
  return { kind, words: plainWords[kind] ?? `The relay refused this, with status ${status}.` };
}

const kinds: Readonly<Record<number, ProblemKind>> = {
  401: 'signed-out',
  403: 'forbidden',
  404: 'missing',
  409: 'conflict',
  429: 'too-many',
  502: 'unreachable',
  503: 'unreachable',
  504: 'unreachable',
};

const plainWords: { readonly [K in ProblemKind]?: string } = {
  'signed-out': 'You are not signed in any more.',
  forbidden: 'You may not do that here.',
  missing: 'This is not there any more.',
  broken: 'The relay failed at this. Its log says why.',
  unreachable: unreachable.words,
};

function waitWords(seconds: number): string {
  if (!(seconds > 0)) return 'That was tried too often. Wait a minute, then try again.';
  const time = seconds < 90 ? `${Math.ceil(seconds)} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  return `That was tried too often. Try again in ${time}.`;
}

/** The relay's words, which begin small and have no full stop, as a sentence. */
export function sentence(message: string): string {
  const text = message.trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
}
