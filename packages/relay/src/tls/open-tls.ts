import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import type { Clock, Logger } from '@perch/runtime';
import { mayBePlain } from '../auth/plain-http.ts';
import { DeviceAuthority } from '../devices/authority.ts';
import type { RelayOptions } from '../options.ts';
import { publicBase } from '../public-address.ts';
import type { Database } from '../storage/database.ts';
import { ServerTls } from './server-tls.ts';

/**
 * TLS as the options ask for it; `undefined` where the relay speaks plain HTTP, which it does on loopback only, and
 * behind proxies that are named.
 *
 * @throws {RelayError} where there is no certificate to begin with.
 */
export async function openTls(
  options: Pick<RelayOptions, 'tls' | 'listen' | 'public' | 'trustProxy'>,
  parts: {
    readonly database: Database;
    readonly node: string;
    /** That the relay listens on; asked once it does. */
    readonly port: () => number;
    readonly onChanged: (certificate: string) => void;
    readonly clock: Clock;
    readonly logger: Logger;
  },
): Promise<ServerTls | undefined> {
  const { listen, public: chosen, trustProxy = [] } = options;
  const tls = options.tls ?? (mayBePlain({ host: listen.host, trustProxy }) ? undefined : 'local');
  if (tls === undefined) return undefined;
  const { database, node, port, onChanged, clock, logger } = parts;
  const devices = await new DeviceAuthority({ database, clock }).ca();
  const isEvery = ['0.0.0.0', '::'].includes(listen.host);
  const names = [...(chosen ? [chosen.host] : []), ...(isEvery ? [] : [listen.host])];
  return await ServerTls.open({
    ...{ tls, database, node, onChanged, clock, logger },
    publicBase: () => publicBase({ listenHost: listen.host, port: port(), isTls: true, chosen }),
    names: names.map(asCertificatesHaveIt),
    clientAuthority: devices.certificate,
  });
}

/** RFC 5280 7.2: `bücher.example` as `xn--bcher-kva.example`; an address without the interface that it is bound to. */
const asCertificatesHaveIt = (name: string): string =>
  isIP(name) ? name.replace(/%.*$/, '') : domainToASCII(name) || name;
