import type { Hub, Taker, Topic } from '@perch/hub';
import type { Framing } from './frames.ts';
import type { Outlet } from './outlet.ts';
import { FramedStartGroup } from './start-group.ts';

/** One way in which a topic is shown, whole or in part: its messages, and what a newcomer gets first. */
export class Showing implements Disposable {
  readonly topic: Topic;
  readonly group: FramedStartGroup;
  readonly #stay: Disposable;

  /** @param options.name a name in the hub that no other showing has. */
  constructor(options: { hub: Hub; name: string; startGroupBytes: number }) {
    this.topic = options.hub.topic(options.name);
    this.group = new FramedStartGroup({ mostBytes: options.startGroupBytes });
    this.#stay = this.topic.take(this.group);
  }

  /** Lets somebody take from now on. What is pending goes to the start group first, so the two fit together. */
  take(taker: Taker): Disposable {
    return this.topic.take(taker);
  }

  /** Whether anybody but the start group takes it. */
  get hasViewers(): boolean {
    return this.topic.takers.length > 1;
  }

  /** Gives a newcomer the start group. `midway`: there is none, and what comes next is in the middle of something. */
  start(outlet: Outlet, framing: Framing, midway: boolean): void {
    const { group } = this;
    if (group.state === 'whole') outlet.start(group.frames(framing), group.length);
    // Without random access points a viewer begins with whatever comes.
    else if (group.state === 'too-large' || midway) outlet.awaitRandomAccess();
  }

  /** What is kept is not live any more. */
  forget(): void {
    // What was published in this turn still belongs to it.
    this.topic.flush();
    this.group.clear();
  }

  [Symbol.dispose](): void {
    this.#stay[Symbol.dispose]();
  }
}
