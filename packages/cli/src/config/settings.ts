import { motionDefaults } from '@perch/agent';
import { limits } from '@perch/protocol';
import {
  checkOrigins,
  isDnsName,
  type PublicAddress,
  parseDatabaseAddress,
  parseNetwork,
} from '@perch/relay';
import { type LogLevel, logLevels } from '../log.ts';
import { defaultData } from '../places.ts';
import {
  type Address,
  BadValue,
  formatAddress,
  formatDuration,
  formatSize,
  parseAddress,
  parseDuration,
  parseHost,
  parseSecret,
  parseSize,
  parseWebSocketBase,
  parseYesOrNo,
} from './units.ts';

/** One setting: how its text is understood, what holds without it, and what a person reads about it. */
interface Setting<T> {
  /** Understands what the file, a variable or a flag says. @throws {BadValue} saying what it must be. */
  readonly parse: (value: unknown) => T;
  readonly fallback: () => T;
  /** For the example file, as YAML. */
  readonly example: string;
  readonly about: string;
}

/** A process that the agent runs to produce a feed. */
export interface ConfiguredSource {
  readonly feed: string;
  /** Program and arguments; `{url}` stands for the address to post to. */
  readonly command: readonly string[];
}

/** A destination that the file gives; the API shows it but cannot change it. */
export interface ConfiguredDestination {
  readonly id: string;
  readonly stream: string;
  readonly destination: string;
  readonly token?: string;
}

const text = (value: unknown): string => {
  if (typeof value === 'string' && value !== '') return value;
  throw new BadValue(`must be text, not ${JSON.stringify(value)}`);
};

const duration = (value: unknown): number => parseDuration(text(value));
/** A time of at least and at most so many ms. */
const timeFrom =
  (least: number, most: number) =>
  (value: unknown): number => {
    const given = duration(value);
    if (given >= least && given <= most) return given;
    throw new BadValue(
      `must be from ${formatDuration(least)} to ${formatDuration(most)}, not ${formatDuration(given)}`,
    );
  };
const sensitivity = (value: unknown): number => {
  const given = typeof value === 'number' ? value : Number(text(value));
  if (Number.isInteger(given) && given >= 1 && given <= 10) return given;
  throw new BadValue(`must be a whole number from 1 to 10, not ${JSON.stringify(value)}`);
};
const size = (value: unknown): number => parseSize(typeof value === 'number' ? String(value) : text(value));
const address = (value: unknown): Address => parseAddress(text(value));

/** It may hold a password, so what is wrong with it is said without repeating it. */
const databaseAddress = (value: unknown): string => {
  try {
    const address = typeof value === 'string' ? value : '';
    parseDatabaseAddress(address, '.');
    return address;
  } catch (error) {
    throw new BadValue((error as Error).message.replace(/^database: /, ''));
  }
};

/** A port of loopback, an address, or `none`. */
const inputPort = (value: unknown): Address | 'none' => {
  const given = typeof value === 'number' ? String(value) : text(value);
  if (given === 'none') return given;
  return parseAddress(/^\d+$/.test(given) ? `127.0.0.1:${given}` : given);
};

const list = (value: unknown): readonly string[] => {
  // One text is a list of one: `--open a --open b`, `open: a`.
  const entries = Array.isArray(value) ? value : [value];
  return entries.flatMap((entry) => text(entry).split(/[\s,]+/)).filter((entry) => entry !== '');
};

const dnsNames = (value: unknown): readonly string[] =>
  list(value).map((name) => {
    if (isDnsName(name) && name.includes('.')) return name;
    throw new BadValue(`must be names such as relay.example.org, which lead to this machine, not "${name}"`);
  });

const httpsAddress = (value: unknown): string => {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url?.protocol === 'https:') return url.href;
  throw new BadValue(
    `must be an address such as https://acme.example/directory, not ${JSON.stringify(value)}`,
  );
};

const origins = (value: unknown): readonly string[] => {
  const all = list(value);
  for (const origin of all) {
    try {
      checkOrigins([origin]);
    } catch {
      throw new BadValue(`must be origins such as https://lab.example:8443, not "${origin}"`);
    }
  }
  return all;
};

const networks = (value: unknown): readonly string[] => {
  const all = list(value);
  for (const network of all) {
    try {
      parseNetwork(network);
    } catch {
      throw new BadValue(`must be networks such as 10.0.0.0/8, or addresses, not "${network}"`);
    }
  }
  return all;
};

const level = (value: unknown): LogLevel => {
  const found = logLevels.find((name) => name === value);
  if (found) return found;
  throw new BadValue(`must be one of ${logLevels.join(', ')}, not ${JSON.stringify(value)}`);
};

function record(
  value: unknown,
  allowed: readonly string[],
  needed: readonly string[],
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadValue(`must have entries with ${allowed.join(', ')}`);
  }
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key))
      throw new BadValue(`has an unknown key "${key}"; known are ${allowed.join(', ')}`);
  }
  for (const key of needed) if (!(key in value)) throw new BadValue(`has an entry without "${key}"`);
  return value as Record<string, unknown>;
}

const records =
  <T>(decode: (entry: unknown) => T) =>
  (value: unknown): readonly T[] => {
    if (!Array.isArray(value)) throw new BadValue('must be a list');
    return value.map(decode);
  };

const sources = records((entry): ConfiguredSource => {
  const { feed, command } = record(entry, ['feed', 'command'], ['feed', 'command']);
  if (!Array.isArray(command) || command.length === 0) {
    throw new BadValue('"command" must be a list: the program and its arguments, each an entry');
  }
  return {
    feed: text(feed),
    command: command.map((part) => text(typeof part === 'number' ? String(part) : part)),
  };
});

const destinations = records((entry): ConfiguredDestination => {
  const keys = ['id', 'stream', 'destination'] as const;
  const { id, stream, destination, token } = record(entry, [...keys, 'token'], keys);
  return {
    id: text(id),
    stream: text(stream),
    destination: text(destination),
    ...(token !== undefined && { token: text(token) }),
  };
});

const optional = <T>(parse: (value: unknown) => T) => ({ parse, fallback: (): T | undefined => undefined });
const none = <T>(parse: (value: unknown) => readonly T[]) => ({ parse, fallback: (): readonly T[] => [] });

/** Every setting, by its key in `perch.yaml`: a dot leads into a part of the file. */
export const settings = {
  data: {
    parse: text,
    fallback: () => defaultData(),
    example: '/var/lib/perch',
    about: 'The directory where state lives. Default: $XDG_STATE_HOME/perch.',
  },
  log_level: {
    parse: level,
    fallback: (): LogLevel => 'info',
    example: 'info',
    about: 'The least that is logged: error, warn, info or debug.',
  },
  'relay.listen': {
    parse: address,
    fallback: (): Address => ({ host: '127.0.0.1', port: 8080 }),
    example: '127.0.0.1:8080',
    about: 'Where the relay listens. Port 0 picks a free one. Beyond loopback it speaks TLS.',
  },
  'relay.open': {
    ...none(list),
    example: '[lab/*]',
    about: 'Topics that anyone may read and write, as globs: * stops at /, ** does not.',
  },
  'relay.tls_cert': {
    ...optional(text),
    example: '/etc/ssl/relay.pem',
    about: 'Certificate (with its chain) and key, as PEM files. Replaced files are used within ten seconds.',
  },
  'relay.tls_key': {
    ...optional(text),
    example: '/etc/ssl/private/relay.key',
    about: 'The key of that certificate.',
  },
  'relay.trust_proxy': {
    ...none(networks),
    example: '[127.0.0.1]',
    about:
      'Addresses and networks of proxies in front: they are believed when they say who calls, and may speak plain HTTP.',
  },
  'relay.public': {
    ...optional((value: unknown): PublicAddress => parseHost(text(value))),
    example: 'relay.example.org',
    about: 'The name or address, and the port if not the usual one, under which people reach the relay.',
  },
  'relay.acme': {
    ...none(dnsNames),
    example: '[relay.example.org]',
    about: "Names to get a certificate for by ACME. With them you agree to the ACME server's terms.",
  },
  'relay.acme_email': {
    ...optional(text),
    example: 'you@example.org',
    about: 'Whom the ACME server may write to.',
  },
  'relay.acme_directory': {
    ...optional(httpsAddress),
    example: 'https://acme-staging-v02.api.letsencrypt.org/directory',
    about: "The ACME server's directory. Default: Let's Encrypt.",
  },
  'relay.acme_ca': {
    ...optional(text),
    example: '/etc/ssl/company-ca.pem',
    about: "PEM certificates that the ACME server's own HTTPS is trusted by, in place of the usual ones.",
  },
  'relay.acme_listen': {
    ...optional((value: unknown) => (value === 'none' ? value : address(value))),
    example: '0.0.0.0:80',
    about:
      "Where plain HTTP listens for the ACME server's question, which comes to port 80. Default: port 80 beside the relay. With none it comes to the relay's own port, which must be 443.",
  },
  'relay.embed_origin': {
    ...none(origins),
    example: '[https://lab.example]',
    about: 'Origins of foreign pages that may show /embed/<topic> in a frame.',
  },
  'relay.push_origin': {
    ...none(origins),
    example: '[https://push.example.org]',
    about:
      'Push services that browsers may name, also at private addresses. Default: every one at a public address.',
  },
  'relay.extra_ca': {
    ...optional(text),
    example: '/etc/ssl/company-ca.pem',
    about: 'PEM certificates to trust when pushes are sent, besides the usual ones.',
  },
  'relay.database': {
    ...optional(databaseAddress),
    example: 'postgres://perch:PASSWORD@db.example/perch',
    about: "Where the relay's state lives: sqlite:PATH or postgres://… Default: sqlite:DIR/perch.db.",
  },
  'relay.backlog': {
    parse: size,
    fallback: (): number => limits.backlogBytes,
    example: '4Mi',
    about: 'How far behind a viewer may be before messages are left out for it.',
  },
  'relay.crossbar_secret': {
    ...optional(parseSecret),
    example: '"a long random text"',
    about: "Takes crossbar's tokens, signed with this secret, as first message.",
  },
  'relay.crossbar_audience': {
    ...optional(text),
    example: 'https://relay.example',
    about: 'Whom those tokens must be for: their aud is this and the path.',
  },
  'relay.practable_secret': {
    ...optional(parseSecret),
    example: '"a long random text"',
    about: "Serves practable relay's access API, for tokens signed with this secret.",
  },
  'relay.practable_audience': {
    ...optional(text),
    example: 'https://app.example/access',
    about: 'Whom those tokens must be for.',
  },
  'relay.practable_url': {
    ...optional(parseWebSocketBase),
    example: 'wss://app.example/relay',
    about: 'Where WebSockets reach this relay, for the addresses that the access API gives.',
  },
  'relay.practable_allow_no_booking_id': {
    parse: parseYesOrNo,
    fallback: (): boolean => false,
    example: 'true',
    about: 'Takes tokens that name no booking, which then cannot be cancelled.',
  },
  'relay.practable_stats_every': {
    parse: duration,
    fallback: (): number => 5_000,
    example: '5s',
    about: 'How often the topic stats is told who is connected; at least 1s.',
  },
  'agent.listen': {
    parse: address,
    fallback: (): Address => ({ host: '127.0.0.1', port: 8888 }),
    example: '127.0.0.1:8888',
    about: 'Where the agent listens. Beyond loopback every caller must show the token in DIR/agent-token.',
  },
  'agent.public_host': {
    ...optional(text),
    example: 'camera.lan',
    about: 'A further name under which the agent may be called.',
  },
  'agent.allow_origin': {
    ...none(list),
    example: '[https://lab.example]',
    about: "Origins of web pages, besides the agent's own, that may use it.",
  },
  'agent.trust': {
    ...none(list),
    example: '[172.18.0.0/16]',
    about: 'Networks whose publishers need no token, such as a Compose bridge.',
  },
  'agent.vw_api': {
    ...optional(text),
    example: 'wss://relay.example/bi/control',
    about: 'Far end of a control channel for this agent (the old VW_API).',
  },
  'agent.http_wait': {
    parse: duration,
    fallback: (): number => 5_000,
    example: '5s',
    about: 'How long the end waits for those connected.',
  },
  'agent.extra_ca': {
    ...optional(text),
    example: '/etc/ssl/company-ca.pem',
    about: 'PEM certificates to trust on outgoing connections, besides the usual ones.',
  },
  'agent.input_port': {
    ...optional(inputPort),
    example: '9000',
    about:
      'Port of loopback (or HOST:PORT) on which camera programs name their films; none takes none there. Default: 9000, if it is free.',
  },
  'agent.input_sock': {
    ...optional(text),
    example: '/run/perch/captures.sock',
    about: 'A unix socket for the same.',
  },
  'agent.input_dir': {
    ...optional(text),
    example: '/var/lib/motion',
    about: 'Where relative names of films are looked for. Default: the working directory.',
  },
  'agent.capture_dir': {
    ...optional(text),
    example: '/var/lib/motion',
    about: 'Only films below it are taken. Default: wherever they are.',
  },
  'agent.motion_file_list': {
    ...optional(text),
    example: '/run/motion/films',
    about: 'A file or named pipe with a path of a film on each line, or - for standard input.',
  },
  'agent.cam_addr': {
    ...optional(address),
    example: '127.0.0.1:9001',
    about: 'Where the camera program listens for commands, by UDP.',
  },
  'agent.cam_sock': {
    ...optional(text),
    example: '/run/motion/commands.sock',
    about: 'Its unix datagram socket; wins over cam_addr.',
  },
  'agent.spool_size': {
    ...optional(size),
    example: '20Gi',
    about:
      'Most that films may take while they wait for the relay; over it the oldest without an alarm is given up, loudly. Default: no limit.',
  },
  'agent.spool_age': {
    ...optional(duration),
    example: '30d',
    about: 'Films that wait longer are given up, loudly. Default: no limit.',
  },
  'agent.upload_rate': {
    ...optional(size),
    example: '500k',
    about: 'Most bytes per second of films; they yield to live video in any case. Default: no limit.',
  },
  'agent.motion': {
    ...none(list),
    example: '[video0]',
    about: 'Feeds, or streams, that are filmed when something moves in them. The API cannot turn these off.',
  },
  'agent.motion_before': {
    parse: timeFrom(0, 60_000),
    fallback: (): number => motionDefaults.before,
    example: '10s',
    about: 'How much of what was before the motion is filmed.',
  },
  'agent.motion_after': {
    parse: timeFrom(1_000, 300_000),
    fallback: (): number => motionDefaults.after,
    example: '20s',
    about: 'How long it films on when nothing moves any more.',
  },
  'agent.motion_most': {
    parse: timeFrom(10_000, 3_600_000),
    fallback: (): number => motionDefaults.most,
    example: '5m',
    about: 'How long a film is at most; if something still moves, the next one goes on without a gap.',
  },
  'agent.motion_sensitivity': {
    parse: sensitivity,
    fallback: (): number => motionDefaults.sensitivity,
    example: '5',
    about: 'From 1, only what is large and clear, to 10, also what is small and faint.',
  },
  'agent.sources': {
    ...none(sources),
    example:
      '[{feed: video0, command: [ffmpeg, -i, /dev/video0, -c:v, libx264, -tune, zerolatency, -f, mpegts, "{url}"]}]',
    about: 'Programs that the agent runs and keeps running; {url} is the address to post to.',
  },
  'agent.destinations': {
    ...none(destinations),
    example: '[{id: "0", stream: video0, destination: "https://relay.example/session/video0", token: abc}]',
    about: 'Where feeds and streams are sent. The API shows these but cannot change them.',
  },
} satisfies Record<string, Setting<unknown>>;

export type SettingKey = keyof typeof settings;

/** All settings with their values. Frozen. */
export type Config = {
  readonly [K in SettingKey]:
    | ReturnType<(typeof settings)[K]['parse']>
    | ReturnType<(typeof settings)[K]['fallback']>;
};

/** A setting's default as a person would write it; empty where there is none. */
export function defaultText(key: SettingKey): string {
  if (key === 'data') return '$XDG_STATE_HOME/perch';
  const value = settings[key].fallback();
  if (value === undefined || Array.isArray(value)) return '';
  if (key === 'agent.motion_sensitivity') return String(value);
  if (typeof value === 'number') return key === 'relay.backlog' ? formatSize(value) : formatDuration(value);
  if (typeof value !== 'object') return String(value);
  return 'port' in value && value.port !== undefined ? formatAddress({ ...value, port: value.port }) : '';
}
