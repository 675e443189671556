import { type Clock, silentLogger, systemClock } from '@perch/runtime';
import { AgentError } from '../errors.ts';
import { makeDialer, type OutgoingOptions } from '../uplink/dial.ts';
import { Identity } from './identity.ts';
import { pinnedCertificate } from './pin.ts';
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
 * @param options.pin trusts this certificate of its relay in place of the one before, when that has got another
 * (`enrol`); the certificate is renewed then in any case, to show that it works.
 * @throws {AgentError} `not-enrolled`, and those of asking a relay; the certificate stays as it is then.
 */
export async function renewIdentity(options: {
  readonly data: string;
  readonly pin?: string;
  readonly outgoing?: OutgoingOptions;
  readonly clock?: Clock;
}): Promise<Renewed> {
  const { data, pin, clock = systemClock } = options;
  const dialer = await makeDialer(options.outgoing);
  const identity = await Identity.open({ data, dialer, clock, logger: silentLogger });
  if (!identity) {
    throw new AgentError(
      'not-enrolled',
      `${data} holds no identity: make this machine a device with perch enroll URL CODE`,
    );
  }
  if (pin !== undefined) {
    const [relay = ''] = identity.relays;
    const trust = await pinnedCertificate({ dialer, relay, pin, now: clock.wall() });
    // Kept with the new certificate, once the relay has shown that it has the pinned one.
    identity.use({ ...identity.stored, trust });
  }
  const isNew = pin !== undefined || isDue(identity);
  if (isNew) await renew({ identity, dialer, data, clock });
  const { device, certificate } = identity;
  return { device, until: certificate.validToDate.getTime(), isNew };
}
