import { isTopicName } from '@perch/protocol';

/** What a relay answers to a request for a certificate. */
export interface Certified {
  readonly certificate: string;
  readonly ca: string;
  readonly trust?: string;
  /** None: go on with those that there are. */
  readonly relays: readonly string[];
  /** The relay's clock, milliseconds since 1970; `undefined` where it does not say. */
  readonly time: number | undefined;
}

export interface EnrolmentAnswer extends Certified {
  readonly device: string;
  readonly name: string;
}

export interface Challenge {
  readonly nonce: string;
  readonly time: number | undefined;
  /** Whom the TLS certificate shows already. */
  readonly device?: string;
  readonly trust?: string;
}

/** @throws {TypeError} saying what is missing. */
export function decodeCertified(value: unknown): Certified {
  const from = object(value);
  const { relays = [] } = from;
  if (!Array.isArray(relays) || !relays.every((relay) => typeof relay === 'string')) {
    throw new TypeError('relays is no list of addresses');
  }
  return {
    certificate: text(from, 'certificate'),
    ca: text(from, 'ca'),
    ...optional(from, 'trust'),
    relays,
    time: timeOf(from.time),
  };
}

/** @throws {TypeError} saying what is missing. */
export function decodeEnrolment(value: unknown): EnrolmentAnswer {
  const from = object(value);
  const device = text(from, 'device');
  if (!isTopicName(device) || device.includes('/')) throw new TypeError('device is no segment of a topic');
  return { ...decodeCertified(value), device, name: text(from, 'name') };
}

/** @throws {TypeError} saying what is missing. */
export function decodeChallenge(value: unknown): Challenge {
  const from = object(value);
  const nonce = text(from, 'nonce');
  if (!/^[\w-]{16,256}$/.test(nonce)) throw new TypeError('nonce is not base64url');
  return { nonce, time: timeOf(from.time), ...optional(from, 'device'), ...optional(from, 'trust') };
}

/** What a relay says of a failure, in its own words. */
export function messageOf(value: unknown): string | undefined {
  const { message } = (typeof value === 'object' && value !== null ? value : {}) as { message?: unknown };
  return typeof message === 'string' ? message.slice(0, 500) : undefined;
}

function object(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new TypeError('it is no object');
}

function text(from: Record<string, unknown>, key: string): string {
  const value = from[key];
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(`${key} is missing`);
}

const optional = <K extends string>(from: Record<string, unknown>, key: K) =>
  (typeof from[key] === 'string' ? { [key]: from[key] } : {}) as { readonly [P in K]?: string };

function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
