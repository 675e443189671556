import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type ClientRequestArgs, type IncomingMessage, request } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { bad, type Finding, ok, warn } from './finding.ts';

/** A relay as it is reached: directly, or through a proxy. */
export interface Target {
  readonly url: URL;
  readonly isTls: boolean;
  readonly port: number;
  readonly proxy: URL | undefined;
  /** Further certificates to trust, PEM. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
}

/** A hop that failed; nothing beyond it can be tried. */
export class BrokenHop extends Error {
  readonly finding: Finding;

  constructor(name: string, seen: string, help: string) {
    super(seen);
    this.finding = bad(name, seen, help);
  }
}

const DAY_MS = 86_400_000;

/**
 * Goes the way to the relay hop by hop: name, TCP, proxy, TLS.
 *
 * @param note hears of each hop that is right.
 * @returns a connection to the relay; the caller closes it.
 * @throws {BrokenHop}
 */
export async function openWay(target: Target, note: (finding: Finding) => void): Promise<Socket> {
  const { url, proxy } = target;
  const first = proxy ?? url;
  const host = bare(first.hostname);
  const port = proxy ? portOf(proxy) : target.port;
  note(await findName(host));
  let socket: Socket = await connectTo(host, port, target);
  note(ok('TCP', `${host} port ${port} answers`));
  try {
    if (proxy) note(await passProxy(socket, proxy, target));
    if (!target.isTls) return socket;
    const secure = await wrapInTls(socket, target);
    socket = secure;
    note(aboutCertificate(secure));
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function findName(host: string): Promise<Finding> {
  if (isIP(host)) return ok('DNS', `${host} is an address already`);
  try {
    const addresses = await lookup(host, { all: true });
    return ok('DNS', `${host} is ${addresses.map(({ address }) => address).join(', ')}`);
  } catch (error) {
    throw new BrokenHop(
      'DNS',
      `the name ${host} cannot be found (${codeOf(error)})`,
      "check the spelling, this machine's name server (/etc/resolv.conf), and that it is online",
    );
  }
}

async function connectTo(host: string, port: number, { signal, proxy }: Target): Promise<Socket> {
  const socket = connectTcp({ host, port });
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    const code = codeOf(error);
    const isRefused = code === 'ECONNREFUSED';
    const seen = `${host} port ${port} ${isRefused ? 'refuses connections' : `does not answer (${code})`}`;
    if (proxy) throw new BrokenHop('TCP', seen, 'check the proxy setting: nothing gets further than this');
    throw new BrokenHop(
      'TCP',
      seen,
      isRefused
        ? 'nothing listens there: start the relay, or correct the port'
        : 'a firewall drops the packets, or the machine is off',
    );
  }
}

async function passProxy(socket: Socket, proxy: URL, { url, port, signal }: Target): Promise<Finding> {
  const path = `${url.hostname}:${port}`;
  const call = request({
    ...over(socket),
    method: 'CONNECT',
    path,
    headers: { Host: path, ...credentials(proxy) },
    signal,
  });
  call.end();
  let status: number | undefined;
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      call.on('connect', resolve);
      call.on('response', resolve);
      call.on('error', reject);
    });
    status = answer.statusCode;
  } catch (error) {
    throw new BrokenHop(
      'proxy',
      `${proxy.host} speaks no HTTP proxy protocol (${codeOf(error)})`,
      'check HTTPS_PROXY',
    );
  }
  if (status === 200) return ok('proxy', `${proxy.host} lets us through to ${path}`);
  throw new BrokenHop(
    'proxy',
    `${proxy.host} answers ${status} to CONNECT ${path}`,
    status === 407
      ? 'it wants a user name and password: HTTPS_PROXY=http://user:password@host:port'
      : 'ask who runs the proxy to allow this address and port, or except it with NO_PROXY',
  );
}

function credentials({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}

async function wrapInTls(socket: Socket, { url, ca, signal }: Target): Promise<TLSSocket> {
  const host = bare(url.hostname);
  const secure = connectTls({ socket, host, ...(!isIP(host) && { servername: host }), ...(ca && { ca }) });
  try {
    await once(secure, 'secureConnect', { signal });
    return secure;
  } catch (error) {
    secure.destroy();
    const { seen, help } = tlsWords(codeOf(error), host);
    throw new BrokenHop('TLS', seen, help);
  }
}

function aboutCertificate(secure: TLSSocket): Finding {
  const days = Math.floor((Date.parse(secure.getPeerCertificate().valid_to) - Date.now()) / DAY_MS);
  const seen = `${secure.getProtocol()}, certificate valid for ${days} more days`;
  return days < 7 ? warn('TLS', seen, 'renew the certificate') : ok('TLS', seen);
}

function tlsWords(code: string, host: string): { seen: string; help: string } {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return { seen: 'the certificate has expired', help: "renew it, and check this machine's clock" };
    case 'CERT_NOT_YET_VALID':
      return { seen: 'the certificate is not good yet', help: "set this machine's clock" };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        seen: `the certificate is not for ${host}`,
        help: 'use a name that it has, or get one for this name',
      };
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return {
        seen: `nobody that this machine trusts has signed the certificate (${code})`,
        help: `if the relay made it itself, its page /trust has the file to trust (a company proxy's has its owner): NODE_EXTRA_CA_CERTS=FILE, and --extra_ca FILE for the agent`,
      };
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return {
        seen: 'no TLS is spoken there',
        help: 'use http:// or ws:// for this port, or correct the port',
      };
    default:
      return {
        seen: `the handshake failed (${code})`,
        help: 'something between cuts it off: a firewall, or a proxy',
      };
  }
}

/** Options that make a request go over a connection that is there. */
export const over = (socket: Socket): ClientRequestArgs => ({ createConnection: () => socket });

/** A host name as sockets take it: IPv6 without brackets. */
const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

export const portOf = (url: URL): number =>
  Number(url.port || (/^(https|wss):$/.test(url.protocol) ? 443 : 80));

export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'no answer in time';
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
