import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { proxyFor } from '@perch/agent';
import { limits, parseTopicPath } from '@perch/protocol';
import { CliError } from '../errors.ts';
import type { Finding } from './finding.ts';
import { BrokenHop, codeOf, openWay, over, portOf, type Target } from './way.ts';

export interface ExamineOptions {
  /** http(s) or ws(s) address of a relay, with or without a topic. */
  readonly url: string;
  /** Where outgoing connections must go through, as the environment says. */
  readonly proxy: { readonly secure?: string; readonly plain?: string; readonly except?: string };
  /** Hears of each hop as soon as it is known. */
  readonly report: (finding: Finding) => void;
  /** How long all of it may take, ms. Default 20 s. */
  readonly timeoutMs?: number;
}

/**
 * Goes the way to a relay hop by hop (proxy, DNS, TCP, TLS, HTTP, WebSocket) until one fails.
 *
 * @returns whether all went well.
 * @throws {CliError} `misused` for what is no address.
 */
export async function examineRelay(options: ExamineOptions): Promise<boolean> {
  const { report } = options;
  const target = makeTarget(options);
  report(aboutProxy(target));
  try {
    const socket = await openWay(target, report);
    report(await askHealth(socket, target));
    const second = await openWay(target, () => undefined);
    report(await askUpgrade(second, target));
    return true;
  } catch (error) {
    if (!(error instanceof BrokenHop)) throw error;
    report(error.finding);
    return false;
  }
}

function makeTarget({ url: given, proxy, timeoutMs = 20_000 }: ExamineOptions): Target {
  const url = URL.parse(given);
  if (!url || !/^(https?|wss?):$/.test(url.protocol)) {
    throw new CliError(
      'misused',
      `${given} is no address of a relay: give https://…, wss://…, http://… or ws://…`,
    );
  }
  const through = proxyFor(url, proxy);
  return {
    url,
    isTls: /^(https|wss):$/.test(url.protocol),
    port: portOf(url),
    proxy: through === undefined ? undefined : parseProxy(through),
    signal: AbortSignal.timeout(timeoutMs),
  };
}

function parseProxy(text: string): URL {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url?.protocol === 'http:') return url;
  throw new CliError('misused', `HTTPS_PROXY must be http://HOST:PORT, not "${text}"`);
}

function aboutProxy({ proxy }: Target): Finding {
  return proxy
    ? { name: 'proxy', state: 'ok', words: `the environment sends us through ${proxy.host}` }
    : { name: 'proxy', state: 'skipped', words: 'none in the way, as far as the environment says' };
}

async function askHealth(socket: Socket, { url, signal }: Target): Promise<Finding> {
  const host = url.host;
  try {
    const { status, body } = await answerTo(socket, { path: '/healthz', headers: { Host: host }, signal });
    if (status === 200)
      return { name: 'HTTP', state: 'ok', words: `/healthz answers ${body.trim().slice(0, 40)}` };
    throw new BrokenHop({
      name: 'HTTP',
      state: 'missing',
      words: `/healthz answers ${status}`,
      todo:
        status >= 502 && status <= 504
          ? 'The proxy in front does not reach the relay: is it running, and on the port that the proxy calls?'
          : 'Whatever answers there is no Perch relay. Correct the address, or what the proxy hands on.',
    });
  } catch (error) {
    if (error instanceof BrokenHop) throw error;
    throw new BrokenHop({
      name: 'HTTP',
      state: 'missing',
      words: `no HTTP answer (${codeOf(error)})`,
      todo: 'Something else listens there, or a firewall looks into the connection and cuts it.',
    });
  } finally {
    socket.destroy();
  }
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
  try {
    const { status, body } = await answerTo(socket, { path, headers, signal });
    if (status === 101) return { name: 'WebSocket', state: 'ok', words: `${path} opens` };
    if (isRelaysOwn(status, body)) {
      return {
        name: 'WebSocket',
        state: 'ok',
        words: `the way is free; the relay itself says ${status}: ${messageIn(body)}`,
      };
    }
    throw new BrokenHop({
      name: 'WebSocket',
      state: 'missing',
      words: `something between answers ${status} instead of opening a WebSocket`,
      todo: 'A proxy must hand on the upgrade. nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";',
    });
  } catch (error) {
    if (error instanceof BrokenHop) throw error;
    throw new BrokenHop({
      name: 'WebSocket',
      state: 'missing',
      words: `the upgrade gets no answer (${codeOf(error)})`,
      todo: 'Something between cuts WebSockets off. Try wss:// with a certificate: most proxies leave that alone.',
    });
  } finally {
    socket.destroy();
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function answerTo(
  socket: Socket,
  { path, headers, signal }: { path: string; headers: Record<string, string>; signal: AbortSignal },
): Promise<Answer> {
  const call = request({ ...over(socket), path, headers, signal });
  call.end();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    call.on('upgrade', resolve);
    call.on('response', resolve);
    call.on('error', reject);
  });
  const status = response.statusCode ?? 0;
  if (status === 101) return { status, body: '' };
  let body = '';
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    body += part;
    if (body.length > limits.bodyBytes) response.destroy();
  });
  await once(response, 'close');
  return { status, body };
}

const isRelaysOwn = (status: number, body: string): boolean =>
  (status === 401 || status === 503) && messageIn(body) !== undefined;

function messageIn(body: string): string | undefined {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined; // not the relay's JSON
  }
}
