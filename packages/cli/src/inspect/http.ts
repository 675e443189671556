import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type OutgoingOptions, proxyFor } from '@perch/agent';
import type { FetchLike } from '@perch/client';
import { limits } from '@perch/protocol';
import { HttpsProxyAgent } from 'https-proxy-agent';

/** Which proxies outgoing connections go through. */
export type Proxies = NonNullable<OutgoingOptions['proxy']>;

const MOST_REDIRECTS = 5;
/** Largest answer of a session address. */
const ANSWER_BYTES = 64 * 1024;

/** What takes connections to an address through its proxy; undefined where it is reached directly. */
export function agentFor(url: URL, proxies: Proxies = {}): HttpsProxyAgent<string> | undefined {
  const proxy = proxyFor(url, proxies);
  return proxy === undefined ? undefined : new HttpsProxyAgent(proxy);
}

export interface HttpOptions {
  readonly method: string;
  readonly headers?: Record<string, string>;
  readonly proxies?: Proxies | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One request. The headers must come in time, the body may take as long as it likes. */
export function send(
  url: URL,
  { method, headers = {}, proxies, signal }: HttpOptions,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const make = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const agent = agentFor(url, proxies);
    const options = { method, headers, ...(agent && { agent }), ...(signal && { signal }) };
    const request = make(url, options, (response) => {
      request.setTimeout(0);
      resolve(response);
    });
    request.setTimeout(limits.dialTimeout, () => {
      request.destroy(new Error(`no answer in ${limits.dialTimeout / 1000} s`));
    });
    request.on('error', reject);
    request.end();
  });
}

/** A GET that goes where redirects lead. */
export async function get(address: URL, options: Omit<HttpOptions, 'method'>): Promise<IncomingMessage> {
  let url = address;
  for (let i = 0; ; i++) {
    const answer = await send(url, { ...options, method: 'GET' });
    const { location } = answer.headers;
    const isRedirect =
      (answer.statusCode ?? 0) >= 300 && (answer.statusCode ?? 0) < 400 && location !== undefined;
    if (!isRedirect || i === MOST_REDIRECTS) return answer;
    answer.destroy();
    const next = new URL(location, url);
    if (!/^https?:$/.test(next.protocol))
      throw new Error(`redirected to ${next.protocol}//, which is no web address`);
    url = next;
  }
}

/** The part of `fetch` that sessions use. */
export const fetchThrough =
  (proxies: Proxies | undefined, signal: AbortSignal | undefined): FetchLike =>
  async (address, { method, headers }) => {
    const answer = await send(new URL(address), {
      method,
      headers: { ...headers, 'Content-Length': '0' },
      proxies,
      signal,
    });
    const status = answer.statusCode ?? 0;
    let body = '';
    answer.setEncoding('utf8');
    for await (const part of answer) {
      body += String(part);
      if (body.length > ANSWER_BYTES) throw new Error('the answer is too long');
    }
    return { ok: status >= 200 && status < 300, status, text: () => Promise.resolve(body) };
  };
