import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { FakeClock } from '@perch/testkit';
import { signingRequest, TestDevice } from '../../../packages/relay/src/devices/testing/test-device.ts';
import { newKeyPair } from '../../../packages/relay/src/tls/ca.ts';
import { openRelay, Peer } from '../../support/relay.ts';

/** A film as the API lists it. */
export interface ListedFilm {
  readonly id: string;
  readonly cause: string;
  readonly ended: string | null;
  readonly segments: number;
  readonly lost: number;
  readonly alarms: number;
}

/** A certificate and its key, PEM. */
export interface Shown {
  readonly cert: string;
  readonly key: string;
}

/** A relay that ends TLS, with an owner who is signed in, and a device of it with a certificate and nothing else. */
export class CloudHome implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly relay: Awaited<ReturnType<typeof openRelay>>;
  readonly device: TestDevice;
  #cookie = '';

  private constructor(parts: Pick<CloudHome, 'clock' | 'relay' | 'device'>) {
    this.clock = parts.clock;
    this.relay = parts.relay;
    this.device = parts.device;
  }

  static async open(): Promise<CloudHome> {
    const clock = new FakeClock({ wallMs: Date.now() });
    const relay = await openRelay({ tls: 'local', clock });
    const keys = newKeyPair();
    const body = { code: await relay.createEnrolmentCode('yard'), csr: await signingRequest(keys) };
    const enrolled = await ask(`${relay.url}/api/v1/enroll`, { method: 'POST', body });
    const { device: id, certificate } = JSON.parse(`${enrolled.body}`) as {
      device: string;
      certificate: string;
    };
    const device = new TestDevice({ id, certificate, key: keys.privateKey });
    const home = new CloudHome({ clock, relay, device });
    const secret = new URL(await relay.signInLink()).hash.slice(1);
    const { headers } = await home.ask('/api/v1/sign-in', { method: 'POST', body: { secret } });
    home.#cookie = (headers['set-cookie']?.[0] ?? '').split(';', 1)[0] ?? '';
    return home;
  }

  /** What the device shows who it is by. */
  get shown(): Shown {
    return { cert: this.device.certificate, key: this.device.key };
  }

  /** Connects as an unmodified cloudtalker does: any server is right to it. Rejects with `HTTP <status>`. */
  connect(shown: Partial<Shown> = this.shown): Promise<Peer> {
    return Peer.open(`${this.relay.ws}/ds/v3`, { ...shown, insecure: true });
  }

  /** Asks as the owner. */
  ask(path: string, options: { method?: string; body?: unknown } = {}): Promise<Answer> {
    const headers = { Origin: this.relay.url, ...(this.#cookie !== '' && { Cookie: this.#cookie }) };
    return ask(this.relay.url + path, { ...options, headers });
  }

  async json<T>(path: string, options?: { method?: string; body?: unknown }): Promise<T> {
    return JSON.parse((await this.ask(path, options)).body.toString()) as T;
  }

  films(): Promise<ListedFilm[]> {
    return this.json<ListedFilm[]>('/api/v1/captures');
  }

  /** Resolves when the list of films is as wanted. */
  async until(holds: (films: readonly ListedFilm[]) => boolean): Promise<readonly ListedFilm[]> {
    for (;;) {
      const films = await this.films();
      if (holds(films)) return films;
    }
  }

  /** The files of a film on the relay's disk, by name. @param name such as `pir-1795000000`. */
  filesOf(name: string): Map<string, Buffer> {
    const directory = join(this.relay.data, 'captures', 'films', this.device.id, `cloudtalker-${name}`);
    const names = existsSync(directory) ? readdirSync(directory) : [];
    return new Map(names.map((file) => [file, readFileSync(join(directory, file))]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay.close();
  }
}

/** Under which name a segment lies. */
export const nameOf = (number: number, bytes: Buffer): string =>
  `${number}-${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}.mp4`;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request over HTTPS, whatever the certificate. */
function ask(
  url: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: object; body?: unknown },
): Promise<Answer> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const type = text === undefined ? {} : { 'Content-Type': 'application/json' };
  return new Promise((resolve, reject) => {
    request(url, { method, headers: { ...type, ...headers }, rejectUnauthorized: false, agent: false })
      .on('error', reject)
      .on('response', (response) => {
        const { statusCode: status = 0 } = response;
        buffer(response).then((all) => resolve({ status, headers: response.headers, body: all }), reject);
      })
      .end(text);
  });
}
