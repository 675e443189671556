import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { CliError } from '../errors.ts';
import { type EnvironmentLayer, environmentLayer, type Program } from './environment.ts';
import { checkOlderRelays, warnOfOlderRelays } from './older-relays.ts';
import { type Config, type SettingKey, settings } from './settings.ts';
import { BadValue } from './units.ts';

/** What flags say, by setting. Undefined: the flag was not given. */
export type FlagLayer = { readonly [K in SettingKey]?: { readonly flag: string; readonly value: unknown } };

export interface LoadOptions {
  readonly program: Program;
  /** `--config FILE`. Without it `DIR/perch.yaml`, if there is one. */
  readonly file?: string | undefined;
  readonly flags: FlagLayer;
  readonly env: NodeJS.ProcessEnv;
}

export interface Loaded {
  readonly config: Config;
  /** Proxies of outgoing connections, as the environment says. */
  readonly proxy: EnvironmentLayer['proxy'];
  /** What was accepted but has no effect, for the log. */
  readonly warnings: readonly string[];
}

/**
 * Puts the layers together: defaults, then the file, then the environment, then flags.
 *
 * @throws {CliError} `misused`, naming the key, variable or flag and what it must be.
 */
export function loadConfig(options: LoadOptions): Loaded {
  const { values: fromEnvironment, proxy, warnings } = environmentLayer(options.program, options.env);
  const flags: Partial<Record<SettingKey, unknown>> = {};
  for (const [key, entry] of Object.entries(options.flags)) {
    if (entry !== undefined)
      flags[key as SettingKey] = understand(key as SettingKey, entry.value, entry.flag);
  }
  const defaults = Object.fromEntries(
    Object.entries(settings).map(([key, { fallback }]) => [key, fallback()]),
  );
  // Where the file lies may itself come from the layers above it.
  const data = (flags.data ?? fromEnvironment.data ?? defaults.data) as string;
  const fromFile = readFile(options.file, data);
  const config = Object.freeze({ ...defaults, ...fromFile, ...fromEnvironment, ...flags }) as Config;
  validate(config);
  return { config, proxy, warnings: [...warnings, ...warnOfOlderRelays(config)] };
}

/** What one setting alone cannot tell. */
function validate(config: Config): void {
  if ((config['relay.tls_cert'] === undefined) !== (config['relay.tls_key'] === undefined)) {
    throw new CliError('misused', 'tls_cert and tls_key belong together: give both, or neither');
  }
  if (config['relay.tls_cert'] !== undefined && config['relay.acme'].length > 0) {
    throw new CliError('misused', 'tls_cert and acme are two ways to a certificate: give one of them');
  }
  checkOlderRelays(config);
}

function understand(key: SettingKey, value: unknown, name: string): unknown {
  try {
    return settings[key].parse(value);
  } catch (error) {
    if (error instanceof BadValue) throw new CliError('misused', `${name} ${error.message}`);
    throw error;
  }
}

function readFile(given: string | undefined, data: string): Partial<Record<SettingKey, unknown>> {
  const path = given ?? join(data, 'perch.yaml');
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (cause) {
    // A data directory that is none is named by the program that needs it.
    const isAbsent = ['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '');
    if (isAbsent && given === undefined) return {};
    const why = isAbsent ? 'is not there' : `cannot be read (${(cause as Error).message})`;
    throw new CliError('misused', `the configuration file ${path} ${why}`, { cause });
  }
  return decodeFile(content, path);
}

/** @throws {CliError} naming the file and the key. */
export function decodeFile(content: string, path: string): Partial<Record<SettingKey, unknown>> {
  let tree: unknown;
  try {
    tree = parseYaml(content);
  } catch (cause) {
    throw new CliError('misused', `${path} is not YAML: ${(cause as Error).message}`, { cause });
  }
  if (tree === null || tree === undefined) return {};
  const values: Partial<Record<SettingKey, unknown>> = {};
  for (const [key, value] of flatten(tree, '', path)) {
    if (!Object.hasOwn(settings, key)) {
      throw new CliError(
        'misused',
        `${path}: ${key} is not a setting of Perch. Known are ${Object.keys(settings).join(', ')}.`,
      );
    }
    values[key as SettingKey] = understand(key as SettingKey, value, `${path}: ${key}`);
  }
  return values;
}

/** `relay: {listen: x}` as `relay.listen`. A part that is empty (`relay:`) says nothing. */
function flatten(tree: unknown, prefix: string, path: string): [string, unknown][] {
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) {
    throw new CliError(
      'misused',
      `${path}: ${prefix || 'the file'} must have keys with values, such as "data: DIR"`,
    );
  }
  return Object.entries(tree).flatMap(([name, value]): [string, unknown][] => {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (Object.keys(settings).some((known) => known.startsWith(`${key}.`))) {
      return value === null ? [] : flatten(value, key, path);
    }
    return [[key, value]];
  });
}
