import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import type { Clock, Logger } from '@perch/runtime';
import type { Credentials, Dialer } from '../uplink/dial.ts';
import { askRelay } from './asking.ts';
import { ClockSkew } from './clock-skew.ts';
import { isAt, relayOf } from './relay-address.ts';
import { decodeChallenge } from './relay-answers.ts';
import { loadIdentity, type StoredIdentity } from './stored-identity.ts';

/** What is signed says what for, so that no other signature of the key can stand in for it. */
const SIGNED = 'perch-device\n';

export interface IdentityOptions {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Who this device is, and how it shows that to a relay: by its certificate over TLS, or by a signature. */
export class Identity {
  readonly skew: ClockSkew;
  readonly #options: IdentityOptions;
  #stored: StoredIdentity;
  #relays: readonly string[];

  constructor(stored: StoredIdentity, options: IdentityOptions) {
    this.#stored = stored;
    this.#relays = stored.relays;
    this.#options = options;
    this.skew = new ClockSkew(options);
  }

  /** @returns `undefined` where the device was not enrolled. @throws {AgentError} `identity-corrupt`. */
  static async open(options: IdentityOptions & { data: string }): Promise<Identity | undefined> {
    const stored = await loadIdentity(options.data);
    return stored && new Identity(stored, options);
  }

  get device(): string {
    return this.#stored.device;
  }

  /** The relays that it was enrolled at, the best first. */
  get relays(): readonly string[] {
    return this.#stored.relays;
  }

  /** As it is kept. */
  get stored(): StoredIdentity {
    return this.#stored;
  }

  get certificate(): X509Certificate {
    return new X509Certificate(this.#stored.certificate);
  }

  /** For a relay that ends TLS itself; `ca`: to trust besides what is trusted anyway. PEM. */
  get tls(): { readonly cert: string; readonly key: string; readonly ca?: readonly string[] } {
    const { certificate, key, trust } = this.#stored;
    return { cert: certificate, key, ...(trust !== undefined && { ca: [trust] }) };
  }

  /** Has another key and certificate from now on. What is open stays. */
  use(stored: StoredIdentity): void {
    this.#stored = stored;
  }

  /** Shows itself to these relays too: it has been moved there. */
  alsoAt(relays: readonly string[]): void {
    this.#relays = [...this.#stored.relays, ...relays];
  }

  /** Whether an address is at one of its relays. To others it never shows itself. */
  covers(url: string): boolean {
    return this.#relays.some((relay) => isAt(relay, url));
  }

  /**
   * Headers that show the relay at this address who asks; good for one request within a minute. None where the
   * certificate reaches the relay over TLS: the relay says so.
   *
   * @throws {AgentError} `relay-unreachable`, `relay-untrusted`, `clock-wrong`, `relay-refused`.
   */
  async headers(url: string): Promise<Readonly<Record<string, string>>> {
    const { dialer, clock } = this.#options;
    const { tls, device } = this;
    const challenge = await askRelay(
      {
        dialer,
        url: `${relayOf(url, this.#relays)}/api/v1/devices/challenge`,
        method: 'GET',
        tls,
        now: clock.wall(),
      },
      decodeChallenge,
    );
    this.skew.heard(challenge.time);
    if (challenge.device === device) return {};
    const certificate = new X509Certificate(tls.cert).raw.toString('base64url');
    const signature = sign('sha256', Buffer.from(SIGNED + challenge.nonce), createPrivateKey(tls.key));
    return {
      Authorization: `Perch-Device ${certificate}.${challenge.nonce}.${signature.toString('base64url')}`,
    };
  }

  /** The dialer, but that it shows its relays who it is where nothing else speaks for it. */
  showBy(dialer: Dialer): Dialer {
    return {
      ...dialer,
      dial: (url, protocols, credentials) =>
        dialer.dial(url, protocols, credentials ?? this.#credentialsFor(url)),
      fetch: async (url, init) => {
        if (!this.covers(url)) return dialer.fetch(url, init);
        const shown = 'Authorization' in init.headers ? {} : await this.headers(url);
        const headers = { ...init.headers, ...shown };
        const { status, text } = await dialer.ask(url, { method: init.method, headers, tls: this.tls });
        const here = atRelay(relayOf(url, this.#relays), text);
        return { ok: status >= 200 && status < 300, status, text: () => Promise.resolve(here) };
      },
    };
  }

  #credentialsFor(url: string): Credentials {
    return this.covers(url) ? { tls: this.tls } : {};
  }
}

/**
 * The address in an answer of `POST /session/…`, as we reach the relay: one behind a proxy that does not say how it was
 * asked knows only half of it.
 */
function atRelay(relay: string, answer: string): string {
  try {
    const { uri } = JSON.parse(answer) as { uri?: unknown };
    const url = typeof uri === 'string' ? URL.parse(uri) : null;
    if (!url) return answer;
    return JSON.stringify({ uri: `${relay.replace(/^http/, 'ws')}${url.pathname}${url.search}` });
  } catch {
    return answer; // a refusal, in whose words it is read
  }
}
