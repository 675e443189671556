import { accessSync, constants, mkdirSync } from 'node:fs';
import type { Clock, Logger } from '@perch/runtime';
import type { PermitRow } from './api/permit.ts';
import type { NewToken, TokenRecord } from './auth/tokens.ts';
import { dataError } from './errors.ts';
import type { PractableSettings } from './legacy/access-token.ts';
import type { CrossbarSettings } from './legacy/crossbar-token.ts';
import type { Limits } from './limits/limits.ts';
import type { PublicAddress } from './public-address.ts';
import type { Ca } from './tls/ca.ts';
import type { TlsOptions } from './tls/server-tls.ts';

/** What a {@link Relay} is to be: where it listens, what it keeps where, whom it lets in. */
export interface RelayOptions {
  /** Where to listen. Port 0 picks a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Directory for state, made if need be. */
  readonly data: string;
  /** Address of the database: `sqlite:PATH` or `postgres://…`. Default: `perch.db` in the directory. */
  readonly database?: string;
  /** Globs of topics that anyone may read and write. None by default. */
  readonly open?: readonly string[];
  /**
   * Whose certificate the relay shows; it then speaks HTTPS and wss. Default: on loopback none, since nobody else can
   * listen there; beyond it one that it makes itself.
   */
  readonly tls?: TlsOptions;
  /** Under which name people reach it: in links, and in a certificate that it makes itself. */
  readonly public?: PublicAddress;
  /**
   * Addresses and networks (CIDR) of proxies in front: they are believed when they say who calls (`X-Forwarded-For`,
   * `-Proto`, `-Host`), and may speak plain HTTP beyond loopback. None by default.
   */
  readonly trustProxy?: readonly string[];
  /** Origins of foreign pages that may show `/embed/<topic>` in a frame. None by default. */
  readonly embedOrigin?: readonly string[];
  /** How pushes leave: as the environment's `HTTPS_PROXY` and `NO_PROXY` say, and as this does. */
  readonly push?: {
    /** Origins of push services that browsers may name, wherever they are. Default: every one at a public address. */
    readonly origins?: readonly string[];
    /** PEM certificates to trust there, besides the usual ones. */
    readonly ca?: string;
  };
  /** Directory with the built web app and player. Without it only our own pages are served. */
  readonly webRoot?: string;
  /** Secret of the first sign-in link; by default a random one. One use, 15 minutes. */
  readonly appSecret?: string;
  /** What the hash of a new password costs: N of scrypt is 2 to the power of this, 10 to 17. Default 17; tests take less. */
  readonly passwordCost?: number;
  /** Takes crossbar's tokens as first message. Off without it. */
  readonly crossbar?: CrossbarSettings;
  /** Serves practable relay's access API. Off without it. */
  readonly practable?: PractableSettings;
  readonly logger: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Other limits than those of `@perch/protocol`: for small machines, and tests. */
  readonly limits?: Partial<Limits>;
}

/** A relay that runs. */
export interface Relay extends AsyncDisposable {
  /** `http://127.0.0.1:8080`, or https. */
  readonly url: string;
  readonly port: number;
  /** Its own certificate authority, where people and devices have to trust that. */
  authority(): Pick<Ca, 'certificate' | 'fingerprint'> | undefined;
  /** What people's links begin with. */
  readonly publicUrl: string;
  /** Every route, and who may use it. WebSockets are in `socketPermits`. */
  readonly permits: readonly PermitRow[];
  /** Ends viewers with 1001, then everything else. Idempotent. */
  close(): Promise<void>;
  /** Resolves when all is closed. */
  readonly closed: Promise<void>;
  /** A new link that opens the app: one use, 15 minutes. */
  signInLink(): Promise<string>;
  /** Makes an API token; its secret is in the answer and nowhere else. */
  createToken(token: NewToken): Promise<string>;
  /** Makes a code that enrols one device of the first household, within ten minutes. @param name what people call it. */
  createEnrolmentCode(name: string): Promise<string>;
  /** Whether a device of this id is enrolled. */
  hasDevice(id: string): Promise<boolean>;
  /** Certificate of the authority that signs devices' certificates, PEM. */
  deviceAuthority(): Promise<string>;
  /** The valid token with this secret. */
  findToken(secret: string): Promise<TokenRecord | undefined>;
}

/** @throws {RelayError} where the data directory cannot be made or written. */
export function prepareData(data: string): void {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw dataError(error, data);
  }
}
