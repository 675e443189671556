import { isTopicName } from '@perch/protocol';

/** What the part of the address after `#` asks for. */
export type Route =
  | { readonly page: 'streams' }
  | { readonly page: 'watch'; readonly topic: string }
  /** The secret of a sign-in link: it is spent at once and leaves the address. */
  | { readonly page: 'signIn'; readonly secret: string };

/** Understands `location.hash`. Anything that is no page is the list of streams. */
export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#/, '');
  if (text === '' || text === '/') return { page: 'streams' };
  if (!text.startsWith('/')) return { page: 'signIn', secret: text };
  const watch = /^\/watch\/(.+)$/.exec(text);
  if (watch?.[1] && isTopicName(watch[1])) return { page: 'watch', topic: watch[1] };
  return { page: 'streams' };
}

/** The link to a stream's page. */
export const watchHref = (topic: string): string => `#/watch/${topic}`;
