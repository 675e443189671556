import type { Millis } from '@perch/runtime';
import { motionLimits } from './limits.ts';
import type { Group } from './ring.ts';

/** What takes the segments of one film. */
export interface FilmSink {
  segment(parts: readonly Uint8Array[]): void;
  end(): void;
}

export interface FilmingOptions {
  /** Where it films to. */
  readonly film: FilmSink;
  /** It films up to the group that begins then, or later if told so. On the agent's clock. */
  readonly until: Millis;
  /** How long it may be. */
  readonly most: Millis;
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
  #isOver = false;

  constructor({ film, until, most }: FilmingOptions) {
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
    if (this.#isOver || group.begin >= this.#until) {
      this.end();
      return 'over';
    }
    this.#begin ??= group.begin;
    if (group.begin - this.#begin >= this.#most) {
      this.end();
      return 'full';
    }
    const [last] = this.#groups.slice(-1);
    // Another set of tracks, or a hole: a file of its own.
    if (last && (last.tables !== group.tables || last.end !== group.begin)) this.#cut();
    this.#groups.push(group);
    this.#bytes += group.bytes;
    const begin = this.#groups[0]?.begin ?? group.begin;
    if ((group.end ?? begin) - begin >= motionLimits.segment || this.#bytes >= motionLimits.segmentBytes)
      this.#cut();
    return 'taken';
  }

  /** It is over with what it has. Idempotent. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cut();
    this.#film.end();
  }

  #cut(): void {
    if (this.#groups.length > 0) this.#film.segment(this.#groups.flatMap(({ parts }) => parts));
    this.#groups = [];
    this.#bytes = 0;
  }
}
