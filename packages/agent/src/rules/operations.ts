import type { RuleList } from '@perch/protocol';
import type { Streams } from '../streams/streams.ts';
import { RuleError } from './errors.ts';
import { decodeMotionRule, noMotion } from './motion-rule.ts';
import {
  DELETE_ALL,
  decodeDestinationRule,
  decodeFeedRule,
  decodeStreamRule,
  meansAll,
  noDestination,
} from './rule.ts';
import { shownDestination, shownDestinations, shownStreams } from './shown.ts';
import type { RuleOrigin, RuleStore } from './store.ts';

/** What can be done with the rules of one list (COMPAT 1.2, 1.3). Values are the answers' JSON. @throws {RuleError} */
export interface RuleOperations {
  list(): object;
  show(name: string): object;
  /** Adds or replaces. @param given outside data: what is to be the rule. */
  put(given: unknown): Promise<object>;
  /** One, or `all`. @returns its name. */
  remove(name: string): Promise<string>;
}

export interface RuleOperationsOptions {
  readonly store: RuleStore;
  readonly streams: Streams;
  /** Who will ask: over the network not everything may be done. */
  readonly origin: RuleOrigin;
}

/** The rules as they can be asked for and changed, whichever way the question comes: same checks, same answers. */
export function ruleOperations(options: RuleOperationsOptions): Readonly<Record<RuleList, RuleOperations>> {
  const { store, streams, origin } = options;
  const motionOf = (feed: string) => store.current.motion.get(feed) ?? noMotion(feed);
  const deleted = (name: string) => (meansAll(name) ? DELETE_ALL : name);
  return {
    streams: {
      list: () => shownStreams(store.current.streams),
      show(name) {
        const rule = store.current.streams.get(name);
        if (!rule) throw new RuleError('no-such-rule', 'Stream not found');
        // Of alternatives those that are on.
        return streams.get(name)?.feeds ?? rule.feeds ?? [];
      },
      async put(given) {
        const rule = decodeStreamRule(given);
        await store.putStream(rule);
        return rule;
      },
      async remove(name) {
        await store.deleteStream(name);
        return deleted(name);
      },
    },
    feeds: {
      list: () => Object.fromEntries(store.current.feeds),
      show: (feed) => store.current.feeds.get(feed) ?? { feed, delayMs: 0 },
      async put(given) {
        const rule = decodeFeedRule(given);
        await store.putFeed(rule);
        return rule;
      },
      async remove(name) {
        await store.deleteFeed(name);
        return deleted(name);
      },
    },
    motion: {
      list: () => Object.fromEntries(store.current.motion),
      show: (feed) => motionOf(feed),
      async put(given) {
        const rule = decodeMotionRule(given, motionOf);
        await store.putMotion(rule);
        return rule;
      },
      async remove(name) {
        await store.deleteMotion(name);
        return deleted(name);
      },
    },
    destinations: {
      list: () => shownDestinations(store),
      show(id) {
        const rule = store.current.destinations.get(id);
        return rule ? shownDestination(rule, store) : noDestination;
      },
      async put(given) {
        const rule = decodeDestinationRule(given);
        await store.putDestination(rule, origin);
        return rule;
      },
      async remove(id) {
        await store.deleteDestination(id);
        return deleted(id);
      },
    },
  };
}
