import { AgentError, type EnvironmentSettings, settingsFromEnvironment } from '@perch/agent';
import { CliError } from '../errors.ts';
import { olderVariables } from './older-relays.ts';
import { type Config, type SettingKey, settings } from './settings.ts';
import { BadValue } from './units.ts';

/** The program that is configured; `PERCH_LISTEN` is of the one part that it has. */
export type Program = 'up' | 'relay' | 'agent' | 'tool';

export interface EnvironmentLayer {
  readonly values: { readonly [K in SettingKey]?: Config[K] };
  readonly proxy: NonNullable<EnvironmentSettings['outgoing']['proxy']>;
  readonly warnings: readonly string[];
}

/** Variables of ours that the agent's own list does not have, and the settings they are. */
const ours: Readonly<Record<string, SettingKey>> = {
  PERCH_RELAY_LISTEN: 'relay.listen',
  PERCH_AGENT_LISTEN: 'agent.listen',
  PERCH_OPEN: 'relay.open',
  PERCH_TLS_CERT: 'relay.tls_cert',
  PERCH_TLS_KEY: 'relay.tls_key',
  PERCH_EMBED_ORIGIN: 'relay.embed_origin',
  PERCH_PUSH_ORIGIN: 'relay.push_origin',
  PERCH_TRUST_PROXY: 'relay.trust_proxy',
  PERCH_PUBLIC: 'relay.public',
  PERCH_ACME: 'relay.acme',
  PERCH_ACME_EMAIL: 'relay.acme_email',
  PERCH_ACME_DIRECTORY: 'relay.acme_directory',
  PERCH_ACME_CA: 'relay.acme_ca',
  PERCH_ACME_LISTEN: 'relay.acme_listen',
  PERCH_DATABASE: 'relay.database',
  PERCH_INPUT_PORT: 'agent.input_port',
  PERCH_INPUT_SOCK: 'agent.input_sock',
  PERCH_INPUT_DIR: 'agent.input_dir',
  PERCH_CAPTURE_DIR: 'agent.capture_dir',
  PERCH_MOTION_FILE_LIST: 'agent.motion_file_list',
  PERCH_MOTION: 'agent.motion',
  PERCH_MOTION_BEFORE: 'agent.motion_before',
  PERCH_MOTION_AFTER: 'agent.motion_after',
  PERCH_MOTION_MOST: 'agent.motion_most',
  PERCH_MOTION_SENSITIVITY: 'agent.motion_sensitivity',
  PERCH_CAM_ADDR: 'agent.cam_addr',
  PERCH_CAM_SOCK: 'agent.cam_sock',
  PERCH_SPOOL_SIZE: 'agent.spool_size',
  PERCH_SPOOL_AGE: 'agent.spool_age',
  PERCH_UPLOAD_RATE: 'agent.upload_rate',
};

/** Variables of the repository's own scripts, and of single commands. */
const scripts = ['PERCH_LONG', 'PERCH_TOKEN'];

/**
 * Reads the environment: `PERCH_*` wins over the names of older systems.
 *
 * @throws {CliError} `misused`, naming a variable that is unknown or wrong.
 */
export function environmentLayer(program: Program, env: NodeJS.ProcessEnv): EnvironmentLayer {
  const agent = agentSettings(env);
  const warnings: string[] = [];
  const values: Partial<Record<SettingKey, unknown>> = {};
  const set = (key: SettingKey, value: unknown) => {
    if (value !== undefined) values[key] = value;
  };

  if (program === 'relay') {
    const older = olderVariables(env);
    for (const { name, key, value } of older.values) set(key, understand(key, value, name));
    warnings.push(...older.warnings);
  }
  if (agent.port !== undefined) set('agent.listen', { host: '127.0.0.1', port: agent.port });
  if (agent.listen !== undefined) {
    if (program === 'up') {
      throw new CliError(
        'misused',
        'PERCH_LISTEN could mean two ports here: use PERCH_RELAY_LISTEN and PERCH_AGENT_LISTEN',
      );
    }
    const key = program === 'relay' ? 'relay.listen' : 'agent.listen';
    set(key, understand(key, agent.listen, 'PERCH_LISTEN'));
  }
  set('data', agent.data);
  set('log_level', agent.logLevel);
  set('agent.public_host', agent.publicHost);
  set('agent.allow_origin', agent.allowOrigin);
  set('agent.trust', agent.trust);
  set('agent.vw_api', agent.vwApi);
  set('agent.http_wait', agent.httpWaitMs);
  set('agent.extra_ca', agent.outgoing.caFile);
  set('relay.extra_ca', agent.outgoing.caFile);
  for (const [name, key] of Object.entries(ours)) {
    if (env[name]) set(key, understand(key, env[name], name));
  }
  return { values: values as EnvironmentLayer['values'], proxy: agent.outgoing.proxy ?? {}, warnings };
}

function agentSettings(env: NodeJS.ProcessEnv): EnvironmentSettings {
  try {
    return settingsFromEnvironment(env, [...Object.keys(ours), ...scripts]);
  } catch (error) {
    if (error instanceof AgentError) throw new CliError('misused', error.message, { cause: error });
    throw error;
  }
}

function understand(key: SettingKey, value: string, name: string): unknown {
  try {
    return settings[key].parse(value);
  } catch (error) {
    if (error instanceof BadValue) throw new CliError('misused', `${name} ${error.message}`);
    throw error;
  }
}
