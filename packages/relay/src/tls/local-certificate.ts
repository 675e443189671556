import { type Clock, type Logger, type Millis, millis, type Timer } from '@perch/runtime';
import type { Database } from '../storage/database.ts';
import { Ca, newKeyPair } from './ca.ts';
import type { CertificateSource, ServerCertificate } from './certificate.ts';

/** Short, since it costs nothing: nobody has to do anything when it is renewed. */
const DAYS = 90;
const DAY_MS = 86_400_000;
const LOOK_EVERY = millis(60_000);

export interface LocalCertificateOptions {
  readonly database: Database;
  /** Names and addresses that people use, chosen by hand. */
  readonly names: readonly string[];
  /** What else the machine is called at the moment; may change. */
  readonly machineNames: () => readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * A certificate by the relay's own authority, made anew at every start, when two thirds of its life are over, and when
 * the machine has got another address. Browsers that trust the authority notice nothing of it.
 */
export class LocalCertificate implements CertificateSource {
  readonly #options: LocalCertificateOptions;
  #use: (certificate: ServerCertificate) => void = () => undefined;
  #names = '';
  #renewAt: Millis = millis(0);
  #looking: Promise<void> | undefined;
  #timer: Timer | undefined;

  constructor(options: LocalCertificateOptions) {
    this.#options = options;
  }

  async start(use: (certificate: ServerCertificate) => void): Promise<void> {
    this.#use = use;
    await this.#make(this.#namesNow());
    this.#timer = this.#options.clock.every(LOOK_EVERY, () => void this.look());
  }

  /** Looks now whether another one is needed, and makes it. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#looking;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #look(): Promise<void> {
    const { clock, logger } = this.#options;
    const names = this.#namesNow();
    if (clock.wall() < this.#renewAt && names.join(' ') === this.#names) return;
    try {
      await this.#make(names);
      logger.info("the relay's certificate was renewed", { names: names.join(' ') });
    } catch (error) {
      // The next look tries again: the one in use is good for a month yet, or lacks an address.
      logger.error("the relay's certificate could not be renewed; the one in use stays", {
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  async #make(names: readonly string[]): Promise<void> {
    const { database, names: chosen, clock, logger } = this.#options;
    const authority = await Ca.open({
      ...{ database, name: 'server', title: 'Perch', usage: 'server', clock },
      names: chosen,
      furtherNames: names,
      onReplaced: () =>
        logger.warn('the relay has a new authority, since the old one may not sign for its new name', {
          do: 'let browsers, phones and agents trust it as they did the old one: /trust',
          names: chosen.join(' '),
        }),
    });
    const { publicKey, privateKey } = newKeyPair();
    const { pem } = await authority.issue({
      subject: { commonName: 'Perch' },
      // A network that the authority was not made for does not get it replaced: people would have to trust it again.
      names: names.filter((name) => authority.mayName(name)),
      publicKey,
      days: DAYS,
    });
    this.#names = names.join(' ');
    this.#renewAt = millis(clock.wall() + (DAYS * DAY_MS * 2) / 3);
    this.#use({ cert: pem, key: privateKey, authority });
  }

  #namesNow(): readonly string[] {
    const { names, machineNames } = this.#options;
    return [...new Set([...names.map((name) => name.toLowerCase()), ...machineNames()])];
  }
}
