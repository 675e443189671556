import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Agent, type AgentOptions, startAgent } from '@perch/agent';
import { silentLogger } from '@perch/runtime';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';

/** What the conformance tests need of a test, or of a benchmark that has no test context. */
type Cleanup = Pick<TestContext, 'after'>;

/** An agent on a free port with a new data directory; gone when the test is. */
export async function startTestAgent(t: Cleanup, options: Partial<AgentOptions> = {}): Promise<Agent> {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'perch-vw-')));
  const listen = { host: '127.0.0.1', port: 0 };
  const agent = await startAgent({ listen, logger: silentLogger, httpWaitMs: 200, ...options, data });
  t.after(async () => {
    await agent.close();
    await rm(data, { recursive: true, force: true });
  });
  return agent;
}

/** A WebSocket client that keeps what it hears. */
export class Client {
  readonly socket: WebSocket;
  readonly messages: { data: Buffer; binary: boolean }[] = [];
  readonly closed: Promise<number>;
  #waiting: (() => void)[] = [];

  constructor(url: string, protocols: string[] = [], options: ClientOptions = {}) {
    this.socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, {
      perMessageDeflate: false,
      ...options,
    });
    this.closed = new Promise((resolve) => this.socket.on('close', resolve));
    this.socket.on('error', () => {
      // `closed` follows, and a dial that was meant to succeed fails in `connect`
    });
    this.socket.on('message', (data: Buffer, binary) => {
      this.messages.push({ data, binary });
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  static async connect(
    t: Cleanup,
    url: string,
    protocols: string[] = [],
    options: ClientOptions = {},
  ): Promise<Client> {
    const client = new Client(url, protocols, options);
    t.after(() => client.socket.terminate());
    await once(client.socket, 'open');
    return client;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.messages.map(({ data }) => data));
  }

  get texts(): string[] {
    return this.messages.filter(({ binary }) => !binary).map(({ data }) => data.toString());
  }

  /** Waits until `isEnough` holds, looking after each message. */
  async until(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  untilBytes(count: number): Promise<void> {
    let seen = 0;
    let at = 0;
    return this.until(() => {
      for (; at < this.messages.length; at++) seen += this.messages[at]?.data.length ?? 0;
      return seen >= count;
    });
  }
}

/** A WebSocket server at the far end of destinations, and what came to it, by connection. */
export class FarEnd {
  readonly url: string;
  readonly arrivals: { path: string; client: FarClient; headers: NodeJS.Dict<string | string[]> }[] = [];
  #waiting: (() => void)[] = [];

  static async open(
    t: Cleanup,
    onConnection: (socket: WebSocket) => void = () => undefined,
    options: { port?: number } = {},
  ): Promise<FarEnd> {
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port: options.port ?? 0,
      perMessageDeflate: false,
    });
    await once(server, 'listening');
    t.after(() => {
      for (const client of server.clients) client.terminate();
      server.close();
    });
    return new FarEnd(server, onConnection);
  }

  constructor(server: WebSocketServer, onConnection: (socket: WebSocket) => void) {
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket, request) => {
      this.arrivals.push({
        path: request.url ?? '',
        client: new FarClient(socket),
        headers: request.headers,
      });
      onConnection(socket);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** The connection number `n`, from 0, once it is there. */
  async arrival(n: number): Promise<FarClient> {
    for (;;) {
      const arrival = this.arrivals[n];
      if (arrival) return arrival.client;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

/** The far side of one connection. */
export class FarClient {
  readonly socket: WebSocket;
  readonly messages: { data: Buffer; binary: boolean }[] = [];
  readonly closed: Promise<number>;
  bytes = 0;
  #waiting: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('message', (data: Buffer, binary) => {
      this.messages.push({ data, binary });
      this.bytes += data.length;
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  get content(): Buffer {
    return Buffer.concat(this.messages.map(({ data }) => data));
  }

  async until(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  untilBytes(count: number): Promise<void> {
    return this.until(() => this.bytes >= count);
  }
}

/** A publisher whose body the test writes piece by piece. */
export function openPublisher(t: Cleanup, url: string, method = 'POST') {
  const request = httpRequest(url, { method, headers: { 'Transfer-Encoding': 'chunked' } });
  request.setNoDelay(true);
  request.flushHeaders();
  const answered = once(request, 'response').then(([response]) => {
    response.resume();
    return response.statusCode as number;
  });
  answered.catch(() => {
    // a publisher that is cut off gets no answer; tests that expect one await it
  });
  request.on('error', () => {
    // the same
  });
  t.after(() => request.destroy());
  return {
    write: (bytes: Uint8Array) => void request.write(bytes),
    end: () => void request.end(),
    request,
    answered,
  };
}

export const post = (url: string, body: unknown, method = 'POST'): Promise<Response> =>
  fetch(url, { method, body: typeof body === 'string' ? body : JSON.stringify(body) });

/** Status, type and body of an answer, for comparing at once. */
export async function answerOf(response: Promise<Response> | Response) {
  const { status, headers, ...rest } = await response;
  void rest;
  const body = await (await response).text();
  return { status, type: headers.get('content-type'), body };
}

/** Bytes that are no transport stream and never repeat within 4 GiB. */
export function blob(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  let x = seed | 1;
  for (let i = 0; i < size; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    bytes[i] = x;
  }
  // Not the sync byte of a transport stream.
  if (size > 0) bytes[0] = 0x11;
  return bytes;
}

/** A packet of the null PID, filled with `fill`: a transport stream without a program. */
export function packet(fill: number): Buffer {
  const bytes = Buffer.alloc(188, fill);
  bytes.set([0x47, 0x1f, 0xff, 0x10]);
  return bytes;
}
