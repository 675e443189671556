import { isTopicName } from '@perch/protocol';
import { type Filter, parseFilter, writeFilter } from './captures/filter.ts';

/** What the part of the address after `#` asks for. */
export type Route =
  | { readonly page: 'live' }
  | { readonly page: 'watch'; readonly topic: string }
  | { readonly page: 'devices' }
  | { readonly page: 'device'; readonly id: string }
  | { readonly page: 'captures'; readonly filter: Filter }
  /** One film, among those of a filter. */
  | { readonly page: 'film'; readonly id: string; readonly filter: Filter }
  | { readonly page: 'people' }
  | { readonly page: 'person'; readonly id: string }
  | { readonly page: 'audit' }
  | { readonly page: 'account' }
  | { readonly page: 'tokens' }
  | { readonly page: 'welcome' }
  | { readonly page: 'entrance' }
  /** The secret of a sign-in link: it is spent at once and leaves the address. */
  | { readonly page: 'signIn'; readonly secret: string }
  /** The secret of an invite link: it is spent when the person says so. */
  | { readonly page: 'invite'; readonly secret: string }
  /** The secret of a link to one film: for whoever has it. */
  | { readonly page: 'sharedFilm'; readonly secret: string };

const plain: Readonly<Record<string, Route>> = {
  '/devices': { page: 'devices' },
  '/people': { page: 'people' },
  '/history': { page: 'audit' },
  '/account': { page: 'account' },
  '/account/tokens': { page: 'tokens' },
  '/welcome': { page: 'welcome' },
  '/sign-in': { page: 'entrance' },
};

/** Understands `location.hash`. Anything that is no page is the list of what is live. */
export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#/, '');
  if (text === '' || text === '/') return { page: 'live' };
  if (!text.startsWith('/')) return { page: 'signIn', secret: text };
  const [, film, query = ''] = /^\/captures(?:\/([\w-]+))?(?:\?(.*))?$/.exec(text) ?? [];
  if (film !== undefined) return { page: 'film', id: film, filter: parseFilter(query) };
  if (/^\/captures(\?|$)/.test(text)) return { page: 'captures', filter: parseFilter(query) };
  const [, head, rest] = /^\/(watch|devices|people|invite|film)\/(.+)$/.exec(text) ?? [];
  if (head === 'watch' && rest && isTopicName(rest)) return { page: 'watch', topic: rest };
  if (rest && /^[\w.~-]+$/.test(rest)) {
    if (head === 'devices') return { page: 'device', id: rest };
    if (head === 'people') return { page: 'person', id: rest };
    if (head === 'invite') return { page: 'invite', secret: rest };
    if (head === 'film') return { page: 'sharedFilm', secret: rest };
  }
  return plain[text] ?? { page: 'live' };
}

/** The links to the pages. */
export const hrefs = {
  live: '#/',
  devices: '#/devices',
  device: (id: string) => `#/devices/${id}`,
  captures: (filter: Filter = { kind: 'all' }) => `#/captures${writeFilter(filter)}`,
  film: (id: string, filter: Filter = { kind: 'all' }) => `#/captures/${id}${writeFilter(filter)}`,
  people: '#/people',
  person: (id: string) => `#/people/${id}`,
  audit: '#/history',
  account: '#/account',
  tokens: '#/account/tokens',
  welcome: '#/welcome',
  entrance: '#/sign-in',
  watch: (topic: string) => `#/watch/${topic}`,
} as const;
