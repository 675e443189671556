import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { type OutgoingOptions, proxyFor } from '@perch/agent';
import { limits, parseTopicPath } from '@perch/protocol';
import { bad, type Finding, ok } from './finding.ts';
import { BrokenHop, codeOf, openWay, over, portOf, type Target } from './way.ts';

export interface RelayQuestions {
  /** http(s) or ws(s) address of a relay, with or without a topic. */
  readonly url: string;
  /** Where outgoing connections must go through, as for the agent. */
  readonly proxy?: NonNullable<OutgoingOptions['proxy']>;
  /** Further certificates to trust, PEM. */
  readonly ca?: string;
  /** How long all of it may take, ms. Default 20 s. */
  readonly timeoutMs?: number;
}

/** Goes to a relay hop by hop and stops at the first that fails: proxy, DNS, TCP, TLS, HTTP, WebSocket. */
export async function examineRelay(questions: RelayQuestions): Promise<Finding[]> {
  const findings: Finding[] = [];
  const note = (finding: Finding) => void findings.push(finding);
  try {
    const target = makeTarget(questions);
    note(ok('proxy', target.proxy ? `goes through ${target.proxy.host}` : 'none is set for this address'));
    note(await askHealth(await openWay(target, note), target));
    const second = await openWay(target, () => undefined);
    note(await askUpgrade(second, target));
  } catch (error) {
    if (!(error instanceof BrokenHop)) throw error;
    note(error.finding);
  }
  return findings;
}

function makeTarget({ url: given, proxy = {}, ca, timeoutMs = 20_000 }: RelayQuestions): Target {
  const url = URL.parse(given);
  const help = 'write it like https://relay.example.org';
  if (!url) throw new BrokenHop('address', `${JSON.stringify(given)} is no address`, help);
  if (!/^(https?|wss?):$/.test(url.protocol)) {
    throw new BrokenHop('address', `${url.protocol}// leads to no relay`, help);
  }
  const through = proxyFor(url, proxy);
  return {
    url,
    isTls: /^(https|wss):$/.test(url.protocol),
    port: portOf(url),
    proxy: through === undefined ? undefined : parseProxy(through),
    ca,
    signal: AbortSignal.timeout(timeoutMs),
  };
}

function parseProxy(text: string): URL {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url?.protocol === 'http:') return url;
  throw new BrokenHop(
    'proxy',
    `${JSON.stringify(text)} is no proxy`,
    'set HTTPS_PROXY like http://proxy.example:3128',
  );
}

async function askHealth(socket: Socket, { url, signal }: Target): Promise<Finding> {
  let status: number;
  try {
    ({ status } = await ask(socket, { path: '/healthz', headers: { Host: url.host }, signal }));
  } catch (error) {
    throw new BrokenHop(
      'HTTP',
      `no HTTP answer (${codeOf(error)})`,
      'something listens there that does not speak HTTP, or a firewall cuts the connection',
    );
  }
  if (status === 200) return ok('HTTP', '/healthz says 200');
  throw new BrokenHop(
    'HTTP',
    `/healthz says ${status}`,
    status >= 502 && status <= 504
      ? 'the proxy in front does not reach the relay: does it run, and on the port that the proxy calls?'
      : 'this is no Perch relay: correct the address, or what a proxy in front hands on',
  );
}

/** Asks for a WebSocket. A refusal in the relay's own words proves the way as well as a welcome does. */
async function askUpgrade(socket: Socket, { url, signal }: Target): Promise<Finding> {
  const path = parseTopicPath(url.pathname) ? `${url.pathname}${url.search}` : '/out/perch-doctor';
  const headers = {
    Host: url.host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
  };
  const help = 'the proxy in front must pass WebSockets on: see docs/guide/relay-on-a-server.md';
  try {
    const { status, message } = await ask(socket, { path, headers, signal });
    if (status === 101) return ok('WebSocket', `${path} opens`);
    if ((status === 401 || status === 503) && message !== undefined) {
      return ok('WebSocket', `reaches the relay, which says ${status}: ${message}`);
    }
    return bad('WebSocket', `the upgrade came to ${status}: it got lost on the way`, help);
  } catch (error) {
    return bad('WebSocket', `the upgrade gets no answer (${codeOf(error)})`, help);
  }
}

interface Answer {
  readonly status: number;
  /** The relay's own words, where the answer is its JSON. */
  readonly message: string | undefined;
}

interface Question {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal;
}

/** Asks over a connection that is there, and closes it. */
async function ask(socket: Socket, { path, headers, signal }: Question): Promise<Answer> {
  try {
    const call = request({ ...over(socket), path, headers, signal });
    call.end();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      call.on('upgrade', resolve);
      call.on('response', resolve);
      call.on('error', reject);
    });
    const status = response.statusCode ?? 0;
    if (status === 101) return { status, message: undefined };
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (part: string) => {
      body += part;
      if (body.length > limits.bodyBytes) response.destroy();
    });
    await once(response, 'close');
    return { status, message: messageIn(body) };
  } finally {
    socket.destroy();
  }
}

function messageIn(body: string): string | undefined {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined; // not the relay's JSON
  }
}
