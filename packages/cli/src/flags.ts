import type { Command } from 'commander';
import type { FlagLayer } from './config/load.ts';
import type { SettingKey } from './config/settings.ts';

/** Flags are spelt with underscores, as the older programs' are; dashes are taken too. `--no-x` keeps its dash. */
export function normalise(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  return args.map((arg, i) => {
    if (!arg.startsWith('--') || arg === '--' || (end >= 0 && i > end)) return arg;
    const [name = '', ...value] = arg.slice(2).split('=');
    const spelt = name.replaceAll('-', '_').replace(/^no_/, 'no-');
    return ['--', [spelt, ...value].join('=')].join('');
  });
}

/** Adds what every command with settings takes. */
export function withSettings(command: Command): Command {
  return command
    .option('--config <FILE>', 'read this file instead of DIR/perch.yaml')
    .option('--data <DIR>', 'where state lives (default: $XDG_STATE_HOME/perch)')
    .option('--log_level <LEVEL>', 'error, warn, info or debug (default: info)');
}

/** The flags that were given, as the settings that they are. */
export function flagLayer(
  given: Readonly<Record<string, unknown>>,
  flags: Readonly<Record<string, SettingKey>>,
): FlagLayer {
  const all = { data: 'data', log_level: 'log_level', ...flags } as const;
  return Object.fromEntries(
    Object.entries(all)
      .filter(([name]) => given[name] !== undefined)
      .map(([name, key]) => [key, { flag: `--${name}`, value: given[name] }]),
  );
}
