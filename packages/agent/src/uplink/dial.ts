import { readFile } from 'node:fs/promises';
import type { Agent as HttpAgent } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
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

export interface Dialer {
  dial(url: string, protocols: readonly string[]): Dialled;
  readonly fetch: FetchLike;
}

/** `ws` cuts off a peer that does not answer a close after this long; its types do not know the option yet. */
const closing = { closeTimeout: 2_000 };

const USER_AGENT = 'perch/0.1.0';

/** Largest answer of an access address. */
const ANSWER_BYTES = 64 * 1024;

/**
 * Makes outgoing connections as this machine must make them: through its proxy, trusting its extra certificates.
 *
 * @throws {AgentError} `ca-unreadable`
 */
export async function makeDialer(options: OutgoingOptions = {}): Promise<Dialer> {
  const tls = options.caFile === undefined ? {} : { ca: await readCertificates(options.caFile) };
  const agentFor = (url: string): HttpAgent | undefined => {
    const proxy = proxyFor(new URL(url), options.proxy ?? {});
    return proxy ? new HttpsProxyAgent(proxy, { ...tls }) : undefined;
  };
  return {
    dial(url, protocols) {
      const agent = agentFor(url);
      const socket = new WebSocket(url, [...protocols], {
        ...tls,
        ...(agent && { agent }),
        headers: { 'User-Agent': USER_AGENT },
        maxPayload: limits.messageBytes,
        perMessageDeflate: false,
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
    fetch: (url, { method, headers }) =>
      new Promise((resolve, reject) => {
        const agent = agentFor(url);
        const make = url.startsWith('https:') ? httpsRequest : httpRequest;
        const request = make(url, {
          method,
          ...tls,
          ...(agent && { agent }),
          headers: { ...headers, 'User-Agent': USER_AGENT, 'Content-Length': '0' },
          timeout: limits.dialTimeout,
        });
        request.on('timeout', () =>
          request.destroy(new Error(`no answer in ${limits.dialTimeout / 1000} s`)),
        );
        request.on('error', reject);
        request.on('response', (response) => {
          let body = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => {
            body += part;
            if (body.length > ANSWER_BYTES) response.destroy(new Error('the answer is too long'));
          });
          response.on('error', reject);
          response.on('end', () => {
            const status = response.statusCode ?? 0;
            resolve({ ok: status >= 200 && status < 300, status, text: () => Promise.resolve(body) });
          });
        });
        request.end();
      }),
  };
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
