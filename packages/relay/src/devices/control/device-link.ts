import {
  applyChanges,
  channelLimits,
  closeCodes,
  type DeviceState,
  noState,
  stateSize,
} from '@perch/protocol';
import type { Clock, Millis } from '@perch/runtime';
import type { AgentLine, Said } from './agent-line.ts';
import { Requests } from './requests.ts';

/** What is known of a device at one moment. */
export interface Sight {
  readonly online: boolean;
  /** When the agent said so last, in milliseconds since 1970. */
  readonly at?: Millis;
  /** As it was then; absent while nothing has been heard since this relay started. */
  readonly state?: DeviceState;
}

/** A device as the relay sees it, over all its connections: the latest of them, its state, what is asked of it. */
export class DeviceLink {
  readonly device: string;
  readonly requests: Requests;
  readonly #clock: Clock;
  readonly #watchers = new Set<() => void>();
  #line: AgentLine | undefined;
  #sight: Sight = { online: false };
  /** The line has not yet said all that there is to see. */
  #isBlank = true;

  constructor(options: { device: string; clock: Clock }) {
    this.device = options.device;
    this.#clock = options.clock;
    this.requests = new Requests(options);
  }

  /** The connection that counts: the newest that said hello. */
  get line(): AgentLine | undefined {
    return this.#line;
  }

  get sight(): Sight {
    return this.#sight;
  }

  /** Nobody would miss it. */
  get isIdle(): boolean {
    return this.#line === undefined && this.#watchers.size === 0 && this.requests.pending === 0;
  }

  /** Calls `onNews` whenever {@link sight} has changed; the device is asked to tell more often meanwhile. */
  watch(onNews: () => void): Disposable {
    const watcher = () => onNews();
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.#line?.send({ type: 'watch', someone: true });
    return {
      [Symbol.dispose]: () => {
        if (this.#watchers.delete(watcher) && this.#watchers.size === 0)
          this.#line?.send({ type: 'watch', someone: false });
      },
    };
  }

  /** This line counts from now on. @param boot which start of the agent it is. @returns the line that counted before. */
  connect(line: AgentLine, boot: string): AgentLine | undefined {
    const before = this.#line;
    this.#line = line;
    this.#isBlank = true;
    const { session } = this.requests;
    const foreign = this.requests.meet(boot);
    line.send({ type: 'welcome', session, device: this.device, foreign, now: this.#clock.wall() });
    if (this.#watchers.size > 0) line.send({ type: 'watch', someone: true });
    this.requests.resume(line);
    this.#show({ ...this.#sight, online: true });
    return before;
  }

  /** A line is gone. @returns whether it was the one that counts. */
  disconnect(line: AgentLine): boolean {
    if (this.#line !== line) return false;
    this.#line = undefined;
    this.requests.pause(line);
    this.#show({ ...this.#sight, online: false });
    return true;
  }

  /** Takes what the agent says on the line that counts. */
  take(line: AgentLine, said: Said): void {
    if (this.#line !== line) return;
    if (said.type === 'state') {
      line.countUnasked();
      const before = this.#isBlank ? noState : (this.#sight.state ?? noState);
      const state = applyChanges(before, said.changes);
      if (stateSize(state) > channelLimits.stateChars) {
        line.end(closeCodes.tooBig, 'more state than a relay keeps of a device');
        return;
      }
      this.#isBlank = false;
      this.#show({ online: true, at: this.#clock.wall(), state });
    } else if (!this.requests.take(said)) {
      line.countUnasked();
    }
  }

  #show(sight: Sight): void {
    this.#sight = sight;
    for (const watcher of [...this.#watchers]) watcher();
  }
}
