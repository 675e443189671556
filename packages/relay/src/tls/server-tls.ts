import type { SecureContextOptions, Server, TlsOptions as ServerOptions, TLSSocket } from 'node:tls';
import { type Clock, type Logger, Scope } from '@perch/runtime';
import type { Database } from '../storage/database.ts';
import { AcmeCertificate } from './acme/acme-certificate.ts';
import { HttpDoor, httpProver } from './acme/http-01.ts';
import { DEFAULT_DIRECTORY, orderCertificate } from './acme/order.ts';
import type { Prover } from './acme/prover.ts';
import { AcmeStore } from './acme/store.ts';
import { AlpnProver } from './acme/tls-alpn-01.ts';
import type { Ca } from './ca.ts';
import {
  type CertificateSource,
  certificateInWords,
  isPubliclyTrusted,
  type ServerCertificate,
} from './certificate.ts';
import { GivenCertificate, type GivenFiles } from './given-files.ts';
import { LocalCertificate } from './local-certificate.ts';
import { machineNames } from './machine-names.ts';

/** Whose certificate the relay shows: that of two files, one by ACME, or one by its own authority (`local`). */
export type TlsOptions = GivenFiles | { readonly acme: AcmeOptions } | 'local';

/** A certificate by ACME (RFC 8555), for names that lead to this machine. */
export interface AcmeOptions {
  /** DNS names; the first is where plain HTTP sends people who use another. */
  readonly names: readonly string[];
  /** Whom the ACME server may write to. */
  readonly email?: string;
  /** Address of the ACME server's directory. Default: Let's Encrypt. */
  readonly directory?: string;
  /** PEM certificates that the ACME server's HTTPS is trusted by, in place of the usual ones. */
  readonly directoryCa?: string;
  /**
   * Where plain HTTP listens for the ACME server's question (HTTP-01): the world must reach it as port 80. Without it the
   * question comes to the relay's own port (TLS-ALPN-01), which the world must then reach as 443.
   */
  readonly listen?: { readonly host: string; readonly port: number };
}

export interface ServerTlsOptions {
  readonly tls: TlsOptions;
  readonly database: Database;
  /** This relay's name among those that share the database. */
  readonly node: string;
  /** Names and addresses that people use, for a certificate by the relay's own authority. */
  readonly names: readonly string[];
  /** What people's links begin with; asked once it listens. */
  readonly publicBase: () => string;
  /** PEM of the authority whose certificates clients may show. Without it none is asked for. */
  readonly clientAuthority?: string;
  /** Called when another certificate takes the place of one that was shown, with what it is in words. */
  readonly onChanged: (certificate: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Mozilla's "intermediate" (version 5.7) without the slow ones: TLS 1.3, and of 1.2 what has forward secrecy and
 * authenticated encryption.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** The relay's side of TLS: its certificate of the moment, swapped in every server while connections go on. */
export class ServerTls implements AsyncDisposable {
  readonly #options: ServerTlsOptions;
  readonly #scope = new Scope();
  readonly #servers = new Set<Server>();
  #current: (ServerCertificate & { readonly isPublic: boolean }) | undefined;
  #acme: AcmeCertificate | undefined;
  #alpn: AlpnProver | undefined;

  private constructor(options: ServerTlsOptions) {
    this.#options = options;
  }

  /** @throws {RelayError} where there is no certificate to begin with, or the port of plain HTTP cannot be had. */
  static async open(options: ServerTlsOptions): Promise<ServerTls> {
    const tls = new ServerTls(options);
    try {
      await tls.#scope.own(await tls.#source()).start((certificate) => tls.#use(certificate));
      return tls;
    } catch (error) {
      await tls.close();
      throw error;
    }
  }

  /** What a server is made with. {@link serve} it then. */
  get serverOptions(): ServerOptions {
    const { clientAuthority } = this.#options;
    const alpn = this.#alpn;
    return {
      ...this.#context(),
      ...(alpn && {
        ALPNCallback(this: TLSSocket, asked) {
          return alpn.choose(this, asked);
        },
      }),
      // Whoever has a certificate of a device shows it, and is judged later. The question names the one authority that
      // it may be of: a browser that has none of that authority does not ask its user for one.
      ...(clientAuthority !== undefined && { requestCert: true, rejectUnauthorized: false }),
    };
  }

  /** Keeps this server's certificate the current one, until it is closed. */
  serve(server: Server): void {
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
  }

  /** Begins what needs the relay to be reachable: the first order of a certificate. Call it when it listens. */
  ready(): void {
    void this.#acme?.look();
  }

  /** Whether browsers take the certificate of the moment by themselves: then they shall insist on it. */
  get isPublic(): boolean {
    return this.#current?.isPublic === true;
  }

  /** What people and devices are to trust: the relay's own authority, where it signs for good and not until ACME does. */
  get authority(): Ca | undefined {
    return this.#options.tls === 'local' ? this.#current?.authority : undefined;
  }

  close(): Promise<void> {
    return this.#scope.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #source(): Promise<CertificateSource> {
    const { tls, clock, logger } = this.#options;
    if (tls === 'local') return this.#local(this.#options.names);
    if ('acme' in tls) return await this.#openAcme(tls.acme);
    return new GivenCertificate({ files: tls, clock, logger });
  }

  #local(names: readonly string[]): LocalCertificate {
    const { database, clock, logger } = this.#options;
    return new LocalCertificate({ database, names, machineNames, clock, logger });
  }

  async #openAcme({ listen, ...acme }: AcmeOptions): Promise<AcmeCertificate> {
    const { database, node, clock, logger } = this.#options;
    const directory = acme.directory ?? DEFAULT_DIRECTORY;
    const names = acme.names.map((name) => name.toLowerCase());
    const store = new AcmeStore({ database, clock, node, directory, names });
    const prover = listen ? await this.#openDoor(listen, names, store) : this.#openAlpn();
    const accountKey = () => store.accountKey();
    this.#acme = new AcmeCertificate({
      store,
      order: (signal) => orderCertificate({ ...acme, directory, names, accountKey, prover, clock, signal }),
      fallback: this.#local([...names, ...this.#options.names]),
      clock,
      logger,
    });
    return this.#acme;
  }

  async #openDoor(
    listen: NonNullable<AcmeOptions['listen']>,
    names: readonly string[],
    store: AcmeStore,
  ): Promise<Prover> {
    const httpsPort = () => portOf(this.#options.publicBase());
    const answer = (token: string) => store.answer(token);
    this.#scope.own(await HttpDoor.open({ listen, names, httpsPort, answer }));
    return httpProver(store);
  }

  #openAlpn(): Prover {
    this.#alpn = new AlpnProver(this.#options);
    return this.#alpn;
  }

  #use(certificate: ServerCertificate): void {
    const isFirst = this.#current === undefined;
    this.#current = { ...certificate, isPublic: isPubliclyTrusted(certificate.cert) };
    for (const server of this.#servers) server.setSecureContext(this.#context());
    if (!isFirst) this.#options.onChanged(certificateInWords(certificate.cert));
  }

  #context(): SecureContextOptions {
    const { cert, key } = this.#current ?? {};
    const { clientAuthority } = this.#options;
    return {
      ...{ cert, key, ciphers: CIPHERS, minVersion: 'TLSv1.2', honorCipherOrder: false },
      ...(clientAuthority !== undefined && { ca: clientAuthority }),
    };
  }
}

const portOf = (base: string): number => Number(new URL(base).port || 443);
