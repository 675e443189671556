import { AgentError, systemCode } from '../errors.ts';
import type { Dialer, Question } from '../uplink/dial.ts';
import { messageOf } from './relay-answers.ts';

export interface Ask extends Question {
  readonly dialer: Dialer;
  readonly url: string;
  /** The machine's clock, milliseconds since 1970. */
  readonly now: number;
}

/**
 * Asks a relay something, and reads its answer.
 *
 * @throws {AgentError} `relay-unreachable`, `relay-untrusted`, `clock-wrong`, `relay-refused` with the relay's own words.
 */
export async function askRelay<T>(
  { dialer, url, now, ...question }: Ask,
  decode: (value: unknown) => T,
): Promise<T> {
  const answer = await dialer.ask(url, question).catch((error: unknown) => {
    throw explain(error, url, now);
  });
  let value: unknown;
  try {
    value = JSON.parse(answer.text);
  } catch {
    value = undefined; // a proxy's page, perhaps
  }
  const { origin } = new URL(url);
  if (answer.status < 200 || answer.status > 299) {
    const words =
      messageOf(value) ?? `it answers ${answer.status}; is this a relay of Perch, and a recent one?`;
    throw new AgentError('relay-refused', `${origin} refuses: ${words}`, { status: answer.status });
  }
  try {
    return decode(value);
  } catch (cause) {
    throw new AgentError(
      'relay-refused',
      `${origin} answers something else than a relay of Perch (${(cause as Error).message})`,
      { cause },
    );
  }
}

/** https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/, as Node names them. */
const NO_AUTHORITY = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
];
const WRONG_TIME = ['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED'];

/** What went wrong on the way to a relay, in words that say what to do. */
export function explain(error: unknown, url: string, now: number): AgentError {
  if (error instanceof AgentError) return error;
  const { host, protocol } = new URL(url);
  const cause = { cause: error };
  const code = systemCode(error);
  const words = error instanceof Error ? error.message : String(error);
  if (WRONG_TIME.includes(code)) {
    return new AgentError(
      'clock-wrong',
      `the certificate of ${host} is not good at the time that this machine has, ${new Date(now).toISOString()}. If that is wrong set the clock (timedatectl set-ntp true); if it is right the relay's certificate must be renewed`,
      cause,
    );
  }
  if (NO_AUTHORITY.includes(code)) {
    return new AgentError(
      'relay-untrusted',
      `no authority that this machine knows has signed the certificate of ${host}. Use the whole command that the app shows, with --pin; or name the authority's file with --extra_ca`,
      cause,
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new AgentError(
      'relay-untrusted',
      `the certificate of ${host} is for other names (${words}): use an address that it is for`,
      cause,
    );
  }
  const hint = protocol === 'https:' && /EPROTO|ERR_SSL/.test(code) ? '; does it speak HTTPS there?' : '';
  return new AgentError('relay-unreachable', `${host} does not answer: ${words}${hint}`, cause);
}
