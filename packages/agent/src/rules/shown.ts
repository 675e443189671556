import type { DestinationRule, StreamRule } from './rule.ts';
import type { RuleStore } from './store.ts';

/** Stream rules as both APIs list them. */
export function shownStreams(streams: ReadonlyMap<string, StreamRule>): object {
  return Object.fromEntries([...streams].map(([name, rule]) => [name, rule.feeds]));
}

/** A rule as both APIs show it: the token of one that the configuration gave is nobody's business. */
export function shownDestination(rule: DestinationRule, store: RuleStore): DestinationRule {
  return store.isGiven(rule.id) ? { ...rule, token: '' } : rule;
}

/** All destination rules as both APIs list them. */
export function shownDestinations(store: RuleStore): object {
  const { destinations } = store.current;
  return Object.fromEntries([...destinations].map(([id, rule]) => [id, shownDestination(rule, store)]));
}
