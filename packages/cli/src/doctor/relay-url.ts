import { lookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type OutgoingOptions, proxyFor } from '@perch/agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { bad, type Finding, ok, warn } from './finding.ts';

export interface RelayQuestions {
  /** http, https, ws or wss address of a relay. */
  readonly url: string;
  /** As the agent would go out. */
  readonly proxy?: NonNullable<OutgoingOptions['proxy']>;
  /** Most time for each hop, in ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** Further certificates to trust, as PEM. */
  readonly ca?: string;
}

/** Goes to a relay hop by hop and stops at the first that fails: proxy, DNS, TCP, TLS, HTTP, WebSocket. */
export async function examineRelay({
  url,
  proxy: settings = {},
  timeoutMs = 10_000,
  ca,
}: RelayQuestions): Promise<Finding[]> {
  let target: URL;
  try {
    target = new URL(url);
  } catch {
    return [
      bad('address', `${JSON.stringify(url)} is no address`, 'write it like https://relay.example.org'),
    ];
  }
  if (!/^(https?|wss?):$/.test(target.protocol)) {
    return [
      bad('address', `${target.protocol}// leads to no relay`, 'write it like https://relay.example.org'),
    ];
  }
  const secure = /^(https|wss):$/.test(target.protocol);
  const port = Number(target.port) || (secure ? 443 : 80);
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const findings: Finding[] = [];
  const note = (finding: Finding) => {
    findings.push(finding);
    return finding.outcome !== 'bad';
  };

  const through = proxyFor(target, settings);
  const proxy = through === undefined ? undefined : URL.parse(through);
  if (proxy === null) {
    return [
      bad(
        'proxy',
        `${JSON.stringify(through)} is no address`,
        'set HTTPS_PROXY like http://proxy.example:3128',
      ),
    ];
  }
  note(ok('proxy', proxy ? `goes through ${proxy.host}` : 'none is set for this address'));
  const first = proxy
    ? { host: proxy.hostname, port: Number(proxy.port) || (proxy.protocol === 'https:' ? 443 : 80) }
    : { host, port };
  if (!note(await examineName(first.host, timeoutMs))) return findings;
  if (!note(await examineTcp(first.host, first.port, proxy !== undefined, timeoutMs))) return findings;
  const agent = proxy ? new HttpsProxyAgent(proxy, ca ? { ca } : {}) : undefined;
  if (secure && !proxy && !note(await examineTls(host, port, ca, timeoutMs))) return findings;
  const base = `${secure ? 'https' : 'http'}://${target.host}`;
  const ask = (path: string, headers: Record<string, string>) =>
    get(`${base}${path}`, { headers, timeoutMs, ...(agent && { agent }), ...(ca && { ca }) });
  if (!note(await examineHttp(ask))) return findings;
  note(await examineWebSocket(ask));
  return findings;
}

async function examineName(host: string, timeoutMs: number): Promise<Finding> {
  if (isIP(host)) return ok('DNS', `${host} is an address already`);
  try {
    const addresses = await within(timeoutMs, lookup(host, { all: true }));
    return ok('DNS', `${host} is ${addresses.map(({ address }) => address).join(', ')}`);
  } catch (error) {
    return bad(
      'DNS',
      `${host} has no address: ${words(error)}`,
      'check the name, and that this machine has a network',
    );
  }
}

function examineTcp(host: string, port: number, isProxy: boolean, timeoutMs: number): Promise<Finding> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const done = (finding: Finding) => {
      socket.destroy();
      resolve(finding);
    };
    const help = isProxy
      ? 'check the proxy setting: nothing gets further than this'
      : 'check that the relay runs and that no firewall stands between';
    socket.once('connect', () => done(ok('TCP', `${host} port ${port} answers`)));
    socket.once('timeout', () => done(bad('TCP', `${host} port ${port} does not answer`, help)));
    socket.once('error', (error) => done(bad('TCP', `${host} port ${port}: ${words(error)}`, help)));
  });
}

const DAY_MS = 86_400_000;

function examineTls(host: string, port: number, ca: string | undefined, timeoutMs: number): Promise<Finding> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connectTls({
      host,
      port,
      timeout: timeoutMs,
      ...(isIP(host) === 0 && { servername: host }),
      ...(ca && { ca }),
    });
    const done = (finding: Finding) => {
      socket.destroy();
      resolve(finding);
    };
    socket.once('secureConnect', () => {
      const until = new Date(socket.getPeerCertificate().valid_to);
      const days = Math.floor((until.getTime() - Date.now()) / DAY_MS);
      const seen = `${socket.getProtocol()}, certificate valid for ${days} more days`;
      done(days < 7 ? warn('TLS', seen, 'renew the certificate') : ok('TLS', seen));
    });
    socket.once('timeout', () => done(bad('TLS', 'no answer to the handshake', 'is this a TLS port?')));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      done(bad('TLS', words(error), tlsHelp(error.code))),
    );
  });
}

function tlsHelp(code: string | undefined): string {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'the certificate has expired: renew it (or is the clock of this machine wrong?)';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'the certificate is for another name: use that name, or get one for this';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'the certificate is not from an authority that this machine trusts: set NODE_EXTRA_CA_CERTS=FILE to trust it';
    default:
      return 'does this port speak TLS? Without it the address begins with http://';
  }
}

type Ask = (
  path: string,
  headers: Record<string, string>,
) => Promise<{ status: number; upgraded: boolean; body: string }>;

async function examineHttp(ask: Ask): Promise<Finding> {
  try {
    const { status } = await ask('/healthz', {});
    if (status === 200) return ok('HTTP', '/healthz says 200');
    return bad(
      'HTTP',
      `/healthz says ${status}`,
      'this is no Perch relay, or a proxy in front of it does not reach it',
    );
  } catch (error) {
    return bad(
      'HTTP',
      words(error),
      'something listens there that does not speak HTTP, or it closes at once',
    );
  }
}

async function examineWebSocket(ask: Ask): Promise<Finding> {
  const help = 'the proxy in front must pass WebSockets on: see docs/guide/relay-on-a-server.md';
  try {
    const { status, upgraded } = await ask('/out/perch-doctor', {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'cGVyY2gtZG9jdG9yLTEyMw==',
    });
    if (upgraded) return ok('WebSocket', 'opens');
    // A topic's path answers a plain request with 400 and an upgrade that is not allowed with 401.
    if (status === 401) return ok('WebSocket', 'reaches the relay, which wants a token for its topics');
    return bad('WebSocket', `the upgrade came to ${status}: it got lost on the way`, help);
  } catch (error) {
    return bad('WebSocket', words(error), help);
  }
}

interface GetOptions {
  readonly headers: Record<string, string>;
  readonly timeoutMs: number;
  readonly agent?: HttpsProxyAgent<string>;
  readonly ca?: string;
}

function get(url: string, options: GetOptions): ReturnType<Ask> {
  return new Promise((resolve, reject) => {
    const { agent, ca } = options;
    const request = (url.startsWith('https') ? httpsRequest : httpRequest)(url, {
      headers: options.headers,
      timeout: options.timeoutMs,
      agent: agent ?? false,
      ...(ca && { ca }),
    });
    request.on('upgrade', (answer: IncomingMessage, socket: Duplex) => {
      socket.destroy();
      resolve({ status: answer.statusCode ?? 101, upgraded: true, body: '' });
    });
    request.on('response', (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (text: string) => {
        if (body.length < 1_000) body += text;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, upgraded: false, body }));
      answer.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${options.timeoutMs / 1000} s`)));
    request.on('error', reject);
    request.end();
  });
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${timeoutMs / 1000} s`)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const words = (error: unknown): string =>
  error instanceof Error ? error.message || error.name : String(error);
