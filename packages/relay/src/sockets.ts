import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  captureLimits,
  channelLimits,
  closeCodes,
  FRAME_HEADER_BYTES,
  PERCH_1,
  PERCH_AGENT_1,
  PERCH_CAPTURES_1,
  parseTopicPath,
  type TopicPath,
} from '@perch/protocol';
import { type Clock, type Logger, millis } from '@perch/runtime';
import { WebSocketServer } from 'ws';
import { socketPermit } from './api/permit.ts';
import type { Audit } from './audit/audit.ts';
import { whoOf } from './audit/entry.ts';
import type { Refusals } from './audit/refusals.ts';
import { callerAddress, callerProgram } from './auth/caller.ts';
import type { Grant } from './auth/codes.ts';
import type { Gate, Onlooker } from './auth/gate.ts';
import { NO_PLAIN_HTTP, type TrustedProxies } from './auth/trusted-proxies.ts';
import type { CloudLines } from './captures/cloudtalker/cloud-lines.ts';
import type { CaptureLines } from './captures/receive/capture-lines.ts';
import { Connection, type SilenceLimits } from './connection.ts';
import type { DeviceLinks } from './devices/control/device-links.ts';
import { type DeviceCaller, DeviceDoor } from './devices/device-door.ts';
import { crossbarAccess } from './legacy/crossbar-token.ts';
import type { TokenFirst } from './legacy/token-first.ts';
import { type Entrance, type Limiter, retryAfter } from './limits/limiter.ts';
import type { Limits } from './limits/limits.ts';
import type { OpenSockets } from './limits/open-sockets.ts';
import type { StatsSockets } from './observe/stats-sockets.ts';
import type { Callers } from './people/callers.ts';
import { FIRST_HOUSEHOLD } from './people/household.ts';
import { RIGHT_ENDED, type Topics } from './topics.ts';
import type { OutletLimits } from './view/outlet.ts';
import { whenItIs } from './when-it-is.ts';

/** A peer that does not answer a close frame is cut off after this. */
const CLOSE_TIMEOUT_MS = 3_000;
/** A cloudtalker sends 1300 bytes at once; others of its kind may send more. */
const MOST_CLOUD_BYTES = 1024 * 1024;

export interface SocketsOptions {
  readonly gate: Gate;
  readonly topics: Topics;
  readonly stats: StatsSockets;
  readonly callers: Callers;
  readonly links: DeviceLinks;
  /** Devices that bring films. */
  readonly captureLines: CaptureLines;
  /** The same, of cloudtalkers. */
  readonly cloudLines: CloudLines;
  readonly audit: Audit;
  readonly refusals: Refusals;
  readonly proxies: TrustedProxies;
  readonly limiter: Limiter;
  readonly openSockets: OpenSockets;
  /** Clients that bring their token as first message. Without it there are none. */
  readonly tokenFirst?: TokenFirst;
  /** Nobody is taken any more. */
  readonly isClosing: () => boolean;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** WebSockets arriving: which path, who may, how many; then the handshake. What may not be is refused before it. */
export class Sockets {
  readonly #options: SocketsOptions;
  readonly #server: WebSocketServer;
  readonly #statsServer: WebSocketServer;
  /** Where devices come in, by path. */
  readonly #devicesDoors: ReadonlyMap<string, DeviceDoor>;
  readonly #connectionLimits: OutletLimits & SilenceLimits;
  #nextId = 1;
  /** Upgrades that are being looked up. */
  #arriving = 0;

  constructor(options: SocketsOptions) {
    this.#options = options;
    const { limits } = options;
    this.#connectionLimits = {
      bytes: limits.backlogBytes,
      age: millis(limits.backlogAge),
      hardBytes: limits.backlogHardBytes,
      confirmPeriod: millis(limits.confirmPeriod),
      confirmPeriodLate: millis(limits.confirmPeriodLate),
      pingPeriod: millis(limits.pingPeriod),
      readDeadline: millis(limits.readDeadline),
      publisherIdle: millis(limits.publisherIdle),
    };
    const common = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // Pongs are counted by the outlet, so that a peer that asks without reading costs nothing.
      autoPong: false,
      handleProtocols: chooseProtocol,
      closeTimeout: CLOSE_TIMEOUT_MS,
    };
    this.#server = new WebSocketServer({ ...common, maxPayload: limits.messageBytes });
    this.#statsServer = new WebSocketServer({ ...common, autoPong: true, maxPayload: 4096 });
    const closeTimeout = CLOSE_TIMEOUT_MS;
    const agents = new DeviceDoor({
      to: options.links,
      protocol: PERCH_AGENT_1,
      mostMessageBytes: channelLimits.messageBytes,
      autoPong: false,
      closeTimeout,
    });
    const films = new DeviceDoor({
      to: options.captureLines,
      protocol: PERCH_CAPTURES_1,
      mostMessageBytes: captureLimits.frameBytes + FRAME_HEADER_BYTES,
      closeTimeout,
    });
    const cloudtalkers = new DeviceDoor({
      to: options.cloudLines,
      mostMessageBytes: MOST_CLOUD_BYTES,
      closeTimeout,
    });
    this.#devicesDoors = new Map([
      ['/agent', agents],
      ['/agent/captures', films],
      ['/ds/v3', cloudtalkers],
    ]);
  }

  /** Takes the server's upgrades from now on. */
  attach(server: Server): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // Stays: ws adds its own, and a refused socket has no other.
      socket.on('error', ignoreEarlyError);
      void this.#arrive(request, socket, head);
    });
  }

  async #arrive(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#arriving++;
    const arrival = await this.#understand(request, socket)
      .catch((error: Error): Arrival => {
        this.#options.logger.error('who connects could not be looked up', { error });
        return refused(503, 'this relay cannot look up who you are; try again later');
      })
      .finally(() => void this.#arriving--);
    if (socket.destroyed) return;
    switch (arrival.kind) {
      case 'refused':
        refuse(socket, arrival);
        break;
      case 'stats':
        this.#connectStats(request, socket, head, arrival.whose);
        break;
      case 'device':
        arrival.door.open(request, socket, head, arrival.caller);
        break;
      case 'topic':
      case 'token-first':
        this.#connect(request, socket, head, arrival);
        break;
    }
  }

  /** Decides what becomes of an upgrade. Spends the one-time code, if it brings one. */
  async #understand(request: IncomingMessage, socket: Duplex): Promise<Arrival> {
    const { gate, topics, stats, links, captureLines, cloudLines, tokenFirst, refusals, limits } =
      this.#options;
    if (!this.#options.proxies.settle(request)) {
      refusals.note({ what: 'request', from: callerAddress(request), detail: NO_PLAIN_HTTP });
      return refused(403, NO_PLAIN_HTTP);
    }
    const url = request.url ?? '';
    if (url.length > limits.urlChars) {
      return refused(414, `an address has at most ${limits.urlChars} characters`);
    }
    if (this.#options.isClosing()) return STOPPING;
    const flood = this.#tooOften('connection', request);
    if (flood) return flood;
    if (!this.#options.openSockets.admits(request, socket)) return TOO_MANY_OPEN;
    // As it is written: `..` and the like are no way to another path.
    const pathname = url.split('?', 1)[0] as string;
    const query = new URLSearchParams(url.slice(pathname.length));
    const open = topics.connectionCount + stats.size + links.size + captureLines.size + cloudLines.size;
    if (open + this.#arriving > limits.connections) {
      return refused(503, 'this relay has as many connections as it takes; try again later');
    }
    if (!socketPermit(pathname)) return refused(404, NO_TOPIC);
    if (pathname === '/ws') {
      const whose = await gate.statistics(request, true);
      if (this.#options.isClosing()) return STOPPING;
      if (whose) return { kind: 'stats', whose };
      refusals.note({ what: 'statistics', from: callerAddress(request), detail: NOT_ALLOWED });
      return refused(401, NOT_ALLOWED);
    }
    const devicesDoor = this.#devicesDoors.get(pathname);
    if (devicesDoor) return this.#understandDevice(request, devicesDoor);
    const path = parseTopicPath(pathname);
    if (!path) return refused(404, NO_TOPIC);
    const guessing = path.kind === 'session' ? this.#tooOften('code', request) : undefined;
    if (guessing) return guessing;
    const grant = await gate.admit(request, path, query.get('code'));
    if (this.#options.isClosing()) return STOPPING;
    const place = grant?.place ?? (await gate.placeOf(path.topic));
    if (!grant && place.household === FIRST_HOUSEHOLD && tokenFirst?.expects(path, request.headers)) {
      if (!tokenFirst.hasRoom)
        return refused(503, 'too many clients are about to show their token; try again later');
      const crowd = this.#tooOften('stranger', request);
      if (crowd) return crowd;
      const access = crossbarAccess(path.kind);
      return {
        kind: 'token-first',
        path,
        grant: { topic: path.topic, access, by: { kind: 'crossbar' }, place },
      };
    }
    if (!grant) {
      const why = path.kind === 'session' ? BAD_CODE : (gate.whyNot(request) ?? NOT_ALLOWED);
      const what = path.kind === 'in' ? 'publish' : 'view';
      refusals.note({
        what,
        topic: path.topic,
        household: place.household,
        from: callerAddress(request),
        detail: why,
      });
      return refused(401, why);
    }
    if (!topics.hasRoom(grant.topic)) {
      return refused(503, 'this relay has as many topics as it takes; try again later');
    }
    return { kind: 'topic', path, grant };
  }

  async #understandDevice(request: IncomingMessage, door: DeviceDoor): Promise<Arrival> {
    const { gate, callers, refusals } = this.#options;
    const caller = await callers.ofDevice(request);
    if (this.#options.isClosing()) return STOPPING;
    if (caller) {
      const unspoken = door.whyNot(request);
      return unspoken === undefined ? { kind: 'device', door, caller } : refused(400, unspoken);
    }
    const why = gate.whyNot(request) ?? NO_DEVICE;
    refusals.note({ what: 'device-online', from: callerAddress(request), detail: why });
    return refused(401, why);
  }

  #tooOften(entrance: Entrance, request: IncomingMessage): Arrival | undefined {
    const wait = this.#options.limiter.take(entrance, callerAddress(request));
    if (wait === 0) return undefined;
    const seconds = retryAfter(wait);
    return refused(429, `too many attempts; try again in ${seconds} s`, seconds);
  }

  #connectStats(request: IncomingMessage, socket: Duplex, head: Buffer, whose: Onlooker): void {
    const { stats, audit } = this.#options;
    this.#statsServer.handleUpgrade(request, socket, head, (webSocket) => {
      const { by, household } = whose;
      const end = audit.begin({
        who: whoOf(by),
        household,
        what: 'statistics',
        from: callerAddress(request),
      });
      webSocket.on('close', end);
      stats.add(webSocket, socket, whose);
    });
  }

  #connect(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    { kind, path, grant }: Arrival & { kind: 'topic' | 'token-first' },
  ): void {
    const { topics, tokenFirst, clock, logger } = this.#options;
    const id = this.#nextId++;
    if (socket instanceof Socket) socket.setNoDelay(true);
    // The answer, `hello` and the start group leave in one write.
    socket.cork();
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new Connection({
        id,
        webSocket,
        socket,
        path: path.kind,
        topic: grant.topic,
        access: grant.access,
        authority: grant.by,
        place: grant.place,
        remoteAddress: callerAddress(request),
        from: callerAddress(request),
        userAgent: callerProgram(request),
        limits: this.#connectionLimits,
        clock,
        logger: logger.child({ connection: id, topic: grant.topic }),
        onMessage: (message, from) => topics.publish(message, from),
        onStandby: (from) => topics.standBy(from),
        onClosed: (closed) => {
          end?.cancel();
          topics.leave(closed);
        },
      });
      const { by } = grant;
      const dismiss = () => connection.dismiss(closeCodes.unauthorised, RIGHT_ENDED);
      const end =
        'expires' in by && by.expires !== undefined
          ? whenItIs(clock, millis(by.expires), dismiss)
          : undefined;
      if (kind === 'topic') topics.join(connection);
      else tokenFirst?.begin({ connection, webSocket, socket, path });
    });
    socket.uncork();
  }
}

/** What an upgrade is. */
type Arrival =
  | Refused
  | { readonly kind: 'stats'; readonly whose: Onlooker }
  | { readonly kind: 'device'; readonly door: DeviceDoor; readonly caller: DeviceCaller }
  /** `token-first`: what it may do once it has shown a token. */
  | { readonly kind: 'topic' | 'token-first'; readonly path: TopicPath; readonly grant: Grant };

interface Refused {
  readonly kind: 'refused';
  readonly status: 400 | 401 | 403 | 404 | 414 | 429 | 503;
  readonly why: string;
  /** Seconds. */
  readonly retryAfter?: string;
}

const refused = (status: Refused['status'], why: string, retryAfter?: string): Refused => ({
  kind: 'refused',
  status,
  why,
  ...(retryAfter !== undefined && { retryAfter }),
});

const STOPPING = refused(503, 'this relay stops; try again later');
const TOO_MANY_OPEN = refused(429, 'too many connections from your address are open; close some', '60');
const NO_TOPIC = 'no topic has this path; use /in/, /out/, /bi/ or /session/';
const NOT_ALLOWED = 'not allowed: a token, a sign-in or a topic opened with --open is needed';
const NO_DEVICE = 'the identity of an enrolled device is needed: perch enroll URL CODE gets one';
const BAD_CODE = 'the code is wrong, used, or older than 30 s: POST /session/<topic> gives a new one';

/** `perch.1` if it is offered; `null`, which old browsers' clients offer, is echoed (COMPAT 1.4); else none. */
function chooseProtocol(offered: Set<string>): string | false {
  if (offered.has(PERCH_1)) return PERCH_1;
  return offered.has('null') && 'null';
}

/** Refuses an upgrade in HTTP. */
function refuse(
  socket: Duplex,
  { status, why, retryAfter = status === 503 ? '5' : undefined }: Refused,
): void {
  const body = `${JSON.stringify({ code: status, message: why })}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/** Until the handshake is made an error means that the peer has left; there is nobody to tell. */
function ignoreEarlyError(): void {
  // the socket closes by itself
}
