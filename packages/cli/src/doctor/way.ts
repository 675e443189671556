import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type ClientRequestArgs, type IncomingMessage, request } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Finding } from './finding.ts';

/** A relay as it is reached: directly, or through a proxy. */
export interface Target {
  readonly url: URL;
  readonly isTls: boolean;
  readonly port: number;
  readonly proxy: URL | undefined;
  readonly signal: AbortSignal;
}

/** A hop that failed: its finding, and nothing beyond it can be tried. */
export class BrokenHop extends Error {
  readonly finding: Finding;
  constructor(finding: Finding) {
    super(finding.words);
    this.finding = finding;
  }
}

/**
 * Goes the way to the relay hop by hop: name, TCP, proxy, TLS.
 *
 * @param report hears of each hop that is right.
 * @returns a connection to the relay; the caller closes it.
 * @throws {BrokenHop}
 */
export async function openWay(target: Target, report: (finding: Finding) => void): Promise<Socket> {
  const { url, proxy } = target;
  const first = proxy ?? url;
  const firstPort = proxy ? portOf(proxy) : target.port;
  report(await resolveName(bare(first.hostname), proxy));
  let socket: Socket = await connectTo(bare(first.hostname), firstPort, target);
  report({
    name: proxy ? 'TCP to proxy' : 'TCP',
    state: 'ok',
    words: `connected to ${first.hostname}:${firstPort}`,
  });
  try {
    if (proxy) report(await passProxy(socket, proxy, target));
    if (!target.isTls) return socket;
    const secure = await wrapInTls(socket, target);
    socket = secure;
    report({
      name: 'TLS',
      state: 'ok',
      words: `${secure.getProtocol()}, certificate of ${subjectOf(secure)} is trusted`,
    });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function resolveName(host: string, proxy: URL | undefined): Promise<Finding> {
  const name = proxy ? 'DNS of proxy' : 'DNS';
  try {
    const { address } = await lookup(host);
    return { name, state: 'ok', words: host === address ? `${host} is an address` : `${host} is ${address}` };
  } catch (error) {
    throw new BrokenHop({
      name,
      state: 'missing',
      words: `the name ${host} cannot be found (${codeOf(error)})`,
      todo: "Check the spelling, this machine's name server (/etc/resolv.conf), and that it is online.",
    });
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
    throw new BrokenHop({
      name: proxy ? 'TCP to proxy' : 'TCP',
      state: 'missing',
      words: `${host}:${port} ${isRefused ? 'refuses connections' : `does not answer (${code})`}`,
      todo: isRefused
        ? `Nothing listens there. Start ${proxy ? 'the proxy, or correct HTTPS_PROXY' : 'the relay, or correct the port'}.`
        : 'A firewall drops the packets, or the machine is off.',
    });
  }
}

async function passProxy(socket: Socket, proxy: URL, { url, port, signal }: Target): Promise<Finding> {
  const credentials = proxy.username
    ? {
        'Proxy-Authorization': `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')}`,
      }
    : {};
  const path = `${url.hostname}:${port}`;
  const call = request({
    ...over(socket),
    method: 'CONNECT',
    path,
    headers: { Host: path, ...credentials },
    signal,
  });
  call.end();
  try {
    const { statusCode } = await new Promise<IncomingMessage>((resolve, reject) => {
      call.on('connect', resolve);
      call.on('response', resolve);
      call.on('error', reject);
    });
    if (statusCode === 200)
      return { name: 'proxy', state: 'ok', words: `${proxy.host} lets us through to ${path}` };
    throw new BrokenHop({
      name: 'proxy',
      state: 'missing',
      words: `${proxy.host} answers ${statusCode} to CONNECT ${path}`,
      todo:
        statusCode === 407
          ? 'It wants a user name and password: HTTPS_PROXY=http://user:password@host:port'
          : 'Ask who runs the proxy to allow this address and port, or except it with NO_PROXY.',
    });
  } catch (error) {
    if (error instanceof BrokenHop) throw error;
    throw new BrokenHop({
      name: 'proxy',
      state: 'missing',
      words: `${proxy.host} speaks no HTTP proxy protocol (${codeOf(error)})`,
      todo: 'Check HTTPS_PROXY.',
    });
  }
}

async function wrapInTls(socket: Socket, { url, signal }: Target): Promise<TLSSocket> {
  const host = bare(url.hostname);
  const secure = connectTls({ socket, host, ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }) });
  try {
    await once(secure, 'secureConnect', { signal });
    return secure;
  } catch (error) {
    secure.destroy();
    throw new BrokenHop({ name: 'TLS', state: 'missing', ...tlsWords(error, host) });
  }
}

function tlsWords(error: unknown, host: string): { words: string; todo: string } {
  const code = codeOf(error);
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return { words: 'the certificate has expired', todo: "Renew it, and check this machine's clock." };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        words: `the certificate is not for ${host}`,
        todo: 'Use a name that it has, or get one for this name.',
      };
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return {
        words: `nobody that this machine trusts has signed the certificate (${code})`,
        todo: "If it is your own, or a company proxy's: NODE_EXTRA_CA_CERTS=FILE.pem, and --extra_ca FILE.pem for the agent.",
      };
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return {
        words: 'no TLS is spoken there',
        todo: 'Use http:// or ws:// for this port, or correct the port.',
      };
    default:
      return {
        words: `the handshake failed (${code})`,
        todo: 'Something between cuts it off: a firewall, or a proxy.',
      };
  }
}

/** Options that make a request go over a connection that is there. */
export const over = (socket: Socket): ClientRequestArgs => ({ createConnection: () => socket, agent: false });

/** A host name as sockets take it: IPv6 without brackets. */
export const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

export const portOf = (url: URL): number =>
  Number(url.port || (/^(https|wss):$/.test(url.protocol) ? 443 : 80));

export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'no answer in time';
  return (error as NodeJS.ErrnoException).code ?? error.message;
}

function subjectOf(secure: TLSSocket): string {
  const { subject } = secure.getPeerCertificate();
  return String(subject?.CN ?? 'the relay');
}
