import { hostname } from 'node:os';
import { enrol, identityIn, type OutgoingOptions, setRelayIn } from '@perch/agent';
import type { Relay } from '@perch/relay';
import type { Logger } from '@perch/runtime';

/**
 * Makes the agent of `perch up` a device of its relay, named after the machine, unless it is one. Where its directory
 * holds the identity of another relay's device that stays as it is.
 */
export async function enrolUp(options: {
  readonly data: string;
  readonly relay: Relay;
  /** Where the agent reaches the relay. */
  readonly uplink: string;
  readonly outgoing: OutgoingOptions;
  readonly logger: Logger;
}): Promise<void> {
  const { data, relay, uplink, outgoing, logger } = options;
  const kept = await identityIn(data);
  if (kept && kept.ca !== (await relay.deviceAuthority())) {
    logger.warn('this machine is a device of another relay, and stays one', {
      relays: kept.relays.join(' '),
    });
    return;
  }
  if (!kept || !(await relay.hasDevice(kept.device))) {
    const code = await relay.createEnrolmentCode(hostname() || 'this machine');
    await enrol({ url: uplink, code, data, again: true, outgoing });
  }
  // Not by the public name, which may lead here from outside only; and the port may be another each time.
  await setRelayIn(data, uplink);
}
