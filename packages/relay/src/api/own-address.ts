import type { FastifyRequest } from 'fastify';
import { isHost, isSecure } from '../auth/trusted-proxies.ts';

/** Under which address the relay was asked, as the person sees it. */
export interface OwnAddress {
  /** `https://relay.example:8443` */
  readonly origin: string;
  /** `relay.example` */
  readonly hostname: string;
}

/** @returns `undefined` where the Host header is no host name. */
export function ownAddress(request: FastifyRequest): OwnAddress | undefined {
  const { host = '' } = request.headers;
  const url = isHost(host) ? URL.parse(`${isSecure(request.raw) ? 'https' : 'http'}://${host}`) : null;
  return url ? { origin: url.origin, hostname: url.hostname } : undefined;
}
