import { type Clock, type Logger, millis, type Timer } from '@perch/runtime';
import type { Dialer } from '../uplink/dial.ts';
import { askRelay } from './asking.ts';
import { isFor, newDeviceKey, signingRequest } from './device-key.ts';
import type { Identity } from './identity.ts';
import { type Certified, decodeCertified } from './relay-answers.ts';
import { type StoredIdentity, saveIdentity } from './stored-identity.ts';

/** So often it is looked whether it is time, and tried again where it failed: a month is left for that. */
const LOOK_EVERY = millis(3_600_000);

export interface RenewalOptions {
  readonly identity: Identity;
  readonly dialer: Dialer;
  /** The agent's directory. */
  readonly data: string;
  /** The relays to ask, the best first. Default: those of the enrolment. */
  readonly relays?: () => readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Gets a new key and a new certificate when two thirds of the old one's life are over. */
export class Renewal implements AsyncDisposable {
  readonly #options: RenewalOptions;
  readonly #timer: Timer;
  #renewing: Promise<void> | undefined;

  /** Looks at once, and then every hour. */
  constructor(options: RenewalOptions) {
    this.#options = options;
    this.#timer = options.clock.every(LOOK_EVERY, () => void this.look());
    void this.look();
  }

  /** Looks whether it is time, and renews then. Resolves when that is done or has failed; the log says so. */
  look(): Promise<void> {
    if (!this.#renewing && isDue(this.#options.identity)) {
      this.#renewing = this.#renew().finally(() => {
        this.#renewing = undefined;
      });
    }
    return this.#renewing ?? Promise.resolve();
  }

  /** Resolves when nothing is under way any more. Idempotent. */
  async close(): Promise<void> {
    this.#timer.cancel();
    await this.#renewing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #renew(): Promise<void> {
    const { identity, logger } = this.#options;
    try {
      await renew(this.#options);
      const until = identity.certificate.validToDate.toISOString();
      logger.info("the device's certificate was renewed", { device: identity.device, until });
    } catch (error) {
      logger.warn("the device's certificate could not be renewed yet", {
        error: error instanceof Error ? error.message : String(error),
        until: identity.certificate.validToDate.toISOString(),
      });
    }
  }
}

/** Whether two thirds of the certificate's life are over, by the relay's clock where it is known. */
export function isDue({ certificate, skew }: Identity): boolean {
  const [from, until] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
  return skew.now >= until - (until - from) / 3;
}

/**
 * Gets another certificate from the first relay that gives one, and keeps it.
 *
 * @throws {AgentError} why the last one did not.
 */
export async function renew(options: Omit<RenewalOptions, 'logger'>): Promise<void> {
  const { identity, data } = options;
  const key = newDeviceKey();
  const body = JSON.stringify({ csr: await signingRequest(key) });
  const certified = await askFirst(options, body);
  if (!isFor(certified.certificate, key)) throw new TypeError('the relay signed for another key');
  const { certificate, ca, trust } = certified;
  const stored: StoredIdentity = {
    ...identity.stored,
    ...{ key, certificate, ca },
    ...(trust !== undefined && { trust }),
  };
  await saveIdentity(data, stored);
  identity.use(stored);
}

async function askFirst(options: Omit<RenewalOptions, 'logger'>, body: string): Promise<Certified> {
  const { identity, dialer, clock } = options;
  let last: unknown;
  for (const relay of options.relays?.() ?? identity.relays) {
    const url = `${relay}/api/v1/devices/renew`;
    try {
      const headers = await identity.headers(url);
      const { tls } = identity;
      return await askRelay(
        { dialer, url, method: 'POST', headers, body, tls, now: clock.wall() },
        decodeCertified,
      );
    } catch (error) {
      last = error;
    }
  }
  throw last;
}
