import { type AbortSignalLike, Backoff, type Clock, type Logger, millis, type Timer } from '@perch/runtime';
import { type CertificateSource, checkPair, type ServerCertificate } from '../certificate.ts';
import type { AcmeStore, KeptCertificate } from './store.ts';

const LOOK_EVERY = millis(60_000);
/** An order takes seconds; a relay that has died in one is not waited for longer than this. */
const TURN_MS = 10 * 60_000;
/** Let's Encrypt takes five failures an hour for a name. */
const FIRST_PAUSE = millis(5 * 60_000);
const LONGEST_PAUSE = millis(6 * 3_600_000);

export interface AcmeCertificateOptions {
  readonly store: Pick<AcmeStore, 'certificate' | 'keep' | 'takeTurn'>;
  /** Gets one from the ACME server. */
  readonly order: (signal: AbortSignalLike) => Promise<ServerCertificate>;
  /** What is shown until the first is there. */
  readonly fallback: CertificateSource;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * A certificate by ACME: kept in the database, ordered where there is none, and again when two thirds of its life are
 * over. A failure is logged and tried again, ever less often; whatever is in use stays in use.
 */
export class AcmeCertificate implements CertificateSource {
  readonly #options: AcmeCertificateOptions;
  readonly #backoff: Backoff;
  readonly #abort = new AbortController();
  #use: (certificate: ServerCertificate) => void = () => undefined;
  #inUse: KeptCertificate | undefined;
  #retryAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;
  #timer: Timer | undefined;

  constructor(options: AcmeCertificateOptions) {
    this.#options = options;
    const { random } = options;
    this.#backoff = new Backoff({ first: FIRST_PAUSE, most: LONGEST_PAUSE, ...(random && { random }) });
  }

  async start(use: (certificate: ServerCertificate) => void): Promise<void> {
    const { store, fallback, clock } = this.#options;
    this.#use = use;
    const kept = await store.certificate();
    if (kept && isUsable(kept, clock)) this.#hand(kept);
    else {
      await fallback.start((certificate) => {
        if (!this.#inUse) use(certificate);
      });
    }
    this.#timer = clock.every(LOOK_EVERY, () => void this.look());
  }

  /** Looks now whether there is a new one, or one has to be ordered. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Gives up what is being ordered. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#abort.abort(new Error('the relay stops'));
    await this.#options.fallback.close();
    await this.#looking;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #look(): Promise<void> {
    const { store, clock, logger } = this.#options;
    try {
      const kept = await store.certificate();
      // Another relay has got it.
      if (kept && kept.cert !== this.#inUse?.cert && isUsable(kept, clock)) await this.#take(kept);
      if (!isDue(kept, clock) || clock.wall() < this.#retryAt) return;
      if (!(await store.takeTurn(millis(clock.wall() + TURN_MS)))) return;
      const ordered = await this.#options.order(this.#abort.signal);
      checkPair(ordered);
      const fresh = await store.keep(ordered);
      await this.#take(fresh);
      logger.info('the relay has a new certificate', { until: new Date(fresh.until).toISOString() });
    } catch (error) {
      if (!this.#abort.signal.aborted) await this.#failed(error);
    }
  }

  async #failed(error: unknown): Promise<void> {
    const { store, clock, logger } = this.#options;
    const pause = this.#backoff.next();
    this.#retryAt = clock.wall() + pause;
    logger.error('a certificate could not be got; the one in use stays, and it is tried again', {
      error: error instanceof Error ? error.message : String(error),
      inUseUntil: this.#inUse
        ? new Date(this.#inUse.until).toISOString()
        : "the relay's own, until one is got",
      nextTry: new Date(this.#retryAt).toISOString(),
    });
    // The others wait as long as we do. Where the database is what failed, they find out for themselves.
    await store.takeTurn(millis(this.#retryAt)).catch(() => undefined);
  }

  async #take(certificate: KeptCertificate): Promise<void> {
    this.#backoff.reset();
    this.#retryAt = Number.NEGATIVE_INFINITY;
    if (this.#abort.signal.aborted) return;
    this.#hand(certificate);
    await this.#options.fallback.close();
  }

  #hand(certificate: KeptCertificate): void {
    this.#inUse = certificate;
    this.#use({ cert: certificate.cert, key: certificate.key });
  }
}

const isUsable = ({ until }: KeptCertificate, clock: Clock): boolean => clock.wall() < until;

/** Two thirds of its life are over, or there is none. */
const isDue = (kept: KeptCertificate | undefined, clock: Clock): boolean =>
  !kept || clock.wall() >= kept.from + ((kept.until - kept.from) * 2) / 3;
