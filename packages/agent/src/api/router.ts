import type { IncomingMessage, ServerResponse } from 'node:http';
import { isName } from '../rules/rule.ts';
import { empty, refuse } from './answer.ts';

/** Answers one request; `name` is the part of the path after the route's own. */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
) => void | Promise<void>;

/** A path, exact or (ending in `/`) with a name after it, and what answers each verb; `any` answers all others. */
export interface Route {
  readonly path: string;
  readonly verbs: { readonly [verb: string]: Handler };
}

/** What a request path leads to. */
export type Found =
  | { readonly kind: 'handler'; readonly handler: Handler; readonly name: string }
  /** `to` is encoded, ready for a `Location`. */
  | { readonly kind: 'moved'; readonly to: string }
  | { readonly kind: 'no-verb' }
  | { readonly kind: 'none' };

/** Finds routes the way that vw did: paths are cleaned first, names are checked, a wrong verb is 405 (COMPAT 1.2). */
export class Router {
  readonly #exact = new Map<string, Route>();
  readonly #named: readonly Route[];

  constructor(routes: readonly Route[]) {
    for (const route of routes)
      if (!route.path.endsWith('/') || route.path === '/') this.#exact.set(route.path, route);
    this.#named = routes.filter(({ path }) => path.endsWith('/') && path !== '/');
  }

  find(target: Target, verb: string): Found {
    if (target.clean !== target.path) return { kind: 'moved', to: encodeURI(target.clean) + target.query };
    const exact = this.#exact.get(target.path);
    const named = exact ? undefined : this.#named.find(({ path }) => target.path.startsWith(path));
    const route = exact ?? named;
    const name = named ? target.path.slice(named.path.length) : '';
    if (!route || (named && !isName(name))) return { kind: 'none' };
    const handler = route.verbs[verb] ?? route.verbs.any;
    if (!handler) return { kind: 'no-verb' };
    return { kind: 'handler', handler, name };
  }
}

/** A request target understood. */
export interface Target {
  /** As it came, percent escapes resolved. */
  readonly path: string;
  /** Without double slashes and dot segments. */
  readonly clean: string;
  /** `?…`, or `''`. */
  readonly query: string;
}

/** @returns `undefined` for what is no path, such as a broken percent escape. */
export function parseTarget(url: string): Target | undefined {
  // A proxy request names scheme and host first.
  const [, beforeQuery = '', query = ''] = /^(?:[a-z]+:\/\/[^/?]*)?([^?#]*)(\?[^#]*)?/i.exec(url) ?? [];
  try {
    const path = decodeURIComponent(beforeQuery);
    return path.startsWith('/') ? { path, clean: cleanPath(path), query } : undefined;
  } catch {
    return undefined; // a broken percent escape names nothing
  }
}

/** Go's `path.Clean`, with a trailing slash kept. */
function cleanPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') kept.pop();
    else kept.push(segment);
  }
  const clean = `/${kept.join('/')}`;
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

/** Answers a request by what was found; a handler's promise is returned. */
export function follow(
  found: Found,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> | undefined {
  switch (found.kind) {
    case 'handler':
      return found.handler(request, response, found.name) ?? undefined;
    case 'moved':
      empty(response, 301, { Location: found.to });
      break;
    case 'no-verb':
      empty(response, 405);
      break;
    case 'none':
      refuse(response, 404, '404 page not found');
      break;
  }
  return undefined;
}
