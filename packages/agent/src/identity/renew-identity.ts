import { type Clock, silentLogger, systemClock } from '@perch/runtime';
import { AgentError } from '../errors.ts';
import { makeDialer, type OutgoingOptions } from '../uplink/dial.ts';
import { Identity } from './identity.ts';
import { isDue, renew } from './renewal.ts';

/** How a certificate stands after it was looked at. */
export interface Renewed {
  readonly device: string;
  /** When the certificate ends, in milliseconds since 1970. */
  readonly until: number;
  /** False: it was not time yet. */
  readonly isNew: boolean;
}

/**
 * Renews a device's certificate if two thirds of its life are over: for machines on which no agent runs that would.
 *
 * @throws {AgentError} `not-enrolled`, and those of asking a relay; the certificate stays as it is then.
 */
export async function renewIdentity(options: {
  readonly data: string;
  readonly outgoing?: OutgoingOptions;
  readonly clock?: Clock;
}): Promise<Renewed> {
  const { data, clock = systemClock } = options;
  const dialer = await makeDialer(options.outgoing);
  const identity = await Identity.open({ data, dialer, clock, logger: silentLogger });
  if (!identity) {
    throw new AgentError(
      'not-enrolled',
      `${data} holds no identity: make this machine a device with perch enroll URL CODE`,
    );
  }
  const isNew = isDue(identity);
  if (isNew) await renew({ identity, dialer, data, clock });
  const { device, certificate } = identity;
  return { device, until: certificate.validToDate.getTime(), isNew };
}
