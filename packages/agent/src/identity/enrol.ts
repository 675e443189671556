import { mkdir } from 'node:fs/promises';
import { type Clock, systemClock } from '@perch/runtime';
import { AgentError, dataError } from '../errors.ts';
import { makeDialer, type OutgoingOptions } from '../uplink/dial.ts';
import { askRelay } from './asking.ts';
import { skewInWords } from './clock-skew.ts';
import { isFor, newDeviceKey, signingRequest } from './device-key.ts';
import { pinnedCertificate } from './pin.ts';
import { isRelayAddress, relayAddress } from './relay-address.ts';
import { decodeEnrolment } from './relay-answers.ts';
import { loadIdentity, type StoredIdentity, saveIdentity } from './stored-identity.ts';

/** More than this is worth a word. */
const SKEW_MS = 5 * 60_000;

/** By which code, at which relay, and where it is kept. */
export interface EnrolOptions {
  /** The relay's address. */
  readonly url: string;
  /** Of the app: ten minutes, one use. */
  readonly code: string;
  /** SHA-256, hex, of the certificate that the relay's own rests on. Default: it must be one that this machine trusts. */
  readonly pin?: string;
  /** The agent's directory, made if need be. */
  readonly data: string;
  /** A directory that gets `cert.pem` and `key.pem` for older programs, made if need be; kept up to date by the agent. */
  readonly legacy?: string;
  /** In place of an identity that there is. Default: that is refused. */
  readonly again?: boolean;
  readonly outgoing?: OutgoingOptions;
  readonly clock?: Clock;
}

/** What a machine has become. */
export interface Enrolled {
  readonly device: string;
  readonly name: string;
  readonly relays: readonly string[];
  /** What the owner of the machine should know, in words. */
  readonly warnings: readonly string[];
}

/**
 * Makes this machine a device of a relay: a key pair is made here, and a certificate is got for it. When it resolves the
 * identity is on the disk; an agent that runs takes it at its next start.
 *
 * @throws {AgentError} `already-enrolled`, `relay-unreachable`, `relay-untrusted`, `relay-refused`, `clock-wrong`, and
 * those of the directory; nothing is kept then.
 */
export async function enrol(options: EnrolOptions): Promise<Enrolled> {
  const { code, data, legacy, pin, clock = systemClock } = options;
  const relay = relayAddress(options.url);
  await makeDirectories([data, ...(legacy === undefined ? [] : [legacy])]);
  if (!options.again) await refuseSecond(data);
  const dialer = await makeDialer(options.outgoing);
  const now = clock.wall();
  const pinned = pin === undefined ? undefined : await pinnedCertificate({ dialer, relay, pin, now });
  const key = newDeviceKey();
  const answer = await askRelay(
    {
      dialer,
      url: `${relay}/api/v1/enroll`,
      method: 'POST',
      body: JSON.stringify({ code, csr: await signingRequest(key) }),
      now,
      ...(pinned !== undefined && { tls: { ca: [pinned] } }),
    },
    decodeEnrolment,
  );
  const { device, name, certificate, ca } = answer;
  if (!isFor(certificate, key)) {
    throw new AgentError('relay-refused', `${relay} has signed for another key than this machine's`);
  }
  const trust = answer.trust ?? pinned;
  // The one that was typed last: it can be reached from here, whatever the relay thinks it is called.
  const relays = [...new Set([...answer.relays.filter(isRelayAddress).map(relayAddress), relay])];
  const stored: StoredIdentity = {
    ...{ device, name, relays, key, certificate, ca },
    ...(trust !== undefined && { trust }),
    ...(legacy !== undefined && { legacy }),
  };
  await saveIdentity(data, stored);
  const skew = answer.time === undefined ? 0 : answer.time - clock.wall();
  return { device, name, relays, warnings: Math.abs(skew) >= SKEW_MS ? [skewInWords(skew)] : [] };
}

async function refuseSecond(data: string): Promise<void> {
  const before = await loadIdentity(data);
  if (!before) return;
  throw new AgentError(
    'already-enrolled',
    `this machine is the device ${before.device} of ${before.relays.join(', ')} already. To make it another one say so with --again; remove the old one in the app`,
  );
}

async function makeDirectories(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw dataError(path, cause);
    }
  }
}
