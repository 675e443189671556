import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, type Server as NetServer } from 'node:net';
import { makeCertificate } from '@perch/testkit';
import { McsServer, type Registered } from './mcs-server.ts';
import { encodeMessage } from './protobuf.ts';

/** The names under which Chromium tells servers to reach it. */
const NAMES = ['fcm.googleapis.com', 'jmt17.google.com'];

/** A push as a server sent it. */
export interface Sent {
  readonly authorization: string;
  readonly encoding: string;
  readonly urgency: string;
  readonly topic: string;
  readonly body: Buffer;
}

/**
 * What Google runs for Chromium's Web Push, on loopback: check-in and registration over HTTP, the connection by which
 * pushes come (MCS) over TLS, and the push service that servers send to, behind a proxy that leads its name here.
 */
export class GooglePush implements AsyncDisposable {
  /** What makes Chromium use it. */
  readonly flags: readonly string[];
  /** The environment that makes a server find it. */
  readonly proxy: string;
  /** PEM file that a server trusts it by. */
  readonly caFile: string;
  readonly sent: Sent[] = [];
  readonly #mcs: McsServer;
  readonly #servers: NetServer[];
  readonly #registered = new Map<string, Registered>();

  /** @param directory for its certificate. */
  static async open(directory: string): Promise<GooglePush> {
    const certificate = await makeCertificate(directory, NAMES);
    const mcs = new McsServer(certificate);
    const front = createHttpServer();
    const fcm = createHttpsServer(certificate);
    const proxy = createHttpServer();
    const servers: NetServer[] = [mcs.server, front, fcm, proxy];
    for (const server of servers) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    const [mcsPort = 0, frontPort = 0, fcmPort = 0, proxyPort = 0] = servers.map(
      (server) => (server.address() as AddressInfo).port,
    );
    proxy.on('connect', (_request, socket) => {
      const onward = connect(fcmPort, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
    });
    const google = new GooglePush(mcs, servers, {
      flags: [
        `--gcm-checkin-url=http://127.0.0.1:${frontPort}/checkin`,
        `--gcm-registration-url=http://127.0.0.1:${frontPort}/register`,
        `--gcm-mcs-endpoint=https://localhost:${mcsPort}`,
        `--ignore-certificate-errors-spki-list=${keyHash(certificate.cert)}`,
      ],
      proxy: `http://127.0.0.1:${proxyPort}`,
      caFile: certificate.certFile,
    });
    front.on('request', (request, response) => void google.#answer(request, response));
    fcm.on('request', (request, response) => void google.#take(request, response));
    return google;
  }

  private constructor(
    mcs: McsServer,
    servers: NetServer[],
    { flags, proxy, caFile }: { flags: readonly string[]; proxy: string; caFile: string },
  ) {
    this.#mcs = mcs;
    this.#servers = servers;
    this.flags = flags;
    this.proxy = proxy;
    this.caFile = caFile;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#mcs.close();
    for (const server of this.#servers) {
      if ('closeAllConnections' in server) (server.closeAllConnections as () => void)();
      server.close();
    }
  }

  /** Check-in and registration. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request);
    if (request.url?.startsWith('/checkin')) {
      // checkin.proto, AndroidCheckinResponse: it is well, who the browser is, and its secret.
      const made = encodeMessage([
        [1, 1],
        [3, Date.now()],
        [7, { fixed64: 4_711n }],
        [8, { fixed64: 42n }],
      ]);
      response.writeHead(200, { 'Content-Type': 'application/x-protobuffer' }).end(made);
      return;
    }
    const form = new URLSearchParams(body.toString());
    const token = `token-${this.#registered.size + 1}`;
    this.#registered.set(token, {
      category: form.get('app') ?? '',
      subtype: form.get('X-subtype') ?? '',
      sender: form.get('sender') ?? '',
    });
    response.writeHead(200, { 'Content-Type': 'text/plain' }).end(`token=${token}`);
  }

  /** A server sends something to a browser. */
  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request);
    const { headers, url = '' } = request;
    const registered = this.#registered.get(url.split('/').at(-1) ?? '');
    if (!registered) {
      response.writeHead(410).end();
      return;
    }
    const encoding = headers['content-encoding'] ?? '';
    this.sent.push({
      authorization: headers.authorization ?? '',
      encoding,
      urgency: String(headers.urgency),
      topic: String(headers.topic),
      body,
    });
    response.writeHead(201, { Location: `https://fcm.googleapis.com/message/1` }).end();
    await this.#mcs.bring(registered, body, encoding);
  }
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Of its public key, as Chromium's flag wants it. */
const keyHash = (pem: string): string =>
  createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
