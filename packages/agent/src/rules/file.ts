import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError, dataError, systemCode } from '../errors.ts';
import { replaceFile } from '../replace-file.ts';
import { RuleError } from './errors.ts';
import { decodeMotionRule, type MotionRule } from './motion-rule.ts';
import {
  type DestinationRule,
  decodeDestinationRule,
  decodeFeedRule,
  decodeStreamRule,
  type FeedRule,
  type StreamRule,
} from './rule.ts';

/** All rules at one moment. Never changed, only replaced. */
export interface RuleSet {
  /** By stream name. */
  readonly streams: ReadonlyMap<string, StreamRule>;
  /** By id. */
  readonly destinations: ReadonlyMap<string, DestinationRule>;
  /** By feed. */
  readonly feeds: ReadonlyMap<string, FeedRule>;
  /** By feed or stream. */
  readonly motion: ReadonlyMap<string, MotionRule>;
}

export const noRules: RuleSet = {
  streams: new Map(),
  destinations: new Map(),
  feeds: new Map(),
  motion: new Map(),
};

/** Where rules are kept: one JSON file that is always whole, the old one or the new one. */
export interface RuleFile {
  /** @throws {AgentError} `rules-corrupt`, `data-not-writable`. A file that does not exist is no rules. */
  load(): Promise<RuleSet>;
  /** Resolves when the rules would survive a power cut. @throws {RuleError} `not-saved`: the old ones still would. */
  save(rules: RuleSet): Promise<void>;
}

/** `DIR/rules.json`, readable by its owner alone, since rules hold tokens. */
export function ruleFile(directory: string): RuleFile {
  const path = join(directory, 'rules.json');
  return {
    async load() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (cause) {
        if (systemCode(cause) === 'ENOENT') return noRules;
        throw dataError(path, cause);
      }
      try {
        return decodeRuleSet(JSON.parse(text));
      } catch (cause) {
        throw new AgentError(
          'rules-corrupt',
          `${path} cannot be understood (${(cause as Error).message}): mend it, or move it away to start without rules`,
          { cause },
        );
      }
    },
    async save(rules) {
      try {
        await replaceFile(path, encodeRuleSet(rules));
      } catch (cause) {
        const full = systemCode(cause) === 'ENOSPC' || systemCode(cause) === 'EDQUOT';
        const why = full ? 'no space left on the disk: free some' : (cause as Error).message;
        throw new RuleError(
          'not-saved',
          `the rule was not taken, because ${path} could not be written: ${why}`,
          {
            cause,
          },
        );
      }
    },
  };
}

function encodeRuleSet({ streams, destinations, feeds, motion }: RuleSet): string {
  const value = {
    version: 1,
    streams: [...streams.values()],
    destinations: [...destinations.values()],
    feeds: [...feeds.values()],
    motion: [...motion.values()],
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

function decodeRuleSet(value: unknown): RuleSet {
  if (typeof value !== 'object' || value === null) throw new TypeError('it holds no JSON object');
  // Older files have no `feeds`, or no `motion`.
  const { version, streams, destinations, feeds = [], motion = [] } = value as Record<string, unknown>;
  if (version !== 1) throw new TypeError(`its version is ${JSON.stringify(version)}, this program knows 1`);
  if (
    !Array.isArray(streams) ||
    !Array.isArray(destinations) ||
    !Array.isArray(feeds) ||
    !Array.isArray(motion)
  ) {
    throw new TypeError('`streams`, `destinations`, `feeds` and `motion` must be lists');
  }
  return {
    streams: new Map(streams.map((entry) => decodeStreamRule(entry)).map((rule) => [rule.stream, rule])),
    destinations: new Map(
      destinations.map((entry) => decodeDestinationRule(entry)).map((rule) => [rule.id, rule]),
    ),
    feeds: new Map(feeds.map((entry) => decodeFeedRule(entry)).map((rule) => [rule.feed, rule])),
    motion: new Map(motion.map((entry) => decodeMotionRule(entry)).map((rule) => [rule.feed, rule])),
  };
}
