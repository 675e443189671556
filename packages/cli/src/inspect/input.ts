import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { openSession } from '@perch/client';
import { limits } from '@perch/protocol';
import { WebSocket } from 'ws';
import { InspectError } from './errors.ts';
import { agentFor, fetchThrough, get, type Proxies } from './http.ts';
import { messagesOf } from './messages.ts';

export interface InputOptions {
  /** A file, `-` for standard input, or an http(s) or ws(s) address. */
  readonly input: string;
  /** Sent in `Authorization` to `/session/<topic>` addresses, and nowhere else. */
  readonly token?: string | undefined;
  /** Ends the input; what was read stays. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the process's own. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Default: every address is reached directly. */
  readonly proxies?: Proxies | undefined;
}

/**
 * Opens an input. The iterable ends when the input or the signal does, and closes what it opened.
 *
 * @throws {InspectError} naming the input and what to do, where it cannot be opened.
 */
export async function openInput(options: InputOptions): Promise<AsyncIterable<Uint8Array>> {
  const { input } = options;
  if (input === '-') return options.stdin ?? openStdin(options.signal);
  if (/^https?:\/\//i.test(input)) return openHttp(options);
  if (/^wss?:\/\//i.test(input)) return openSocket(options, input);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(input)?.[1];
  if (scheme) {
    throw new InspectError(
      'inspect-bad-input',
      `${input}: ${scheme}:// is not supported. Give a file, - for standard input, or an http, https, ws or wss address.`,
    );
  }
  return openFile(input, options.signal);
}

function openStdin(signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  // Silent standard input would keep the process alive.
  signal?.addEventListener('abort', () => process.stdin.destroy(), { once: true });
  return process.stdin;
}

async function openFile(path: string, signal: AbortSignal | undefined): Promise<AsyncIterable<Uint8Array>> {
  try {
    if ((await stat(path)).isDirectory()) {
      throw new InspectError('inspect-not-a-file', `${path} is a folder. Give a file.`);
    }
    const file = createReadStream(path, { ...(signal && { signal }), highWaterMark: 256 * 1024 });
    await new Promise<void>((resolve, reject) => {
      file.once('open', () => resolve());
      file.once('error', reject);
    });
    return file;
  } catch (cause) {
    if (cause instanceof InspectError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new InspectError('inspect-no-such-file', `${path}: no such file. Check the path.`, { cause });
    }
    if (code === 'EACCES' || code === 'EPERM') {
      const message = `${path}: this user may not read it. Change its permissions, or run as its owner.`;
      throw new InspectError('inspect-not-allowed', message, { cause });
    }
    throw new InspectError('inspect-unreachable', `${path}: cannot be read (${String(code ?? cause)})`, {
      cause,
    });
  }
}

async function openHttp(options: InputOptions): Promise<AsyncIterable<Uint8Array>> {
  const { input, token, signal, proxies } = options;
  const url = parse(input);
  if (/(^|\/)session\//.test(url.pathname)) {
    const opened = await openSession({ url: input, token, fetch: fetchThrough(proxies, signal) }).catch(
      (cause: unknown) => {
        const hint = token === undefined ? ' Give a token with --token.' : '';
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new InspectError('inspect-refused', `${input}: ${reason}.${hint}`, { cause });
      },
    );
    return openSocket(options, opened);
  }
  try {
    const answer = await get(url, { proxies, signal });
    if (answer.statusCode === 200) return answer;
    answer.destroy();
    const status = `${answer.statusCode} ${answer.statusMessage ?? ''}`.trim();
    throw new InspectError('inspect-refused', `${input}: the server answered ${status}`);
  } catch (cause) {
    if (cause instanceof InspectError) throw cause;
    throw new InspectError('inspect-unreachable', `${url.origin} did not answer: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

async function openSocket(options: InputOptions, address: string): Promise<AsyncIterable<Uint8Array>> {
  const url = parse(address);
  const agent = agentFor(url, options.proxies);
  const socket = new WebSocket(url, {
    maxPayload: limits.messageBytes,
    handshakeTimeout: limits.dialTimeout,
    perMessageDeflate: false,
    ...(agent && { agent }),
  });
  const messages = messagesOf(socket, options.signal);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      const status = `${response.statusCode} ${response.statusMessage ?? ''}`.trim();
      const hint =
        response.statusCode === 401 || response.statusCode === 403
          ? ' The topic needs a token or a code.'
          : '';
      reject(
        new InspectError(
          'inspect-refused',
          `${url.origin} answered ${status} in place of a WebSocket.${hint}`,
        ),
      );
    });
    socket.once('error', (cause) => {
      reject(
        new InspectError('inspect-unreachable', `${url.origin} did not answer: ${reasonOf(cause)}`, {
          cause,
        }),
      );
    });
    socket.once('close', () =>
      reject(new InspectError('inspect-unreachable', `${url.origin} closed at once`)),
    );
  });
  return messages;
}

function parse(address: string): URL {
  try {
    return new URL(address);
  } catch (cause) {
    throw new InspectError('inspect-bad-input', `${address} is not an address`, { cause });
  }
}

/** The reason below `fetch failed`, where there is one. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  if (error instanceof Error && error.cause !== undefined) return reasonOf(error.cause);
  return error instanceof Error ? error.message || error.name : String(error);
}
