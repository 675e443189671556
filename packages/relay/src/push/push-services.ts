// RFC 8030, Generic Event Delivery Using HTTP Push: the sending half.
import { Agent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import { type Clock, type Millis, millis } from '@perch/runtime';
import { type BrowserKeys, encrypt } from './encrypt.ts';
import { isPublicAddress, publicLookup } from './public-lookup.ts';
import type { Vapid } from './vapid.ts';

/** Where a browser is reached, and what to encrypt with for it. */
export interface Receiver extends BrowserKeys {
  /** Address of its own at its maker's push service. Who knows it can try to send there. */
  readonly endpoint: string;
}

export interface PushMessage {
  readonly text: string;
  /** For so long the push service keeps it for a browser that is away. Seconds. */
  readonly ttl: number;
  /** RFC 8030 5.3: what is urgent wakes a phone that saves its battery. */
  readonly isUrgent: boolean;
  /** RFC 8030 5.4: one that still waits there under the same name gives way. At most 32 characters of base64url. */
  readonly topic: string;
}

/** What a push service made of a message. `reason` is for people. */
export type PushOutcome =
  | { readonly kind: 'taken' }
  /** There is no such browser any more, and there will not be. */
  | { readonly kind: 'gone' }
  /** Another try may do; `wait`: not before. */
  | { readonly kind: 'later'; readonly reason: string; readonly wait: Millis | undefined }
  /** Another try would end alike. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface PushServicesOptions {
  readonly vapid: Vapid;
  /**
   * Origins of the push services that browsers may name; they may be anywhere. Default: any that speaks HTTPS on its
   * usual port at a public address.
   */
  readonly origins?: readonly string[] | undefined;
  /** PEM certificates to trust, besides the usual ones. */
  readonly ca?: string | undefined;
  /** What says which proxy to use: `HTTPS_PROXY`, `NO_PROXY`. Default: the process's environment. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly clock: Clock;
}

/** No push service of browsers has longer addresses. */
export const MOST_ENDPOINT_CHARS = 2_048;
const TIMEOUT_MS = 10_000;
const MOST_SOCKETS = 32;
/** A push service that wants a longer pause is asked again after this. */
const MOST_WAIT_MS = 3_600_000;

/** The push services of browsers' makers, as a relay speaks with them. An address there comes from a browser, so it is not trusted. */
export class PushServices {
  readonly #vapid: Vapid;
  readonly #origins: readonly string[];
  readonly #clock: Clock;
  readonly #agent: Agent;
  readonly #closing = new AbortController();

  constructor({ vapid, origins = [], ca, environment = process.env, clock }: PushServicesOptions) {
    this.#clock = clock;
    this.#vapid = vapid;
    this.#origins = origins;
    const connection = { keepAlive: true, timeout: TIMEOUT_MS, maxSockets: MOST_SOCKETS };
    this.#agent = new Agent({
      ...connection,
      proxyEnv: environment,
      ...(ca !== undefined && { ca: [...getCACertificates('default'), ca] }),
    });
  }

  /** Why nothing is sent to an address, in words; `undefined`: it may be one of a push service. */
  whyNot(endpoint: string): string | undefined {
    const url = endpoint.length <= MOST_ENDPOINT_CHARS ? URL.parse(endpoint) : null;
    if (url?.protocol !== 'https:') return 'the address of a push service begins with https://';
    if (url.username !== '' || url.password !== '') return 'the address of a push service has no password';
    if (this.#origins.length > 0) {
      return this.#origins.includes(url.origin) ? undefined : `this relay sends nothing to ${url.host}`;
    }
    if (url.port !== '') return 'push services are reached by the usual port of HTTPS';
    const host = bare(url.hostname);
    if (isIP(host) !== 0 && !isPublicAddress(host)) return `${host} is no public address`;
    return undefined;
  }

  /** Encrypts and sends one message. Never rejects. */
  async send({ endpoint, ...keys }: Receiver, message: PushMessage): Promise<PushOutcome> {
    const reason = this.whyNot(endpoint);
    if (reason !== undefined) return { kind: 'refused', reason };
    try {
      const { status, retryAfter } = await this.#post(endpoint, encrypt(message.text, keys), message);
      return judge(status, waitOf(retryAfter, this.#clock.wall()), new URL(endpoint).host);
    } catch (error) {
      return { kind: 'later', reason: (error as Error).message, wait: undefined };
    }
  }

  /** Breaks off what is under way; nothing is sent any more. Idempotent. */
  close(): void {
    this.#closing.abort(new Error('the relay ends'));
    this.#agent.destroy();
  }

  #post(
    endpoint: string,
    body: Buffer,
    { ttl, isUrgent, topic }: PushMessage,
  ): Promise<{ status: number; retryAfter: string | undefined }> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest(endpoint, {
        method: 'POST',
        agent: this.#agent,
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(TIMEOUT_MS)]),
        ...(this.#origins.length === 0 && { lookup: publicLookup }),
        headers: {
          Authorization: this.#vapid.authorization(new URL(endpoint).origin),
          'Content-Type': 'application/octet-stream',
          'Content-Encoding': 'aes128gcm',
          'Content-Length': body.length,
          TTL: ttl,
          Urgency: isUrgent ? 'high' : 'normal',
          Topic: topic,
        },
      });
      request.on('error', reject);
      // A redirect is an answer like any other: nobody follows it. What else is in an answer is for nobody.
      request.on('response', (response) => {
        response.on('error', () => undefined); // the answer is known already
        response.resume();
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] });
      });
      request.end(body);
    });
  }
}

/** RFC 8030 5 and 8.4, and what the services of Google, Mozilla, Apple and Microsoft say they answer. */
function judge(status: number, wait: Millis | undefined, host: string): PushOutcome {
  if (status >= 200 && status < 300) return { kind: 'taken' };
  if (status === 404 || status === 410) return { kind: 'gone' };
  const reason = `${host} answered ${status}`;
  if (status === 408 || status === 429 || status >= 500) {
    return { kind: 'later', reason, wait };
  }
  return { kind: 'refused', reason };
}

/** RFC 9110 10.2.3: seconds, or a date. */
function waitOf(retryAfter: string | undefined, now: number): Millis | undefined {
  if (retryAfter === undefined) return undefined;
  const wait = /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - now;
  return Number.isNaN(wait) ? undefined : millis(Math.min(MOST_WAIT_MS, Math.max(0, wait)));
}

const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');
