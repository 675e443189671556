import type { Clock, Logger, Millis } from '@perch/runtime';
import { millis } from '@perch/runtime';

/** Less than this harms nobody. */
const LEAST = 5 * 60_000;

/** How far a device's clock is from its relay's: many have no battery, and begin in the past. */
export class ClockSkew {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #offset = 0;
  #isWarned = false;

  constructor(options: { clock: Clock; logger: Logger }) {
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** The time by the relay's clock, as far as one has told it. */
  get now(): Millis {
    return millis(this.#clock.wall() + this.#offset);
  }

  /** A relay says what time it is. A wrong clock is in the log, once until it is right. */
  heard(time: number | undefined): void {
    if (time === undefined) return;
    this.#offset = time - this.#clock.wall();
    const isWrong = Math.abs(this.#offset) >= LEAST;
    if (isWrong && !this.#isWarned)
      this.#logger.warn(skewInWords(this.#offset), { do: 'timedatectl set-ntp true' });
    this.#isWarned = isWrong;
  }
}

/** @param offset the relay's clock less ours, ms. */
export function skewInWords(offset: number): string {
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  const parts = [
    days && `${days} d`,
    hours && `${hours} h`,
    days === 0 && minutes % 60 && `${minutes % 60} min`,
  ];
  const much = parts.filter(Boolean).join(' ') || '0 min';
  return `this machine's clock is ${much} ${offset > 0 ? 'behind' : 'ahead of'} the relay's; set it, or times in logs and captures are wrong`;
}
