import { limits } from '@perch/protocol';
import { Emitter } from '@perch/runtime';
import { RuleError } from './errors.ts';
import { noRules, type RuleFile, type RuleSet } from './file.ts';
import type { MotionRule } from './motion-rule.ts';
import {
  API_TOPIC,
  type DestinationRule,
  type FeedRule,
  meansAll,
  refuseNesting,
  type StreamRule,
} from './rule.ts';

/** Who asks for a change: over the network nobody may point the control channel elsewhere (DESIGN). */
export type RuleOrigin = 'local' | 'network';

export interface RuleStoreEvents {
  /** The rules are on disk and hold from now on. */
  changed: RuleSet;
}

export interface RuleStoreOptions {
  readonly file: RuleFile;
  /** Rules of the configuration: shown, never kept on disk, read-only by API. */
  readonly given?: readonly DestinationRule[];
  /** The same for motion. */
  readonly givenMotion?: readonly MotionRule[];
}

type Change = (rules: RuleSet) => RuleSet;
interface Pending {
  readonly change: Change;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Holds the rules. A change is written to disk first and holds from then on, so that nothing answered with success is
 * ever lost; changes asked for while one is being written share the next write.
 */
export class RuleStore {
  readonly events = new Emitter<RuleStoreEvents>();
  readonly #file: RuleFile;
  readonly #given: ReadonlyMap<string, DestinationRule>;
  readonly #givenMotion: ReadonlyMap<string, MotionRule>;
  #kept: RuleSet = noRules;
  #pending: Pending[] = [];
  #writing: Promise<void> | undefined;

  constructor({ file, given = [], givenMotion = [] }: RuleStoreOptions) {
    this.#file = file;
    this.#given = new Map(given.map((rule) => [rule.id, rule]));
    this.#givenMotion = new Map(givenMotion.map((rule) => [rule.feed, rule]));
  }

  /** Takes up what the last run left, before anything else. @throws {AgentError} `rules-corrupt`, `data-not-writable`. */
  async load(): Promise<void> {
    this.#kept = await this.#file.load();
  }

  /** The rules that hold now, those of the configuration last and foremost. */
  get current(): RuleSet {
    const { streams, destinations, feeds, motion } = this.#kept;
    return {
      streams,
      destinations: new Map([...destinations, ...this.#given]),
      feeds,
      motion: new Map([...motion, ...this.#givenMotion]),
    };
  }

  isGiven(id: string): boolean {
    return this.#given.has(id);
  }

  /** Adds or replaces. @throws {RuleError} */
  async putStream(rule: StreamRule): Promise<void> {
    // COMPAT 1.3: a reserved name is answered with success and ignored.
    if (meansAll(rule.stream)) return;
    refuseNesting(rule);
    await this.#change((rules) => ({ ...rules, streams: added(rules.streams, rule.stream, rule) }));
  }

  /** Adds or replaces. @throws {RuleError} */
  async putFeed(rule: FeedRule): Promise<void> {
    if (meansAll(rule.feed)) return;
    await this.#change((rules) => ({ ...rules, feeds: added(rules.feeds, rule.feed, rule) }));
  }

  /** Adds or replaces. @throws {RuleError} */
  async putMotion(rule: MotionRule): Promise<void> {
    if (meansAll(rule.feed)) return;
    this.#refuseGivenMotion(rule.feed);
    await this.#change((rules) => ({ ...rules, motion: added(rules.motion, rule.feed, rule) }));
  }

  /** Adds or replaces. @throws {RuleError} */
  async putDestination(rule: DestinationRule, origin: RuleOrigin): Promise<void> {
    if (meansAll(rule.id)) return;
    this.#refuseGiven(rule.id);
    if (rule.stream === API_TOPIC && origin !== 'local') {
      throw new RuleError(
        'api-is-local',
        'a destination for `api` hands over control of this agent: set it with VW_API, or on the device itself',
      );
    }
    await this.#change((rules) => ({ ...rules, destinations: added(rules.destinations, rule.id, rule) }));
  }

  /** Deletes one, or `all`. Deleting what is not there is a success. @throws {RuleError} `not-saved` */
  async deleteStream(name: string): Promise<void> {
    await this.#change((rules) => ({ ...rules, streams: without(rules.streams, name) }));
  }

  /** Deletes one, or `all`. Deleting what is not there is a success. @throws {RuleError} `not-saved` */
  async deleteFeed(name: string): Promise<void> {
    await this.#change((rules) => ({ ...rules, feeds: without(rules.feeds, name) }));
  }

  /** Deletes one, or `all` but those of the configuration. @throws {RuleError} `not-saved`, `read-only` */
  async deleteMotion(feed: string): Promise<void> {
    this.#refuseGivenMotion(feed);
    await this.#change((rules) => ({ ...rules, motion: without(rules.motion, feed) }));
  }

  /** Deletes one, or `all` but those of the configuration. @throws {RuleError} `not-saved`, `read-only` */
  async deleteDestination(id: string): Promise<void> {
    this.#refuseGiven(id);
    await this.#change((rules) => ({ ...rules, destinations: without(rules.destinations, id) }));
  }

  /** Resolves when nothing is being written any more. */
  async drain(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  #refuseGiven(id: string): void {
    if (this.#given.has(id)) {
      throw new RuleError('read-only', `destination "${id}" is set by the configuration: change it there`);
    }
  }

  #refuseGivenMotion(feed: string): void {
    if (this.#givenMotion.has(feed)) {
      throw new RuleError('read-only', `motion of "${feed}" is set by the configuration: change it there`);
    }
  }

  #change(change: Change): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ change, resolve, reject });
      // Each failure goes to the changes that it concerns; the loop itself never rejects.
      this.#writing ??= this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const group = this.#pending;
      this.#pending = [];
      await this.#writeGroup(group);
    }
    this.#writing = undefined;
  }

  async #writeGroup(group: readonly Pending[]): Promise<void> {
    const taken: Pending[] = [];
    let next = this.#kept;
    for (const entry of group) {
      try {
        next = entry.change(next);
        taken.push(entry);
      } catch (error) {
        entry.reject(error);
      }
    }
    try {
      if (next !== this.#kept) await this.#file.save(next);
    } catch (error) {
      for (const entry of taken) entry.reject(error);
      return;
    }
    this.#kept = next;
    this.events.emit('changed', this.current);
    for (const entry of taken) entry.resolve();
  }
}

function added<T>(rules: ReadonlyMap<string, T>, name: string, rule: T): ReadonlyMap<string, T> {
  if (!rules.has(name) && rules.size >= limits.rules) {
    throw new RuleError('too-many', `there are ${limits.rules} such rules already: delete some first`);
  }
  return new Map([...rules, [name, rule]]);
}

function without<T>(rules: ReadonlyMap<string, T>, name: string): ReadonlyMap<string, T> {
  if (meansAll(name)) return new Map();
  return new Map([...rules].filter(([key]) => key !== name));
}
