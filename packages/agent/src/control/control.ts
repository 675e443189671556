import { randomUUID } from 'node:crypto';
import { channelLimits, limits, type StateItems } from '@perch/protocol';
import { Backoff, type Clock, type Logger, type Millis, millis, type Timer } from '@perch/runtime';
import type { Dialer } from '../uplink/dial.ts';
import type { DeviceIdentity } from './identity.ts';
import { KeptRelays } from './kept-relays.ts';
import { type End, Line, type Told, type Welcome } from './line.ts';
import type { RelayListFile } from './relay-list.ts';
import type { Asked, DoRequest, Session } from './session.ts';
import { Sessions } from './sessions.ts';
import { StatePush } from './state-push.ts';

export interface ControlOptions {
  /** The relays of the enrolment, the best first; a list that was given later is in the file and counts in its place. */
  readonly relays: readonly string[];
  readonly file: RelayListFile;
  readonly identity: DeviceIdentity;
  readonly dialer: Dialer;
  readonly software: string;
  readonly state: () => StateItems;
  /** Does what a relay asks for, but for `relays.move`. */
  readonly perform: DoRequest;
  readonly clock: Clock;
  /** This relay is the one to use from now on, also for what is sent there otherwise. */
  readonly onRelay?: (relay: string) => void;
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  readonly logger: Logger;
}

/** For people: to which relay an agent is connected, and what is in the way. */
export interface ControlStatus {
  /** `waiting`: between two tries. */
  readonly state: 'idle' | 'dialling' | 'connected' | 'waiting' | 'closed';
  readonly relays: readonly string[];
  /** Which it is connected to, `null` while to none. */
  readonly relay: string | null;
  readonly lastError: string | null;
}

/** A line that a relay has welcomed, with what it carries. */
interface Open {
  readonly line: Line;
  readonly session: Session;
  readonly push: StatePush;
  readonly take: (asked: Asked) => void;
  /** Carries nothing any more. */
  readonly close: () => void;
  readonly since: Millis;
}

/** A relay that refuses an agent is asked again after so long at the earliest. */
const REFUSED_PAUSE = millis(60_000);

/**
 * Keeps an agent connected to the best of its relays that will have it. Where none answers it goes through the list
 * again after 1, 2, 4, 8, 10, 10 … s ± 25 %; where one does that is not the first, it looks once a minute whether a
 * better one is there, and leaves the old when the new one has welcomed it. Whose place another agent with the same
 * identity took waits a minute, then two, four … up to an hour, so that the two do not fight. Starts with `start`, ends
 * with `close`.
 */
export class ControlConnection {
  readonly #options: ControlOptions;
  readonly #sessions: Sessions;
  readonly #backoff: Backoff;
  readonly #boot = randomUUID();
  readonly #random: () => number;
  readonly #relays: KeptRelays;
  #open: Open | undefined;
  /** Being dialled, while it is not open. */
  #dialling: Line | undefined;
  /** Left, and finishing what is being answered. */
  readonly #leaving = new Set<Open>();
  #timer: Timer | undefined;
  #lastError: string | null = null;
  /** All that were asked since the last pause have refused us. */
  #isRefused = false;
  /** How often in a row another agent took our place. */
  #replaced = 0;
  #isClosed = false;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff({ random: this.#random });
    this.#relays = new KeptRelays(options);
    const perform: DoRequest = (body) =>
      body.kind === 'relays.move' ? this.#move(body.relays) : options.perform(body);
    this.#sessions = new Sessions({ perform, logger: options.logger });
  }

  /** Reads the list, and begins to connect. @throws {AgentError} `relays-corrupt` */
  async start(): Promise<void> {
    await this.#relays.load();
    const { candidates } = this.#relays;
    this.#options.identity.alsoAt(candidates);
    const [best] = candidates;
    if (best !== undefined) this.#options.onRelay?.(best);
    this.#try(0);
  }

  get status(): ControlStatus {
    const relay = this.#open?.line.relay ?? null;
    return { state: this.#state, relays: this.#relays.relays, relay, lastError: this.#lastError };
  }

  get #state(): ControlStatus['state'] {
    if (this.#isClosed) return 'closed';
    if (this.#open) return 'connected';
    if (this.#dialling) return 'dialling';
    return this.#timer ? 'waiting' : 'idle';
  }

  /** The state has changed in a way that somebody waits for: it is told now, or within a second. */
  tellState(): void {
    this.#open?.push.hurry();
  }

  /** Says goodbye. Resolves when all sockets are gone. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    const open = [...this.#leaving, ...(this.#open ? [this.#open] : [])];
    for (const { close } of open) close();
    const lines = [...open.map(({ line }) => line), ...(this.#dialling ? [this.#dialling] : [])];
    await Promise.all(lines.map((line) => line.close('the agent stops')));
    await this.#relays.drain();
  }

  /** How good the relay is that we are connected to: less is better. */
  get #rank(): number {
    const at = this.#open ? this.#relays.candidates.indexOf(this.#open.line.relay) : -1;
    return at < 0 ? Number.POSITIVE_INFINITY : at;
  }

  /** Dials the relay at this place of the list, if that is better than what there is; after the last one comes a pause. */
  #try(at: number): void {
    if (this.#isClosed) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    const relay = this.#relays.candidates[at];
    if (relay === undefined || at >= this.#rank) {
      this.#rest();
      return;
    }
    if (at === 0) this.#isRefused = true;
    const { identity, dialer, software, clock } = this.#options;
    let mine: Open | undefined;
    const line = new Line({
      relay,
      identity,
      dialer,
      boot: this.#boot,
      software,
      clock,
      onWelcome: (welcome) => {
        mine = this.#welcomed(line, welcome);
      },
      onTold: (told) => mine && this.#told(mine, told),
      onEnd: (end) => (mine ? this.#ended(mine, end) : this.#failed(line, at, end)),
    });
    this.#dialling = line;
  }

  /** Nobody better answers now. */
  #rest(): void {
    if (this.#open && this.#rank === 0) return;
    const pause = this.#open
      ? millis(channelLimits.returnPeriod * (0.75 + 0.5 * this.#random()))
      : millis(Math.max(this.#backoff.next(), this.#isRefused ? REFUSED_PAUSE : 0));
    this.#wait(pause);
  }

  #wait(pause: Millis): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(pause, () => this.#try(0));
  }

  #welcomed(line: Line, welcome: Welcome): Open {
    const { clock, logger, state, identity, onRelay } = this.#options;
    logger.info('connected to the relay', { relay: line.relay, device: welcome.device });
    identity.skew.heard(welcome.now);
    const session = this.#sessions.of(welcome.session);
    const send = line.send.bind(line);
    const requests = session.open(welcome.foreign, send);
    const push = new StatePush({ take: state, send, isFull: () => line.isFull, clock });
    const open: Open = {
      line,
      session,
      push,
      take: requests.take,
      close() {
        push[Symbol.dispose]();
        requests.close();
      },
      since: clock.now(),
    };
    const old = this.#open;
    this.#dialling = undefined;
    this.#open = open;
    this.#lastError = null;
    this.#isRefused = false;
    if (old) this.#leave(old);
    this.#relays.settle(line.relay).catch((error: Error) => {
      logger.warn('the list of relays could not be written', { error: error.message });
    });
    onRelay?.(line.relay);
    this.#rest();
    return open;
  }

  #told(open: Open, told: Told): void {
    const { logger } = this.#options;
    switch (told.type) {
      case 'request':
      case 'ask':
      case 'heard':
        open.take(told);
        break;
      case 'watch':
        open.push.watch(told.someone);
        break;
      case 'rival':
        logger.error(`another agent with this device's identity was connected, and gave way: ${WHAT_TO_DO}`, {
          from: told.from,
        });
        break;
      case 'replaced':
        logger.error(`another agent with this device's identity took its place: ${WHAT_TO_DO}`, {
          from: told.from,
        });
        break;
    }
  }

  /** No welcome came. */
  #failed({ relay }: Line, at: number, { words, kind }: End): void {
    this.#dialling = undefined;
    if (kind !== 'refused') this.#isRefused = false;
    this.#note(relay, words);
    this.#try(at + 1);
  }

  /** A line that was welcomed is gone. */
  #ended(open: Open, { words, kind }: End): void {
    open.close();
    if (this.#leaving.delete(open)) return;
    this.#open = undefined;
    this.#note(open.line.relay, words);
    const lived = this.#options.clock.now() - open.since;
    if (lived >= limits.steadyAfter) this.#backoff.reset();
    if (lived >= limits.replacedPauseMost) this.#replaced = 0;
    if (kind === 'replaced') {
      void this.#dialling?.close('another agent took our place');
      this.#dialling = undefined;
      this.#wait(millis(Math.min(limits.replacedPause * 2 ** this.#replaced, limits.replacedPauseMost)));
      this.#replaced++;
      return;
    }
    // What is being dialled goes on, through the list if need be.
    if (this.#dialling) return;
    this.#isRefused = kind === 'refused';
    if (lived >= limits.steadyAfter && kind === 'lost') this.#try(0);
    else this.#rest();
  }

  #note(relay: string, words: string): void {
    const error = `${relay}: ${words}`;
    if (error !== this.#lastError)
      this.#options.logger.warn('no connection to a relay', { relay, error: words });
    this.#lastError = error;
  }

  /** A better relay has us: this one gets the answers that it waits for, and a goodbye. */
  #leave(old: Open): void {
    this.#leaving.add(old);
    old.push[Symbol.dispose]();
    const end = () => {
      late.cancel();
      if (!this.#leaving.has(old)) return;
      old.close();
      void old.line.close('connected to a better relay').then(() => this.#leaving.delete(old));
    };
    const late = this.#options.clock.after(channelLimits.drainTime, end);
    // Two addresses may lead to one relay, which has answered by the new line already.
    if (old.session === this.#open?.session) end();
    else old.session.whenSettled(end);
  }

  async #move(given: readonly string[]): Promise<unknown> {
    const relays = await this.#relays.move(given, this.#open?.line.relay);
    this.#options.identity.alsoAt(this.#relays.candidates);
    this.#options.logger.info('moved to other relays', { relays });
    void this.#dialling?.close('moved to other relays');
    this.#dialling = undefined;
    // The answer goes out first.
    queueMicrotask(() => this.#try(0));
    return { relays };
  }
}

const WHAT_TO_DO = 'stop one of the two, or enrol it anew under a name of its own';
