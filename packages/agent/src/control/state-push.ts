import { type AgentMessage, channelLimits, StateDiffer, type StateItems } from '@perch/protocol';
import { type Clock, type Millis, millis, type Timer } from '@perch/runtime';

export interface StatePushOptions {
  readonly take: () => StateItems;
  readonly send: (message: AgentMessage) => void;
  /** The line is slow: nothing is added, and what is newest goes when there is room again. */
  readonly isFull: () => boolean;
  readonly clock: Clock;
}

/** Tells one relay what there is to see: all at once, then what changes, as often as somebody looks. */
export class StatePush implements Disposable {
  readonly #options: StatePushOptions;
  readonly #differ = new StateDiffer(channelLimits.stateChars);
  #period: Millis = channelLimits.unwatchedPeriod;
  #pushedAt: Millis;
  #timer: Timer;
  #hasEnded = false;

  constructor(options: StatePushOptions) {
    this.#options = options;
    this.#pushedAt = options.clock.now();
    this.#timer = this.#tell();
  }

  /** Whether somebody looks. Who begins to is told at once, unless that was done less than a second ago. */
  watch(someone: boolean): void {
    this.#period = someone ? channelLimits.watchedPeriod : channelLimits.unwatchedPeriod;
    this.#retime(this.#period);
  }

  /** Tells what is new at once, unless something was told less than a second ago; then after that second. */
  hurry(): void {
    this.#retime(channelLimits.watchedPeriod);
  }

  [Symbol.dispose](): void {
    this.#hasEnded = true;
    this.#timer.cancel();
  }

  #retime(period: Millis): void {
    if (this.#hasEnded) return;
    this.#timer.cancel();
    this.#timer = this.#in(millis(Math.max(0, this.#pushedAt + period - this.#options.clock.now())));
  }

  #tell(): Timer {
    const { take, send, isFull, clock } = this.#options;
    if (isFull()) return this.#in(channelLimits.watchedPeriod);
    this.#pushedAt = clock.now();
    const changes = this.#differ.next(take());
    if (changes) send({ type: 'state', changes });
    return this.#in(this.#period);
  }

  #in(pause: Millis): Timer {
    return this.#options.clock.after(pause, () => {
      this.#timer = this.#tell();
    });
  }
}
