import { AgentError } from './errors.ts';
import type { OutgoingOptions } from './uplink/dial.ts';

/** How much is logged: this and what is graver. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** What the environment says about an agent. Absent: it says nothing. */
export interface EnvironmentSettings {
  readonly data?: string;
  /** `HOST:PORT`, from `PERCH_LISTEN`. */
  readonly listen?: string;
  /** From `VW_PORT`; the host stays loopback. */
  readonly port?: number;
  readonly publicHost?: string;
  readonly allowOrigin?: readonly string[];
  readonly trust?: readonly string[];
  readonly logLevel?: LogLevel;
  readonly vwApi?: string;
  readonly httpWaitMs?: number;
  readonly outgoing: OutgoingOptions;
}

type Environment = Readonly<Record<string, string | undefined>>;

const PERCH_KEYS = [
  'DATA',
  'LISTEN',
  'PUBLIC_HOST',
  'ALLOW_ORIGIN',
  'TRUST',
  'LOG_LEVEL',
  'EXTRA_CA',
] as const;

/** Numbers that vw took. But for the wait at the end none has an effect here, nor had there (COMPAT 1.1). */
const VW_NUMBERS = [
  'MUXBUFFERLENGTH',
  'CLIENTBUFFERLENGTH',
  'CLIENTTIMEOUTMS',
  'HTTPWAITMS',
  'HTTPFLUSHMS',
  'HTTPTIMEOUTMS',
] as const;
const VW_KEYS = ['PORT', 'LOG_LEVEL', 'LOGLEVEL', 'API', 'CPUPROFILE', ...VW_NUMBERS] as const;
const VW_PREFIXES = ['VW_', 'RELAYHOST_'] as const;

/** vw's levels in our words. */
const LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  fatal: 'error',
  panic: 'error',
};

/**
 * Reads `PERCH_*`, `VW_*`, `RELAYHOST_*` and the proxy variables. `PERCH_*` wins over `VW_*`, that over `RELAYHOST_*`.
 * An empty variable is an absent one.
 *
 * @param alsoKnown further variables, such as those of a relay in the same process, that are not errors.
 * @throws {AgentError} `bad-setting` naming a variable that is unknown, or whose value is wrong.
 */
export function settingsFromEnvironment(
  env: Environment,
  alsoKnown: readonly string[] = [],
): EnvironmentSettings {
  refuseUnknown(env, alsoKnown);
  const perch = (key: (typeof PERCH_KEYS)[number]) => found(env, [`PERCH_${key}`]);
  const vw = (...keys: readonly (typeof VW_KEYS)[number][]) =>
    found(
      env,
      VW_PREFIXES.flatMap((prefix) => keys.map((key) => prefix + key)),
    );
  for (const key of VW_NUMBERS) asNumber(vw(key));
  const port = asNumber(vw('PORT'), 65_535);
  const httpWaitMs = asNumber(vw('HTTPWAITMS'));
  const logLevel = asLevel(perch('LOG_LEVEL') ?? vw('LOG_LEVEL', 'LOGLEVEL'));
  const allowOrigin = asList(perch('ALLOW_ORIGIN'));
  const trust = asList(perch('TRUST'));
  return {
    ...present('data', perch('DATA')?.value),
    ...present('listen', perch('LISTEN')?.value),
    ...present('port', port),
    ...present('publicHost', perch('PUBLIC_HOST')?.value),
    ...present('allowOrigin', allowOrigin),
    ...present('trust', trust),
    ...present('logLevel', logLevel),
    ...present('vwApi', vw('API')?.value),
    ...present('httpWaitMs', httpWaitMs),
    outgoing: {
      proxy: {
        ...present('secure', found(env, ['HTTPS_PROXY', 'https_proxy'])?.value),
        // A CGI request header could set the upper-case name; an agent is no CGI program.
        ...present('plain', found(env, ['HTTP_PROXY', 'http_proxy'])?.value),
        ...present('except', found(env, ['NO_PROXY', 'no_proxy'])?.value),
      },
      ...present('caFile', perch('EXTRA_CA')?.value),
    },
  };
}

interface Found {
  readonly key: string;
  readonly value: string;
}

function found(env: Environment, keys: readonly string[]): Found | undefined {
  for (const key of keys) {
    const value = env[key];
    if (value !== undefined && value !== '') return { key, value };
  }
  return undefined;
}

function refuseUnknown(env: Environment, alsoKnown: readonly string[]): void {
  const known = new Set([
    ...PERCH_KEYS.map((key) => `PERCH_${key}`),
    ...VW_PREFIXES.flatMap((prefix) => VW_KEYS.map((key) => prefix + key)),
    ...alsoKnown,
  ]);
  for (const key of Object.keys(env)) {
    if (!/^(PERCH|VW|RELAYHOST)_/.test(key) || known.has(key)) continue;
    const near = [...known].filter((name) => name.replaceAll('_', '') === key.replaceAll('_', ''));
    throw bad(
      key,
      `is not a setting of Perch${near.length > 0 ? `; did you mean ${near.join(' or ')}?` : ': unset it'}`,
    );
  }
}

function asNumber(setting: Found | undefined, most = 2 ** 31): number | undefined {
  if (!setting) return undefined;
  const value = Number(setting.value);
  if (/^\d+$/.test(setting.value) && value <= most) return value;
  throw bad(setting.key, `must be a whole number from 0 to ${most}, not "${setting.value}"`);
}

function asLevel(setting: Found | undefined): LogLevel | undefined {
  if (!setting) return undefined;
  const level = LEVELS[setting.value.toLowerCase()];
  if (level) return level;
  throw bad(setting.key, `must be one of ${Object.keys(LEVELS).join(', ')}, not "${setting.value}"`);
}

function asList(setting: Found | undefined): readonly string[] | undefined {
  return setting?.value.split(/[\s,]+/).filter((entry) => entry !== '');
}

const bad = (key: string, words: string): AgentError => new AgentError('bad-setting', `${key} ${words}`);

function present<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: T });
}
