import { isTopicName, PERCH_1 } from '@perch/protocol';
import type { RuleSet } from '../rules/file.ts';
import { API_TOPIC, type DestinationRule, isStream } from '../rules/rule.ts';

/** A Perch relay that gets whatever nobody sends elsewhere. */
export interface ShareOptions {
  /** Its address, such as `http://127.0.0.1:8080`. */
  readonly relay: string;
  /** May write to every topic. Default: the dialer shows who we are. */
  readonly token?: string;
  /** The topics' names begin with this and a slash: a device's id. Default: with nothing. */
  readonly under?: string;
}

/** Makes a destination of its own for each feed and stream that no rule sends anywhere: a topic of the same name. */
export class Shared {
  readonly #options: ShareOptions;
  /** Always the same object for a name: an uplink lives as long as its rule. */
  readonly #rules = new Map<string, DestinationRule>();

  #relay: string;

  constructor(options: ShareOptions) {
    this.#options = options;
    this.#relay = options.relay;
  }

  /** Sends to another relay from now on: the next time that the rules are asked for. */
  moveTo(relay: string): void {
    if (relay === this.#relay) return;
    this.#relay = relay;
    this.#rules.clear();
  }

  /** The destinations of the rules, and ours for what is left of the `feeds` that somebody publishes on. */
  complete(
    { streams, destinations }: Pick<RuleSet, 'streams' | 'destinations'>,
    feeds: Iterable<string>,
  ): ReadonlyMap<string, DestinationRule> {
    const sent = new Set([...destinations.values()].map(({ stream }) => stream));
    const names = [...[...feeds].filter((feed) => !isStream(feed)), ...[...streams.keys()].filter(isStream)];
    const complete = new Map(destinations);
    for (const name of names) {
      if (sent.has(name) || name === API_TOPIC || !isTopicName(name)) continue;
      const rule = this.#rules.get(name) ?? this.#make(name);
      this.#rules.set(name, rule);
      if (!complete.has(rule.id)) complete.set(rule.id, rule);
    }
    for (const [name, { id }] of this.#rules) if (!complete.has(id)) this.#rules.delete(name);
    return complete;
  }

  #make(name: string): DestinationRule {
    const { token = '', under } = this.#options;
    const topic = under === undefined ? name : `${under}/${name}`;
    return {
      id: `shared/${name}`,
      stream: name,
      destination: `${this.#relay}/session/${topic}`,
      token,
      protocol: PERCH_1,
    };
  }
}
