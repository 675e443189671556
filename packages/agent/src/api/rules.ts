import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@perch/runtime';
import { RuleError, type RuleErrorCode } from '../rules/errors.ts';
import {
  DELETE_ALL,
  decodeDestinationRule,
  decodeFeedRule,
  decodeStreamRule,
  meansAll,
  noDestination,
} from '../rules/rule.ts';
import { shownDestination, shownDestinations, shownStreams } from '../rules/shown.ts';
import type { RuleOrigin, RuleStore } from '../rules/store.ts';
import type { Streams } from '../streams/streams.ts';
import { json, refuse } from './answer.ts';
import { BodyError, readJson } from './body.ts';
import type { Handler } from './router.ts';

const statuses: { readonly [K in RuleErrorCode]: number } = {
  'bad-rule': 400,
  'file-refused': 400,
  'read-only': 409,
  'api-is-local': 403,
  'too-many': 507,
  'not-saved': 507,
};

export interface RuleHandlersOptions {
  readonly store: RuleStore;
  readonly streams: Streams;
  readonly clock: Clock;
  readonly origin: RuleOrigin;
}

/** The REST side of the rules (COMPAT 1.2, 1.3), one handler for each row. */
export function ruleHandlers(options: RuleHandlersOptions) {
  const { store, streams, clock, origin } = options;

  const answering =
    (
      answer: (
        request: IncomingMessage,
        name: string,
        response: ServerResponse,
      ) => Promise<unknown> | unknown,
    ): Handler =>
    async (request, response, name) => {
      try {
        const value = await answer(request, name, response);
        if (value !== undefined) json(response, value);
      } catch (error) {
        if (error instanceof BodyError) refuse(response, error.status, error.message);
        else if (error instanceof RuleError) refuse(response, statuses[error.code], error.message);
        else throw error;
      }
    };

  return {
    putStream: answering(async (request) => {
      const rule = decodeStreamRule(await readJson(request, clock));
      await store.putStream(rule);
      return rule;
    }),
    listStreams: answering(() => shownStreams(store.current.streams)),
    showStream: answering((_, name, response) => {
      const rule = store.current.streams.get(name);
      // Of alternatives those that are on.
      if (rule) return streams.get(name)?.feeds ?? rule.feeds ?? [];
      refuse(response, 404, 'Stream not found');
      return undefined;
    }),
    deleteStream: answering(async (_, name) => {
      await store.deleteStream(name);
      return meansAll(name) ? DELETE_ALL : name;
    }),
    putFeed: answering(async (request) => {
      const rule = decodeFeedRule(await readJson(request, clock));
      await store.putFeed(rule);
      return rule;
    }),
    listFeeds: answering(() => Object.fromEntries(store.current.feeds)),
    showFeed: answering((_, feed) => store.current.feeds.get(feed) ?? { feed, delayMs: 0 }),
    deleteFeed: answering(async (_, name) => {
      await store.deleteFeed(name);
      return meansAll(name) ? DELETE_ALL : name;
    }),
    putDestination: answering(async (request) => {
      const rule = decodeDestinationRule(await readJson(request, clock));
      await store.putDestination(rule, origin);
      return rule;
    }),
    listDestinations: answering(() => shownDestinations(store)),
    showDestination: answering((_, id) => {
      const rule = store.current.destinations.get(id);
      return rule ? shownDestination(rule, store) : noDestination;
    }),
    deleteDestination: answering(async (_, id) => {
      await store.deleteDestination(id);
      return meansAll(id) ? DELETE_ALL : id;
    }),
  } satisfies Record<string, Handler>;
}
