import { readFile } from 'node:fs/promises';
import { type Clock, type Logger, millis, type Timer } from '@perch/runtime';
import { RelayError } from '../errors.ts';
import { type CertificateSource, chainOf, checkPair, type ServerCertificate } from './certificate.ts';

/** Paths of PEM files. */
export interface GivenFiles {
  readonly cert: string;
  readonly key: string;
}

/** Looking takes two small reads, works on every file system, and sees links that are turned (certbot, Kubernetes). */
const LOOK_EVERY = millis(10_000);
const DAY_MS = 86_400_000;
/** From this long before its end on we say so, once a day. */
const WARN_BEFORE_MS = 14 * DAY_MS;

/** A certificate that somebody else puts into files and renews there. */
export class GivenCertificate implements CertificateSource {
  readonly #files: GivenFiles;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #use: (certificate: ServerCertificate) => void = () => undefined;
  #inUse: ServerCertificate | undefined;
  /** What was seen and could not be used: said once. */
  #refused = '';
  #warnedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;
  #timer: Timer | undefined;

  constructor(options: { files: GivenFiles; clock: Clock; logger: Logger }) {
    this.#files = options.files;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** @throws {RelayError} where a file cannot be read, or the two are no certificate and its key. */
  async start(use: (certificate: ServerCertificate) => void): Promise<void> {
    this.#use = use;
    this.#hand(await readPair(this.#files));
    this.#warnOfEnd();
    this.#timer = this.#clock.every(LOOK_EVERY, () => void this.look());
  }

  /** Looks for a new one now. What is no pair (half of a renewal, say) is not taken; what is in use stays. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    try {
      const pair = await readPair(this.#files);
      const isNew = pair.cert !== this.#inUse?.cert || pair.key !== this.#inUse.key;
      if (isNew && this.#timer) {
        this.#hand(pair);
        this.#logger.info('the certificate was replaced', { certificate: this.#files.cert });
      }
      this.#refused = '';
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why !== this.#refused) {
        this.#logger.error('the certificate cannot be replaced; the one in use stays', { error: why });
      }
      this.#refused = why;
    }
    this.#warnOfEnd();
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#looking;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #hand(pair: ServerCertificate): void {
    this.#inUse = pair;
    this.#warnedAt = Number.NEGATIVE_INFINITY;
    this.#use(pair);
  }

  #warnOfEnd(): void {
    const [own] = chainOf(this.#inUse?.cert ?? '');
    const now = this.#clock.wall();
    if (!own || own.validToDate.getTime() - now > WARN_BEFORE_MS || now - this.#warnedAt < DAY_MS) return;
    this.#warnedAt = now;
    const hasEnded = own.validToDate.getTime() < now;
    this.#logger.warn(
      hasEnded
        ? 'the certificate has expired; put a new one into its files'
        : 'the certificate ends soon; put a new one into its files',
      { certificate: this.#files.cert, until: own.validToDate.toISOString() },
    );
  }
}

async function readPair(files: GivenFiles): Promise<ServerCertificate> {
  const read = async (path: string, what: string) => {
    try {
      return await readFile(path, 'utf8');
    } catch (cause) {
      throw new RelayError(
        'certificate-unreadable',
        `The ${what} ${path} cannot be read. It must exist, and this user must have the right to read it.`,
        { cause },
      );
    }
  };
  const pair = {
    cert: await read(files.cert, 'certificate'),
    key: await read(files.key, "certificate's key"),
  };
  try {
    checkPair(pair);
  } catch (cause) {
    throw new RelayError(
      'certificate-invalid',
      `${files.cert} and ${files.key} are no certificate and its key in PEM: ${String(cause)}`,
      { cause },
    );
  }
  return pair;
}
