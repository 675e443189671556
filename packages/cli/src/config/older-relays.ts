import { CliError } from '../errors.ts';
import type { LogLevel } from '../log.ts';
import type { Config, SettingKey } from './settings.ts';

/** Variables of crossbar and practable relay (COMPAT 2.1, 3.1), and the settings they are. */
const meanings: Readonly<Record<string, SettingKey>> = {
  CROSSBAR_LISTEN: 'relay.listen',
  CROSSBAR_SECRET: 'relay.crossbar_secret',
  CROSSBAR_AUDIENCE: 'relay.crossbar_audience',
  RELAY_LOG_LEVEL: 'log_level',
  RELAY_PORT_ACCESS: 'relay.listen',
  RELAY_SECRET: 'relay.practable_secret',
  RELAY_AUDIENCE: 'relay.practable_audience',
  RELAY_URL: 'relay.practable_url',
  RELAY_ALLOW_NO_BOOKING_ID: 'relay.practable_allow_no_booking_id',
  RELAY_STATS_EVERY: 'relay.practable_stats_every',
};

/** What practable relay calls its levels (logrus), and what they are here. */
const levels: Readonly<Record<string, LogLevel>> = {
  panic: 'error',
  fatal: 'error',
  error: 'error',
  warn: 'warn',
  warning: 'warn',
  info: 'info',
  debug: 'debug',
  trace: 'debug',
};

const hints: Readonly<Record<string, string>> = {
  RELAY_PORT_RELAY: 'one port serves both; let the proxy send the address in RELAY_URL to it',
};

export interface OlderVariables {
  /** What each says, not yet understood. */
  readonly values: readonly { readonly name: string; readonly key: SettingKey; readonly value: string }[];
  readonly warnings: readonly string[];
}

/** Picks the variables of the older relays; those without a meaning here are named, never their values. */
export function olderVariables(env: NodeJS.ProcessEnv): OlderVariables {
  const names = Object.keys(env).filter((name) => /^(CROSSBAR|RELAY)_/.test(name) && env[name]);
  const values = names.flatMap((name) => {
    const key = meanings[name];
    const value = env[name] as string;
    return key ? [{ name, key, value: translated(name, value) }] : [];
  });
  const warnings = names
    .filter((name) => !meanings[name])
    .map((name) => `${name} has no effect${hints[name] ? `: ${hints[name]}` : ' here'}`);
  return { values, warnings };
}

function translated(name: string, value: string): string {
  if (name === 'RELAY_PORT_ACCESS') return onLoopback(name, value);
  if (name !== 'RELAY_LOG_LEVEL') return value;
  const level = levels[value.toLowerCase()];
  if (level) return level;
  throw new CliError('misused', `${name} must be one of ${Object.keys(levels).join(', ')}, not "${value}"`);
}

/** Like vw's port, it is one of loopback: what listens beyond says so itself. */
function onLoopback(name: string, port: string): string {
  if (/^\d{1,5}$/.test(port)) return `127.0.0.1:${port}`;
  throw new CliError('misused', `${name} must be a port, not "${port}"`);
}

/** @throws {CliError} where a part of a family is missing, in the words that its users know. */
export function checkOlderRelays(config: Config): void {
  if (config['relay.practable_secret'] === undefined) return;
  for (const [key, name] of [
    ['relay.practable_audience', 'RELAY_AUDIENCE'],
    ['relay.practable_url', 'RELAY_URL'],
  ] as const) {
    if (config[key] === undefined) {
      throw new CliError(
        'misused',
        `You must set ${name} (${key}): the secret of practable relay alone is not enough`,
      );
    }
  }
}

/** What of the older families is set and does nothing, or is weak. */
export function warnOfOlderRelays(config: Config): string[] {
  const warnings: string[] = [];
  const useless = (key: SettingKey, secret: SettingKey) => {
    if (config[key] !== undefined && config[secret] === undefined) {
      warnings.push(`${key} has no effect without ${secret}`);
    }
  };
  useless('relay.crossbar_audience', 'relay.crossbar_secret');
  useless('relay.practable_audience', 'relay.practable_secret');
  useless('relay.practable_url', 'relay.practable_secret');
  for (const key of ['relay.crossbar_secret', 'relay.practable_secret'] as const) {
    if ((config[key]?.length ?? SAFE_CHARS) < SAFE_CHARS) {
      warnings.push(
        `${key} has fewer than ${SAFE_CHARS} characters: who sees one token can find it by trying`,
      );
    }
  }
  return warnings;
}

/** RFC 7518 3.2: a key has at least as many bytes as the hash. */
const SAFE_CHARS = 32;
