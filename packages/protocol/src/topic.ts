import { limits } from './limits.ts';

/** What somebody who may read a topic does not get of it: its sound, or its pictures. */
export type Unshown = 'audio' | 'video';

/** What a connection to a topic may do. `without`: of what it reads, so much is left out. */
export type Access = { readonly read: boolean; readonly write: boolean; readonly without?: Unshown };

/** A WebSocket path understood: which topic, and what the path itself allows (DESIGN "Topics"). */
export type TopicPath = {
  readonly kind: 'in' | 'out' | 'bi' | 'session';
  readonly topic: string;
};

/**
 * Understands a request path of the relay: `/in/x`, `/out/x`, `/session/x` are topic `x`, `/bi/x` is topic `bi/x`.
 * A trailing slash is removed (COMPAT 2.3).
 *
 * @returns `undefined` where the path names no topic: it is HTTP.
 */
export function parseTopicPath(path: string): TopicPath | undefined {
  const match = /^\/(in|out|bi|session)\/(.*)$/.exec(path);
  if (!match) return undefined;
  const kind = match[1] as TopicPath['kind'];
  let rest: string;
  try {
    rest = decodeURIComponent(match[2] as string).replace(/\/+$/, '');
  } catch {
    return undefined; // a broken percent escape names nothing
  }
  if (!isTopicName(rest)) return undefined;
  return { kind, topic: kind === 'bi' ? `bi/${rest}` : rest };
}

/** Letters, digits and `._~-`, in segments parted by single slashes; no segment is `.` or `..`. */
export function isTopicName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= limits.topicChars &&
    /^[A-Za-z0-9._~-]+(\/[A-Za-z0-9._~-]+)*$/.test(name) &&
    !name.split('/').some((segment) => segment === '.' || segment === '..')
  );
}

/**
 * Whether `glob` covers topic `name`: `*` stands for any characters but `/`, `**` for any characters.
 *
 * Runs in time proportional to both lengths multiplied; a hostile glob cannot make it hang.
 */
export function matchesTopic(glob: string, name: string): boolean {
  // The set of glob positions reachable after each character of the name.
  const tokens = glob.match(/\*\*|\*|[^*]/g) ?? [];
  const close = (at: Set<number>) => {
    for (const i of at) if (tokens[i]?.startsWith('*')) at.add(i + 1);
    return at;
  };
  let at = close(new Set([0]));
  for (const char of name) {
    const next = new Set<number>();
    for (const i of at) {
      const token = tokens[i];
      if (token === '**' || (token === '*' && char !== '/')) next.add(i);
      else if (token === char) next.add(i + 1);
    }
    at = close(next);
  }
  return at.has(tokens.length);
}
