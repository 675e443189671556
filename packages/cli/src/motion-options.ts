import type { MotionSettings } from '@perch/agent';
import type { Command } from 'commander';
import type { Config, SettingKey } from './config/settings.ts';

/** The flags of motion capture, and the settings that they are. */
export const motionFlags = {
  motion: 'agent.motion',
  motion_before: 'agent.motion_before',
  motion_after: 'agent.motion_after',
  motion_most: 'agent.motion_most',
  motion_sensitivity: 'agent.motion_sensitivity',
} as const satisfies Record<string, SettingKey>;

/** Adds what says which feeds are filmed when something moves in them. */
export function withMotion(command: Command): Command {
  return command
    .option('--motion <FEED...>', 'film these feeds, or streams stream/…, when something moves in them')
    .option('--motion_before <TIME>', 'how much of what was before is filmed (default: 10s)')
    .option('--motion_after <TIME>', 'how long it films on when nothing moves any more (default: 20s)')
    .option('--motion_most <TIME>', 'how long a film is at most; the next one then goes on (default: 5m)')
    .option('--motion_sensitivity <N>', 'from 1, what is large, to 10, also what is small (default: 5)');
}

/** What the configuration says of motion capture, as the agent wants it. */
export function motionSettings(config: Config): MotionSettings {
  return {
    feeds: config['agent.motion'],
    rule: {
      beforeMs: config['agent.motion_before'],
      afterMs: config['agent.motion_after'],
      mostMs: config['agent.motion_most'],
      sensitivity: config['agent.motion_sensitivity'],
    },
  };
}
