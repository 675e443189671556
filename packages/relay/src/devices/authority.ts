import type { KeyObject } from 'node:crypto';
import type { Clock } from '@perch/runtime';
import type { Database } from '../storage/database.ts';
import { Ca, type IssuedCertificate } from '../tls/ca.ts';

/** A device's certificate lives this long; its agent renews it when two thirds are over. */
const DAYS = 90;

/** The authority that signs devices' certificates. It is looked up, or made, when it is first needed. */
export class DeviceAuthority {
  readonly #open: () => Promise<Ca>;
  #ca: Promise<Ca> | undefined;

  constructor({ database, clock }: { database: Database; clock: Clock }) {
    this.#open = () => Ca.open({ database, name: 'devices', title: 'Perch devices', usage: 'client', clock });
  }

  /** @throws {RelayError} where the database does not answer; the next call asks again. */
  ca(): Promise<Ca> {
    this.#ca ??= this.#open().catch((error: unknown) => {
      this.#ca = undefined;
      throw error;
    });
    return this.#ca;
  }

  /** Signs that whoever has the key is this device. */
  async issue(device: string, publicKey: KeyObject): Promise<IssuedCertificate> {
    const ca = await this.ca();
    return ca.issue({ subject: { commonName: device }, names: [], publicKey, days: DAYS });
  }
}
