import { isUtf8 } from 'node:buffer';
import type { Batch, Taker } from '@perch/hub';
import { type Clock, type Millis, millis, type Timer } from '@perch/runtime';
import { FIRST_HOUSEHOLD } from '../people/household.ts';
import type { Inhabitant, Topics } from '../topics.ts';
import { type Report, reportOf, toStats } from './reports.ts';

/** Where practable relay says who is connected. */
export const STATS_TOPIC = 'stats';

const USUAL_PERIOD = millis(5_000);
const SHORTEST_PERIOD = millis(1_000);
/** A list that was asked for comes after this, and no more often. */
const ANSWER_DELAY = millis(1_000);
/** A longer message is no command. */
const COMMAND_BYTES = 4_096;

/**
 * The part of the relay that lives on the topic `stats` (COMPAT 3.6): it tells everybody there who is connected, every
 * few seconds, and a second after somebody has asked with `{"cmd":"update"}`. It says nothing to an empty room.
 */
export class StatsTopic implements Taker {
  readonly #topics: Topics;
  readonly #clock: Clock;
  readonly #since: Millis;
  readonly #inhabitant: Inhabitant;
  readonly #period: Timer;
  #answer: Timer | undefined;

  constructor(options: { topics: Topics; clock: Clock; every?: Millis | undefined }) {
    const { topics, clock, every = USUAL_PERIOD } = options;
    this.#topics = topics;
    this.#clock = clock;
    this.#since = clock.wall();
    this.#inhabitant = topics.inhabit(STATS_TOPIC, this);
    this.#period = clock.every(millis(Math.max(every, SHORTEST_PERIOD)), () => this.#tell());
  }

  /** Everybody who is connected to topics of the first household, and itself, which the older relay listed too. */
  reports(): Report[] {
    return [...this.#topics.connectionsOf(FIRST_HOUSEHOLD).map(reportOf), this.#own];
  }

  take(batch: Batch): void {
    if (this.#answer) return;
    if (!batch.messages.some(({ bytes, from }) => from !== this && isUpdate(bytes))) return;
    this.#answer = this.#clock.after(ANSWER_DELAY, () => {
      this.#answer = undefined;
      this.#tell();
    });
  }

  close(): void {
    this.#period.cancel();
    this.#answer?.cancel();
    this.#inhabitant[Symbol.dispose]();
  }

  #tell(): void {
    if (!this.#topics.has(STATS_TOPIC)) return;
    const bytes = Buffer.from(JSON.stringify(this.reports().map(toStats)));
    this.#inhabitant.say({ bytes, text: true, mark: { randomAccess: true, class: 'data' } });
  }

  get #own(): Report {
    return {
      topic: STATS_TOPIC,
      canRead: true,
      canWrite: true,
      scopes: ['read', 'stats', 'write'],
      connected: this.#since,
      expires: 0,
      remoteAddress: 'internal',
      userAgent: 'crossbar',
    };
  }
}

function isUpdate(bytes: Uint8Array): boolean {
  if (bytes.length > COMMAND_BYTES || !isUtf8(bytes)) return false;
  try {
    const command: unknown = JSON.parse(Buffer.from(bytes).toString());
    return typeof command === 'object' && command !== null && 'cmd' in command && command.cmd === 'update';
  } catch {
    return false; // whatever else people say to each other on this topic
  }
}
