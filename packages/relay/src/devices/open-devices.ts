import type { Clock, Logger } from '@perch/runtime';
import type { Database } from '../storage/database.ts';
import { DeviceAuthority } from './authority.ts';
import { Challenges } from './challenges.ts';
import { Devices } from './devices.ts';
import { Identities } from './identities.ts';

/** The parts of the relay that know its devices. They hold nothing that must be closed. */
export interface DeviceParts {
  readonly authority: DeviceAuthority;
  readonly challenges: Challenges;
  readonly devices: Devices;
  readonly identities: Identities;
}

/** Makes them; nothing is read before it is needed. */
export function openDevices(options: { database: Database; clock: Clock; logger: Logger }): DeviceParts {
  const authority = new DeviceAuthority(options);
  const challenges = new Challenges(options);
  const devices = new Devices({ ...options, authority });
  const identities = new Identities({ devices, authority, challenges });
  return { authority, challenges, devices, identities };
}
