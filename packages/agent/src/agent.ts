import { randomBytes } from 'node:crypto';
import { access, constants, mkdir } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { PERCH_1 } from '@perch/protocol';
import { Scope, systemClock } from '@perch/runtime';
import type { WebSocket } from 'ws';
import { captureRoutes } from './api/captures.ts';
import { Guard } from './api/guard.ts';
import { Router } from './api/router.ts';
import { makeRoutes } from './api/routes.ts';
import { ApiServer } from './api/server.ts';
import { takeStats } from './api/stats.ts';
import type { InputAddress } from './captures/index.ts';
import { startCaptures, tellingCamera } from './captures/start.ts';
import { ControlConnection } from './control/control.ts';
import { makePerform } from './control/perform.ts';
import { relayListFile } from './control/relay-list.ts';
import { dataError } from './errors.ts';
import { Identity } from './identity/identity.ts';
import { Renewal } from './identity/renewal.ts';
import { ControlMember } from './ingest/control-member.ts';
import { Member } from './ingest/member.ts';
import { Publishers } from './ingest/publisher.ts';
import { Switchboard } from './ingest/switchboard.ts';
import { isLoopback } from './loopback.ts';
import { Motion, withWatched } from './motion/index.ts';
import type { AgentOptions } from './options.ts';
import { readPages } from './page.ts';
import { type RuleSet, ruleFile } from './rules/file.ts';
import { decodeMotionRule, type MotionRule } from './rules/motion-rule.ts';
import { API_RULE, API_TOPIC, type DestinationRule } from './rules/rule.ts';
import { RuleStore } from './rules/store.ts';
import { Source } from './sources/source.ts';
import { combining } from './streams/combining.ts';
import { Streams } from './streams/streams.ts';
import { loadToken } from './token.ts';
import { makeDialer, USER_AGENT } from './uplink/dial.ts';
import { Shared, type ShareOptions } from './uplink/shared.ts';
import { Uplinks } from './uplink/uplinks.ts';

/** A running agent. */
export interface Agent extends AsyncDisposable {
  /** Where callers on this machine reach it, such as `http://127.0.0.1:8888`. */
  readonly url: string;
  readonly port: number;
  /** Where camera programs can connect. */
  readonly captures: readonly InputAddress[];
  /** The same as `/api/stats` says. */
  dump(): object;
  /** Ends sources, uplinks and members, then the port; nothing accepted is lost. Idempotent. */
  close(): Promise<void>;
  /** Resolves when all is gone. */
  readonly closed: Promise<void>;
}

/**
 * Starts an agent: the device's side, where encoders post their feeds and from where they are sent on.
 *
 * @throws {AgentError} naming what is wrong and what to do; nothing stays open.
 * @throws {TypeError} naming the option that is misused.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const scope = new Scope();
  try {
    return await assemble(options, scope);
  } catch (error) {
    await scope.close().catch((closing: Error) => {
      options.logger.error('closing after a failed start', { error: closing.message });
    });
    throw error;
  }
}

async function assemble(options: AgentOptions, scope: Scope): Promise<Agent> {
  const { listen, data, logger, clock = systemClock, httpWaitMs = 5_000 } = options;
  await makeDirectory(data);

  const isLocal = isLoopback(listen.host);
  const secret = isLocal ? undefined : await loadToken(data);
  if (secret)
    logger.info('beyond loopback callers need the token', { file: secret.path, isNew: secret.isNew });
  const guard = new Guard({ ...options, listenHost: listen.host, ...(secret && { token: secret.token }) });

  const store = new RuleStore({
    file: ruleFile(data),
    given: givenRules(options),
    givenMotion: givenMotion(options),
  });
  const switchboard = new Switchboard(clock);
  const ownDialer = await makeDialer(options.outgoing);
  const identity = await Identity.open({ data, dialer: ownDialer, clock, logger });
  const dialer = identity?.showBy(ownDialer) ?? ownDialer;
  const uplinks = new Uplinks({ switchboard, dialer, clock, logger });
  scope.onClose(() => uplinks.close());
  const streams = scope.own(
    new Streams({ switchboard, clock, combining, pressure: (stream) => uplinks.pressure(stream) }),
  );
  scope.own(new ControlMember({ switchboard, store, clock }));
  scope.onClose(() => store.drain());
  const publishers = new Publishers({ switchboard, clock, logger });
  const members = new Set<Member>();
  const onMember = (topic: string, socket: WebSocket, tcp: Duplex) => {
    const member = new Member({ topic, socket, tcp, switchboard, clock, logger });
    members.add(member);
    socket.once('close', () => members.delete(member));
  };
  const sources: Source[] = [];
  const { routes: pages, preview } = await readPages(options);
  let connection: ControlConnection | undefined;
  let motion: Motion | undefined;
  const parts = {
    ...{ switchboard, streams, publishers, members, uplinks, sources, store, preview, clock },
    control: () => connection?.status,
    motion: () => motion,
    camera: () => captures?.camera.state,
  };

  const captures =
    options.captures &&
    scope.own(
      await startCaptures({
        ...{ data, options: options.captures, clock, logger, identity, uplinks, dialer: ownDialer },
        relay: () => connection?.status.relay,
      }),
    );

  motion =
    captures &&
    scope.own(
      await Motion.start({
        ...{ data, switchboard, captures, clock, logger },
        ...(options.motion?.decoder && { decoder: options.motion.decoder }),
      }),
    );

  const routes = [...pages, ...captureRoutes(captures, clock)];
  const router = new Router(makeRoutes({ ...parts, origin: isLocal ? 'local' : 'network', pages: routes }));
  const server = new ApiServer({ listen, guard, router, onMember, protocols: [PERCH_1, 'null'], logger });
  scope.onClose(() => server.close(httpWaitMs));
  // Bodies have no end of their own to wait for.
  scope.own(publishers);

  const share = options.share ?? (identity && shareOf(identity));
  const shared = share && new Shared(share);
  const apply = (rules: RuleSet) => {
    streams.setRules({ ...rules, streams: withWatched(rules.streams, rules.motion) });
    motion?.setRules(rules.motion);
    const feeds = [...switchboard.feeds].map(({ name }) => name);
    uplinks.setRules(shared ? shared.complete(rules, feeds) : rules.destinations);
  };
  await store.load();
  const port = await server.listen();
  store.events.on('changed', apply);
  apply(store.current);
  if (shared) scope.own(switchboard.events.on('feeds', () => apply(store.current)));

  const authority = `${callable(listen.host)}:${port}`;
  const url = `http://${authority}`;
  for (const source of options.sources ?? []) {
    const publishUrl = `http://${credentialFor(source.feed, guard)}${authority}/ts/${source.feed}`;
    const started = scope.own(new Source({ ...source, publishUrl, clock, logger }));
    sources.push(started);
    started.start();
  }

  if (identity) {
    const { relays } = identity;
    const control = new ControlConnection({
      ...{ relays, identity, dialer: ownDialer, clock, logger },
      file: relayListFile(data),
      software: USER_AGENT,
      state: () => takeStats(parts),
      perform: makePerform({ ...parts, ...(captures && { command: tellingCamera(captures) }) }),
      onRelay(relay) {
        if (!options.share) shared?.moveTo(relay);
        apply(store.current);
      },
    });
    connection = control;
    if (captures) scope.own(captures.camera.news.on('changed', () => control.tellState()));
    await scope.own(control).start();
    const moved = () => control.status.relays;
    scope.own(new Renewal({ identity, dialer: ownDialer, data, relays: moved, clock, logger }));
  }
  logger.info('agent ready', { url, data, ...(identity && { device: identity.device }) });

  const ended = Promise.withResolvers<void>();
  const close = () => scope.close().finally(ended.resolve);
  return {
    url,
    port,
    captures: captures?.addresses ?? [],
    dump: () => takeStats(parts),
    close,
    closed: ended.promise,
    [Symbol.asyncDispose]: close,
  };
}

/** An enrolled device sends what no rule sends elsewhere to its relay. */
const shareOf = ({ relays: [relay = ''], device }: Identity): ShareOptions => ({ relay, under: device });

function givenRules({ destinations = [], vwApi }: AgentOptions): DestinationRule[] {
  const given: DestinationRule[] = destinations.map(({ token = '', ...rule }) => ({ ...rule, token }));
  if (vwApi) given.push({ id: API_RULE, stream: API_TOPIC, destination: vwApi, token: '' });
  return given;
}

const givenMotion = ({ motion }: AgentOptions): MotionRule[] =>
  (motion?.feeds ?? []).map((feed) => decodeMotionRule({ ...motion?.rule, feed, isOn: true }));

/** Other users can read a command line, so a source gets a secret that publishes on its own feed and nothing else. */
function credentialFor(feed: string, guard: Guard): string {
  if (!guard.needsToken) return '';
  const token = randomBytes(24).toString('hex');
  guard.admitPublisher(feed, token);
  return `source:${token}@`;
}

/** @throws {AgentError} `data-not-writable`, `disk-full`. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw dataError(path, cause);
  }
}

/** A host as it is written in an address, reachable from this machine. */
function callable(host: string): string {
  if (host === '0.0.0.0' || host === 'localhost') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host;
}
