import { motionDefaults, motionLimits } from '../motion/limits.ts';
import type { Zone } from '../motion/zones.ts';
import { bad, fields, name } from './rule.ts';

/** Whether a feed is filmed when something moves in it, and how. */
export interface MotionRule {
  /** A feed, or a stream `stream/…`: the film then holds what that holds. */
  readonly feed: string;
  readonly isOn: boolean;
  /** From 1, only what is large and clear, to 10, also what is small and faint. */
  readonly sensitivity: number;
  /** Where motion does not count, such as over a clock in the picture. */
  readonly zones: readonly Zone[];
  /** What is filmed of before the motion and after it, and how long a film is at most. In ms. */
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly mostMs: number;
}

/** What holds of a feed without a rule. */
export const noMotion = (feed: string): MotionRule => ({
  feed,
  isOn: false,
  sensitivity: motionDefaults.sensitivity,
  zones: [],
  beforeMs: motionDefaults.before,
  afterMs: motionDefaults.after,
  mostMs: motionDefaults.most,
});

/** Least and most of each number. */
const RANGES = {
  sensitivity: [1, 10],
  beforeMs: [0, 60_000],
  afterMs: [1_000, 300_000],
  mostMs: [10_000, 3_600_000],
} as const;

/**
 * Decodes a motion rule. What it leaves out stays as it is.
 *
 * @param before what holds of a feed so far.
 * @throws {RuleError} `bad-rule`, naming the field.
 */
export function decodeMotionRule(
  value: unknown,
  before: (feed: string) => MotionRule = noMotion,
): MotionRule {
  const field = fields(value, 'a motion rule');
  const feed = name(field('feed'), 'feed');
  if (feed === '') throw bad('feed', 'must name a feed or stream', feed);
  const rule = before(feed);
  const isOn = field('ison') ?? rule.isOn;
  if (typeof isOn !== 'boolean') throw bad('isOn', 'must be true or false', isOn);
  const number = (key: keyof typeof RANGES): number => {
    const [least, most] = RANGES[key];
    const given = field(key.toLowerCase()) ?? rule[key];
    if (typeof given === 'number' && given >= least && given <= most) return given;
    throw bad(key, `must be a number from ${least} to ${most}`, given);
  };
  const zones = field('zones');
  return {
    feed,
    isOn,
    sensitivity: number('sensitivity'),
    zones: zones === undefined || zones === null ? rule.zones : decodeZones(zones),
    beforeMs: number('beforeMs'),
    afterMs: number('afterMs'),
    mostMs: number('mostMs'),
  };
}

function decodeZones(value: unknown): Zone[] {
  if (!Array.isArray(value) || value.length > motionLimits.zones)
    throw bad('zones', `must be a list of at most ${motionLimits.zones} zones`, value);
  return value.map((entry: unknown, i) => {
    const field = fields(entry, `zones[${i}]`);
    const part = (key: string): number => {
      const given = field(key);
      if (typeof given === 'number' && given >= 0 && given <= 1) return given;
      throw bad(`zones[${i}].${key}`, 'must be a part of the picture, from 0 to 1', given);
    };
    return { x: part('x'), y: part('y'), width: part('width'), height: part('height') };
  });
}
