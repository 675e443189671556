import type { Millis } from '@perch/runtime';
import { motionLimits } from './limits.ts';
import type { Group } from './ring.ts';
import type { Stretch } from './segment.ts';

/** What takes the segments of one film. */
export interface FilmSink {
  segment(stretch: Stretch): void;
  end(): void;
}

export interface FilmingOptions {
  /** Where it films to. */
  readonly film: FilmSink;
  /** It films up to the group that begins then, or later if told so. On the agent's clock. */
  readonly until: Millis;
  /** How long it may be. */
  readonly most: Millis;
  /** The group before the first that it will be offered, where there is one in the same stream. */
  readonly before: Group | undefined;
}

/** What became of a group that was offered. */
export type Taken =
  | 'taken'
  /** It is after the end: the film is over without it. */
  | 'over'
  /** It would make the film too long: the film is over, and another can go on with it. */
  | 'full';

/**
 * Cuts one film out of a row of groups: segments of some seconds, each a file that can be decoded on its own. No group is
 * in it twice, none is left out.
 */
export class Filming {
  readonly #film: FilmSink;
  readonly #most: Millis;
  #until: Millis;
  #begin: Millis | undefined;
  #groups: Group[] = [];
  #bytes = 0;
  /** What was before the groups that wait, in the same stream. */
  #before: Group | undefined;
  #isOver = false;

  constructor({ film, until, most, before }: FilmingOptions) {
    this.#before = before;
    this.#film = film;
    this.#until = until;
    this.#most = most;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get until(): Millis {
    return this.#until;
  }

  /** It goes on at least so long. */
  extend(until: Millis): void {
    if (until > this.#until) this.#until = until;
  }

  /** A group that is whole, the oldest first. */
  take(group: Group): Taken {
    const last = this.#groups.at(-1);
    // Another set of tracks, or a hole: what follows has nothing to do with it.
    const isNext = last?.tables === group.tables && last.end === group.begin;
    if (this.#isOver || group.begin >= this.#until) {
      this.#end(isNext ? group : undefined);
      return 'over';
    }
    this.#begin ??= group.begin;
    if (group.begin - this.#begin >= this.#most) {
      this.#end(isNext ? group : undefined);
      return 'full';
    }
    const begin = this.#groups[0]?.begin ?? group.begin;
    const isLong = group.begin - begin >= motionLimits.segment || this.#bytes >= motionLimits.segmentBytes;
    if (last && (isLong || !isNext)) this.#cut(isNext ? group : undefined);
    this.#groups.push(group);
    this.#bytes += group.bytes;
    return 'taken';
  }

  /** It is over with what it has. Idempotent. */
  end(): void {
    this.#end(undefined);
  }

  #end(after: Group | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cut(after);
    this.#film.end();
  }

  /** @param after the group that follows in the same stream: sound that came late is in it. */
  #cut(after: Group | undefined): void {
    const groups = this.#groups;
    if (groups.length > 0) this.#film.segment({ before: this.#before, groups, after });
    this.#before = after && groups.at(-1);
    this.#groups = [];
    this.#bytes = 0;
  }
}
