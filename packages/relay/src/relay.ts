import type { AddressInfo } from 'node:net';
import { limits as defaultLimits } from '@perch/protocol';
import { millis, Scope, systemClock } from '@perch/runtime';
import { auditRoutes } from './api/audit.ts';
import { cameraRoutes } from './api/cameras.ts';
import { captureRoutes } from './api/captures.ts';
import { deviceControlRoutes } from './api/device-control.ts';
import { devicesRoutes } from './api/devices.ts';
import { enrolmentRoutes } from './api/enrolment.ts';
import { healthRoutes } from './api/health.ts';
import { inviteRoutes } from './api/invites.ts';
import { listRoutes } from './api/lists.ts';
import { meRoutes } from './api/me.ts';
import { peopleRoutes } from './api/people.ts';
import { pushRoutes } from './api/push.ts';
import { makeServer, socketServer } from './api/server.ts';
import { sessionRoutes } from './api/session.ts';
import { sessionsRoutes } from './api/sessions.ts';
import { signInRoutes } from './api/sign-in.ts';
import { tokensRoutes } from './api/tokens.ts';
import { trustRoutes } from './api/trust.ts';
import { webRoutes } from './api/web.ts';
import { Audit } from './audit/audit.ts';
import { tokenMade } from './audit/host-notes.ts';
import { nodeOf } from './audit/node.ts';
import { Presence } from './audit/presence.ts';
import { Refusals } from './audit/refusals.ts';
import { AppSessions } from './auth/app-sessions.ts';
import { type Codes, MemoryCodes } from './auth/codes.ts';
import { Gate } from './auth/gate.ts';
import { Revocations } from './auth/revocations.ts';
import { StoredCodes } from './auth/stored-codes.ts';
import { Tokens } from './auth/tokens.ts';
import { TrustedProxies } from './auth/trusted-proxies.ts';
import { agentWay } from './cameras/camera-way.ts';
import { Cameras } from './cameras/cameras.ts';
import { Captures } from './captures/captures.ts';
import { DeviceLinks } from './devices/control/device-links.ts';
import { openDevices } from './devices/open-devices.ts';
import { serverTrustOf } from './devices/server-trust.ts';
import { listenError, RelayError } from './errors.ts';
import { Invites } from './invites/invites.ts';
import { accessRoutes } from './legacy/access-api.ts';
import { AccessDesk, type AccessDeskOptions } from './legacy/access-desk.ts';
import { Bookings } from './legacy/bookings.ts';
import { CrossbarTokens } from './legacy/crossbar-token.ts';
import { StatsTopic } from './legacy/stats-topic.ts';
import { TokenFirst } from './legacy/token-first.ts';
import { Limiter } from './limits/limiter.ts';
import { OpenSockets } from './limits/open-sockets.ts';
import { StatsSockets } from './observe/stats-sockets.ts';
import type { Relay, RelayOptions } from './options.ts';
import { Callers } from './people/callers.ts';
import { FIRST_HOUSEHOLD } from './people/household.ts';
import { People } from './people/people.ts';
import { publicBase } from './public-address.ts';
import { Push } from './push/push.ts';
import { Sockets } from './sockets.ts';
import { openState } from './state.ts';
import { openTls } from './tls/open-tls.ts';
import { Topics } from './topics.ts';

/** How often connections are looked after: who is silent, whose right has ended. */
const TICK = millis(1_000);
/** How often the relay looks what was revoked elsewhere: what it revokes itself ends at once. */
const REVOCATION_PERIOD = millis(500);
/** How long a viewer may take to answer the goodbye. */
const PATIENCE_MS = 1_000;

/**
 * Starts a relay.
 *
 * @throws {RelayError} that names what is wrong and what to do; nothing is left open then.
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const scope = new Scope();
  try {
    return await compose(options, scope);
  } catch (error) {
    await scope.close();
    throw listenError(error, options.listen.host, options.listen.port);
  }
}

async function compose(options: RelayOptions, scope: Scope): Promise<Relay> {
  const { logger, listen } = options;
  const clock = options.clock ?? systemClock;
  const limits = { ...defaultLimits, ...options.limits };

  // What is kept.
  const database = scope.own(await openState({ ...options, clock, logger, check: true }));
  const node = nodeOf(options.data);
  const audit = scope.own(new Audit({ database, node, clock, logger }));
  const refusals = scope.own(new Refusals({ audit, clock }));
  const tokens = new Tokens({ database, clock, logger });
  const sessions = new AppSessions({ database, clock, logger });
  const people = scope.own(new People({ database, clock, passwordCost: options.passwordCost }));
  const { users } = people;
  const makeLink = async (secret?: string) => {
    const user = await users.firstOwner(FIRST_HOUSEHOLD);
    return (await sessions.newLink({ user, secret })).secret;
  };
  let linkSecret = options.appSecret === undefined ? undefined : await makeLink(options.appSecret);

  // Who calls, and how often.
  const onStranger = (address: string) =>
    logger.warn('a proxy says who calls, but is not trusted', { do: `start with --trust_proxy ${address}` });
  const proxies = new TrustedProxies({ networks: options.trustProxy ?? [], onStranger });
  const limiter = new Limiter({ limits, refusals, clock });

  // Under which name, with which certificate.
  let port = listen.port;
  const onChanged = (detail: string) =>
    audit.done({ who: { kind: 'host' }, what: 'certificate-change', from: 'here', detail });
  const tls = await openTls(options, { database, node, port: () => port, onChanged, clock, logger });
  if (tls) scope.own(tls);
  const isTls = tls !== undefined;
  const base = () => publicBase({ listenHost: listen.host, port, isTls, chosen: options.public });

  // Who may do what.
  const codeLimits = { life: millis(limits.codeLife), most: limits.codesPending };
  const codes: Codes =
    database.dialect === 'sqlite'
      ? new MemoryCodes({ clock, limits: codeLimits })
      : new StoredCodes({ database, clock, limits: codeLimits });
  const revocations = new Revocations({ database, clock, logger, onNews: () => dismiss() });
  await revocations.open();
  const bookings = options.practable && new Bookings({ database, clock, logger, onNews: () => dismiss() });
  await bookings?.open();
  const deviceParts = openDevices({ database, clock, logger });
  const { devices, identities } = deviceParts;
  const invites = new Invites({ database, sessions, clock });
  const callers = new Callers({
    findInvite: (id) => invites.find(id),
    ...{ tokens, sessions, users, revocations },
    identify: (request) => identities.identify(request),
    whyNoDevice: (request) => identities.whyNot(request),
  });
  const gate = new Gate({ open: options.open ?? [], callers, codes, revocations, devices, bookings, clock });

  // What flows.
  const presence = new Presence(audit);
  const topics = new Topics({
    clock,
    startGroupBytes: limits.startGroupBytes,
    mostTopics: limits.topics,
    presence,
  });
  const stats = new StatsSockets({ topics, clock });
  const links = new DeviceLinks({
    whileHolds: (authority, end) => gate.whileHolds(authority, end),
    onState: (device, household, state, isFirst) => cameras.heard(device, household, state, isFirst),
    onGone: (device, from) => devices.wasHere(device, from),
    ...{ audit, clock, logger },
  });

  const cameras: Cameras = scope.own(
    new Cameras({
      wayTo: (device) => agentWay(links, device) ?? captures.cloudLines.wayTo(device),
      ...{ database, audit, clock, logger },
    }),
  );
  const captures: Captures = scope.own(
    await Captures.open({
      whileHolds: (authority, end) => gate.whileHolds(authority, end),
      ...{ data: options.data, database, audit, cameras, clock, logger },
    }),
  );

  const push = scope.own(
    await Push.open({
      ...{ library: captures.library, picture: (film) => captures.films.thumbnail(film) },
      ...{ users, devices, contact: base, database, clock, logger, ...options.push },
    }),
  );

  // How the older relays' clients come in, where their secret is known.
  const crossbar = options.crossbar && new CrossbarTokens({ settings: options.crossbar, clock });
  const tokenFirst = crossbar && new TokenFirst({ tokens: crossbar, topics, refusals, clock, logger });
  const desk =
    options.practable &&
    bookings &&
    openDesk(scope, topics, { settings: options.practable, bookings, gate, codes, audit, refusals, clock });

  // HTTP and WebSockets on one port.
  const isOnline = (device: string) => links.sight(device).online || topics.hasDevice(device);
  const { app, permits } = await makeServer({
    limits,
    ...(tls && { tls }),
    logger,
    proxies,
    limiter,
    permits: { callers, devices, captures: captures.library, refusals },
    routes(routes) {
      sessionRoutes(routes, { gate, refusals, before: desk?.sessionHook });
      if (desk) accessRoutes(routes, desk);
      signInRoutes(routes, { people, sessions, limiter, audit, refusals });
      meRoutes(routes, { people, sessions, revocations, audit, refusals });
      peopleRoutes(routes, { users, sessions, revocations, audit });
      inviteRoutes(routes, { invites, gate, devices, revocations, audit, refusals });
      sessionsRoutes(routes, { sessions, revocations, audit });
      tokensRoutes(routes, { tokens, revocations, audit });
      auditRoutes(routes, { audit, database });
      devicesRoutes(routes, { devices, revocations, audit, isOnline });
      captureRoutes(routes, {
        ...{ captures, devices, invites, callers, gate, revocations, audit, refusals, clock },
      });
      pushRoutes(routes, { push, devices, audit });
      cameraRoutes(routes, { cameras, audit });
      deviceControlRoutes(routes, { links, cameras, gate, audit, clock });
      enrolmentRoutes(routes, {
        ...deviceParts,
        ...{ users, audit, refusals },
        serverTrust: () => tls?.authority && serverTrustOf(tls.authority),
        relays: () => (options.public ? [base()] : []),
        now: () => clock.wall(),
      });
      listRoutes(routes, { gate, topics, refusals, clock });
      healthRoutes(routes, { topics, isReady: () => !scope.isClosing });
      if (tls) trustRoutes(routes, { authority: () => tls.authority });
      webRoutes(routes, options);
    },
  });
  scope.onClose(() => app.close());
  const server = socketServer(app);
  const openSockets = new OpenSockets({ most: limits.connectionsPerAddress, proxies, refusals });
  openSockets.watch(server);
  const isClosing = () => scope.isClosing;
  const sockets = {
    gate,
    topics,
    stats,
    callers,
    links,
    captureLines: captures.lines,
    cloudLines: captures.cloudLines,
    audit,
    refusals,
    proxies,
    limiter,
    openSockets,
    ...(tokenFirst && { tokenFirst }),
    isClosing,
    limits,
    clock,
    logger,
  };
  new Sockets(sockets).attach(server);
  scope.onClose(async () => {
    stats.close();
    await Promise.all([topics.close(PATIENCE_MS), links.close(PATIENCE_MS), captures.close()]);
    stats.terminate();
  });

  // Looking after them.
  const dismiss = () => {
    topics.dismiss((connection) => !gate.holds(connection.authority));
    stats.dismiss((authority) => !gate.holds(authority));
    gate.dismiss();
  };
  const watch = clock.every(REVOCATION_PERIOD, () => {
    void revocations.poll();
    void bookings?.poll();
  });
  scope.onClose(() => watch.cancel());
  const tick = clock.every(TICK, () => {
    topics.tick((connection) => gate.holds(connection.authority));
    stats.dismiss((authority) => !gate.holds(authority));
    gate.dismiss();
    links.tick();
    captures.tick();
  });
  scope.onClose(() => tick.cancel());

  await app.listen({ host: listen.host, port: listen.port });
  port = (server.address() as AddressInfo).port;
  tls?.ready();
  const scheme = isTls ? 'https' : 'http';
  const url = `${scheme}://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${port}`;
  logger.info('the relay listens', { url });
  scope.onClose(audit.begin({ who: { kind: 'host' }, what: 'relay-run', from: 'here', detail: url }));

  const { promise: closed, resolve: nowClosed } = Promise.withResolvers<void>();
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= scope.close().finally(() => {
      logger.info('the relay has stopped');
      nowClosed();
    });
    return closing;
  };
  return {
    url,
    port,
    permits,
    authority: () => tls?.authority,
    publicUrl: base(),
    close,
    closed,
    async signInLink() {
      const secret = linkSecret ?? (await makeLink());
      linkSecret = undefined;
      return `${base()}/#${secret}`;
    },
    async createToken(token) {
      const { secret, record } = await tokens.create(token);
      audit.done(tokenMade(record));
      return secret;
    },
    hasDevice: async (id) => (await devices.find(id)) !== undefined,
    deviceAuthority: async () => (await deviceParts.authority.ca()).certificate,
    async createEnrolmentCode(name) {
      const made = await devices.makeCode({ household: FIRST_HOUSEHOLD, name });
      if (made !== 'busy') return made.code;
      throw new RelayError(
        'storage-busy',
        'There are as many codes for devices as may be; wait ten minutes.',
      );
    },
    findToken: (secret) => tokens.find(secret),
    [Symbol.asyncDispose]: close,
  };
}

/** practable relay's access API, with the topic that tells who is connected. */
function openDesk(scope: Scope, topics: Topics, parts: Omit<AccessDeskOptions, 'stats'>): AccessDesk {
  const { clock, settings } = parts;
  const stats = scope.own(new StatsTopic({ topics, clock, every: settings.statsEvery }));
  return new AccessDesk({ ...parts, stats });
}
