import type { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Agent as HttpAgent } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { getCACertificates, TLSSocket } from 'node:tls';
import type { FetchLike } from '@perch/client';
import { limits } from '@perch/protocol';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { WebSocket } from 'ws';
import { AgentError } from '../errors.ts';
import { isLoopback } from '../loopback.ts';
import type { Corkable } from '../outbox.ts';

/** How outgoing connections leave this machine. */
export interface OutgoingOptions {
  /** Goes through this proxy (`http://host:port`), as `HTTPS_PROXY` says for wss and https, `HTTP_PROXY` for the others. */
  readonly proxy?: { readonly secure?: string; readonly plain?: string; readonly except?: string };
  /** A file of PEM certificates to trust, besides Node's own and those of `NODE_EXTRA_CA_CERTS`. */
  readonly caFile?: string;
}

/** A WebSocket on its way, and the TCP or TLS socket below it once it is open. */
export interface Dialled {
  readonly socket: WebSocket;
  tcp(): Corkable;
}

/** What shows the far end who dials. */
export interface Credentials {
  readonly headers?: Readonly<Record<string, string>>;
  /** PEM. `ca`: to trust besides what is trusted anyway. */
  readonly tls?: { readonly cert?: string; readonly key?: string; readonly ca?: readonly string[] };
}

/** How a WebSocket's bytes travel. */
export interface Way {
  /**
   * Over TLS frames are masked with zeros. A mask keeps proxies that see the bytes from taking them for HTTP (RFC 6455
   * 10.3); TLS does that already, and for much data real masking costs more than all the rest.
   */
  readonly zeroMask?: boolean;
}

/** One HTTP request. */
export interface Question extends Credentials {
  readonly method: string;
  /** JSON. */
  readonly body?: string;
  /** Takes any certificate: for looking at it. What is answered is not to be believed. */
  readonly unverified?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Of an unverified answer: those that the far end has shown, its own first. */
  readonly certificates: readonly X509Certificate[];
}

export interface Dialer {
  dial(url: string, protocols: readonly string[], credentials?: Credentials, way?: Way): Dialled;
  /** @throws the system's or TLS's error where there is no answer, or one that is too long. */
  ask(url: string, question: Question): Promise<Answer>;
  readonly fetch: FetchLike;
}

/** `ws` cuts off a peer that does not answer a close after this long; its types do not know the option yet. */
const closing = { closeTimeout: 2_000 };

/** What this program calls itself. */
export const USER_AGENT = 'perch/0.1.0';

/** Largest answer of an access address. */
const ANSWER_BYTES = 64 * 1024;
/** A chain of certificates is no longer than this. */
const MOST_IN_CHAIN = 8;

/**
 * Makes outgoing connections as this machine must make them: through its proxy, trusting its extra certificates.
 *
 * @throws {AgentError} `ca-unreadable`
 */
export async function makeDialer(options: OutgoingOptions = {}): Promise<Dialer> {
  const tls: { ca?: string[] } =
    options.caFile === undefined ? {} : { ca: await readCertificates(options.caFile) };
  const agentFor = (url: string): HttpAgent | undefined => {
    const proxy = proxyFor(new URL(url), options.proxy ?? {});
    return proxy ? new HttpsProxyAgent(proxy, { ...tls }) : undefined;
  };
  const ask = (url: string, { method, headers, body, unverified = false, ...credentials }: Question) =>
    new Promise<Answer>((resolve, reject) => {
      const agent = agentFor(url);
      const make = url.startsWith('https:') ? httpsRequest : httpRequest;
      const request = make(url, {
        method,
        ...tls,
        ...withCredentials(credentials, tls.ca),
        ...(unverified && { rejectUnauthorized: false, agent: false as const }),
        ...(agent && { agent }),
        headers: {
          ...headers,
          'User-Agent': USER_AGENT,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          'Content-Length': Buffer.byteLength(body ?? ''),
        },
        timeout: limits.dialTimeout,
      });
      request.on('timeout', () => request.destroy(new Error(`no answer in ${limits.dialTimeout / 1000} s`)));
      request.on('error', reject);
      request.on('response', (response) => {
        const certificates = unverified ? chainOf(response.socket) : [];
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
          if (text.length > ANSWER_BYTES) response.destroy(new Error('the answer is too long'));
        });
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text, certificates }));
      });
      request.end(body);
    });
  return {
    dial(url, protocols, credentials = {}, { zeroMask = false } = {}) {
      const agent = agentFor(url);
      const socket = new WebSocket(url, [...protocols], {
        ...tls,
        ...withCredentials(credentials, tls.ca),
        ...(agent && { agent }),
        headers: { ...credentials.headers, 'User-Agent': USER_AGENT },
        maxPayload: limits.messageBytes,
        perMessageDeflate: false,
        ...(zeroMask && url.startsWith('wss:') && { generateMask: (mask: Buffer) => void mask.fill(0) }),
        ...closing,
      });
      let tcp: Corkable | undefined;
      socket.once('upgrade', (response) => {
        response.socket.setNoDelay(true);
        tcp = response.socket;
      });
      return {
        socket,
        tcp: () => {
          if (!tcp) throw new TypeError('tcp: the WebSocket is not open yet');
          return tcp;
        },
      };
    },
    ask,
    async fetch(url, { method, headers }) {
      const { status, text } = await ask(url, { method, headers });
      return { ok: status >= 200 && status < 300, status, text: () => Promise.resolve(text) };
    },
  };
}

function withCredentials({ tls }: Credentials, trusted: readonly string[] | undefined): object {
  if (!tls) return {};
  const { ca, ...shown } = tls;
  return { ...shown, ...(ca && { ca: [...(trusted ?? getCACertificates('default')), ...ca] }) };
}

/** The certificates that the far end has shown, its own first. */
function chainOf(socket: Socket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  while (next && chain.length < MOST_IN_CHAIN) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}

/** A list given to TLS replaces what it would trust by itself, so that is in it too. */
async function readCertificates(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new AgentError(
      'ca-unreadable',
      `cannot read the certificates in ${path}: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw new AgentError('ca-unreadable', `${path} holds no PEM certificate (-----BEGIN CERTIFICATE-----)`);
  }
  return [...getCACertificates('default'), text];
}

/** The proxy for an address, by the rules that curl made common: a list of hosts and domain suffixes, or `*`. Never for loopback. */
export function proxyFor(url: URL, proxy: NonNullable<OutgoingOptions['proxy']>): string | undefined {
  const secure = url.protocol === 'wss:' || url.protocol === 'https:';
  const through = secure ? proxy.secure : proxy.plain;
  if (!through) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isLoopback(host)) return undefined;
  const port = url.port || (secure ? '443' : '80');
  for (const entry of (proxy.except ?? '').split(',')) {
    const [, name = '', only] = /^\s*(.*?)(?::(\d+))?\s*$/.exec(entry) ?? [];
    if (only && only !== port) continue;
    const bare = name.replace(/^\*?\./, '').toLowerCase();
    if (name === '*' || (bare !== '' && (host === bare || host.endsWith(`.${bare}`)))) return undefined;
  }
  return through;
}
