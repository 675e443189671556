import { closeCodes, type DeviceState } from '@perch/protocol';
import type { Clock, Logger } from '@perch/runtime';
import type { Audit } from '../../audit/audit.ts';
import { whoOf } from '../../audit/entry.ts';
import type { LastingAuthority } from '../../people/caller.ts';
import type { DeviceArrival } from '../device-door.ts';
import { AgentLine } from './agent-line.ts';
import { DeviceLink, type Sight } from './device-link.ts';

/** So many devices that are not connected are remembered as they were last. */
const MOST_REMEMBERED = 1_000;

export interface DeviceLinksOptions {
  /** Calls `end` when a right has ended: the gate's. */
  readonly whileHolds: (authority: LastingAuthority, end: () => void) => Disposable;
  /** An agent has told its state; for the first time on this connection, or not. */
  readonly onState?: (device: string, household: string, state: DeviceState, isFirst: boolean) => void;
  /** A device is not connected any more; it was, from this address, until now. */
  readonly onGone?: (device: string, from: string) => void;
  readonly audit: Pick<Audit, 'begin' | 'done'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The control connections of all devices. Of two agents with one identity the newer wins, both are told, and the audit
 * says so; an agent that only dialled anew takes its own place without a word.
 */
export class DeviceLinks {
  readonly #options: DeviceLinksOptions;
  /** In the order in which they were of use last. */
  readonly #links = new Map<string, DeviceLink>();
  readonly #lines = new Set<AgentLine>();
  /** What to do when the agent of a line that was replaced says goodbye, which shows that it lives. */
  readonly #rivals = new WeakMap<AgentLine, () => void>();

  #onEmpty: (() => void) | undefined;

  constructor(options: DeviceLinksOptions) {
    this.#options = options;
  }

  /** Open connections. */
  get size(): number {
    return this.#lines.size;
  }

  /** The device's link, whether it is connected or not. Whether there is such a device is for the caller to know. */
  of(device: string): DeviceLink {
    const link = this.#links.get(device) ?? new DeviceLink({ device, clock: this.#options.clock });
    this.#links.delete(device);
    this.#links.set(device, link);
    this.#forget();
    return link;
  }

  /** What is known of the device now. */
  sight(device: string): Sight {
    return this.#links.get(device)?.sight ?? { online: false };
  }

  /** Takes over an agent's WebSocket. */
  accept(arrival: DeviceArrival): void {
    const { audit, clock, whileHolds, onState, onGone } = this.#options;
    const { webSocket, socket, device, household, by, from } = arrival;
    const logger = this.#options.logger.child({ device });
    let link: DeviceLink | undefined;
    let noteEnd: (() => void) | undefined;
    let isFirst = true;
    const line = new AgentLine({
      webSocket,
      socket,
      from,
      clock,
      logger,
      onHello: ({ boot }) => {
        link = this.of(device);
        noteEnd = audit.begin({ who: whoOf(by), household, what: 'device-online', device, from });
        logger.info('a device is connected', { from });
        this.#replace(link.connect(line, boot), line, arrival);
      },
      onSaid: (said) => {
        link?.take(line, said);
        const state = link?.sight.state;
        if (said.type !== 'state' || link?.line !== line || !state) return;
        onState?.(device, household, state, isFirst);
        isFirst = false;
      },
      onClosed: (isAnswered) => {
        this.#lines.delete(line);
        right[Symbol.dispose]();
        noteEnd?.();
        if (isAnswered) this.#rivals.get(line)?.();
        if (link?.disconnect(line)) {
          logger.info('a device is not connected any more', { from });
          onGone?.(device, from);
        }
        if (this.#lines.size === 0) this.#onEmpty?.();
      },
    });
    this.#lines.add(line);
    const right = whileHolds(by, () => line.dismiss(closeCodes.unauthorised, RIGHT_ENDED));
  }

  /** Looks after all of them: who is silent. Called about once a second. */
  tick(): void {
    for (const line of this.#lines) line.tick();
  }

  /**
   * Says goodbye to all agents, which look for another relay then, and cuts off those that do not answer in time. Requests
   * that wait are answered. Resolves when all are gone; accept none after.
   */
  async close(patienceMs: number): Promise<void> {
    for (const link of this.#links.values()) link.requests.close();
    if (this.#lines.size === 0) return;
    const { promise: empty, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    for (const line of this.#lines) line.end(closeCodes.goingAway, 'the relay stops');
    const impatience = setTimeout(() => {
      for (const line of this.#lines) line.terminate();
    }, patienceMs);
    await empty;
    clearTimeout(impatience);
  }

  #replace(older: AgentLine | undefined, newer: AgentLine, arrival: DeviceArrival): void {
    if (!older) return;
    if (older.hello?.boot === newer.hello?.boot) {
      older.end(closeCodes.normal, 'you have connected anew');
      return;
    }
    const { audit, logger } = this.#options;
    const { device, household, by, from } = arrival;
    // An agent that was cut off and started anew is no rival: only who lives can answer.
    this.#rivals.set(older, () => {
      const detail = `took the place of another agent with the same identity, at ${older.from}`;
      audit.done({ who: whoOf(by), household, what: 'device-rival', device, from, detail });
      logger.warn('two agents have one identity: the newer is kept', {
        device,
        older: older.from,
        newer: from,
      });
      newer.send({ type: 'rival', from: older.from });
    });
    older.send({ type: 'replaced', from });
    older.end(closeCodes.replaced, 'another agent with this identity has connected');
  }

  #forget(): void {
    if (this.#links.size <= this.#lines.size + MOST_REMEMBERED) return;
    for (const [device, link] of this.#links) {
      if (!link.isIdle) continue;
      this.#links.delete(device);
      return;
    }
  }
}

const RIGHT_ENDED = 'the right to be here has ended: the device was removed, or its certificate is too old';
