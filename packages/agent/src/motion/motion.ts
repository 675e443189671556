import { join } from 'node:path';
import type { Clock, Logger } from '@perch/runtime';
import type { Captures } from '../captures/index.ts';
import type { Switchboard } from '../ingest/switchboard.ts';
import { type MotionRule, noMotion } from '../rules/motion-rule.ts';
import { isStream, type StreamRule } from '../rules/rule.ts';
import { motionLimits } from './limits.ts';
import { emptyDirectory, Watch, type WatchState } from './watch.ts';

/** What there is to know of a feed's motion. */
export type MotionState = WatchState | (Omit<WatchState, 'isOn'> & { readonly isOn: false });

export interface MotionOptions {
  /** The agent's directory. */
  readonly data: string;
  readonly switchboard: Switchboard;
  /** Where films go, and who says whether the camera is armed. */
  readonly captures: Pick<Captures, 'spool' | 'camera'>;
  /** What decodes. Default: ffmpeg. */
  readonly decoder?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Motion capture: each feed whose rule is on is watched, and filmed when something moves in it. Without a camera
 * program it is also what films when somebody asks. `close` ends films and decoders.
 */
export class Motion implements AsyncDisposable {
  readonly #options: MotionOptions;
  readonly #directory: string;
  readonly #watches = new Map<string, Watch>();
  readonly #closing = new Set<Promise<void>>();
  readonly #handles: readonly Disposable[];
  #isClosed = false;
  #rules: ReadonlyMap<string, MotionRule> = new Map();

  private constructor(options: MotionOptions, directory: string) {
    this.#options = options;
    this.#directory = directory;
    const { camera } = options.captures;
    this.#handles = [
      camera.filmBy({ isOn: () => this.#watches.size > 0, film: () => this.#film() }),
      camera.news.on('changed', () => {
        if (camera.isArmed === false) for (const watch of this.#watches.values()) watch.disarm();
      }),
    ];
  }

  /** Makes its directory. Watches nothing before `setRules`. */
  static async start(options: MotionOptions): Promise<Motion> {
    const directory = join(options.data, 'captures', 'motion');
    await emptyDirectory(directory);
    return new Motion(options, directory);
  }

  /** The rules that hold from now on. Feeds whose rules did not change notice nothing. */
  setRules(rules: ReadonlyMap<string, MotionRule>): void {
    if (this.#isClosed || rules === this.#rules) return;
    this.#rules = rules;
    const { logger } = this.#options;
    const on = [...rules.values()].filter(({ isOn }) => isOn);
    const wanted = new Map(on.slice(0, motionLimits.feeds).map((rule) => [rule.feed, rule]));
    if (on.length > wanted.size)
      logger.warn('motion: more feeds than can be watched', { watched: wanted.size, asked: on.length });
    for (const [feed, watch] of this.#watches) {
      const rule = wanted.get(feed);
      if (!rule || rule.beforeMs !== watch.rule.beforeMs) this.#stop(feed, watch);
      else if (JSON.stringify(rule) !== JSON.stringify(watch.rule)) watch.setRule(rule);
    }
    for (const [feed, rule] of wanted) if (!this.#watches.has(feed)) this.#start(rule);
  }

  /** How it stands with a feed or stream. */
  state(feed: string): MotionState {
    const watch = this.#watches.get(feed);
    if (watch) return watch.state;
    const { sensitivity } = this.#rules.get(feed) ?? noMotion(feed);
    return { isOn: false, isFilming: false, sensitivity, level: 0, lastMotion: null, trouble: null };
  }

  /** Figures for people who look for a fault, by feed. */
  dump(): Readonly<Record<string, ReturnType<Watch['dump']>>> {
    return Object.fromEntries([...this.#watches].map(([feed, watch]) => [feed, watch.dump()]));
  }

  /** Films end with what there is. Resolves when they are in the spool and all decoders are gone. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const handle of this.#handles) handle[Symbol.dispose]();
    for (const [feed, watch] of this.#watches) this.#stop(feed, watch);
    await Promise.all(this.#closing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(rule: MotionRule): void {
    const { switchboard, captures, decoder, clock, logger } = this.#options;
    const watch = new Watch({
      rule,
      topic: watchedTopic(rule.feed),
      ...{ switchboard, clock, logger },
      spool: captures.spool,
      directory: this.#directory,
      isDisarmed: () => captures.camera.isArmed === false,
      ...(decoder && { decoder }),
    });
    this.#watches.set(rule.feed, watch);
    logger.info('motion: a feed is watched', { feed: rule.feed });
  }

  #stop(feed: string, watch: Watch): void {
    this.#watches.delete(feed);
    const closing: Promise<void> = watch.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    this.#options.logger.info('motion: a feed is not watched any more', { feed });
  }

  /** @returns whether any feed that is watched has something to film. */
  #film(): boolean {
    return [...this.#watches.values()].map((watch) => watch.film()).includes(true);
  }
}

/** A feed is watched as a stream of its own, so that it is on the agent's clock and damage in it is dealt with. */
const watchedTopic = (feed: string): string => (isStream(feed) ? feed : `stream/.motion/${feed}`);

/** The stream rules, and those of the streams that are watched. */
export function withWatched(
  streams: ReadonlyMap<string, StreamRule>,
  motion: ReadonlyMap<string, MotionRule>,
): ReadonlyMap<string, StreamRule> {
  const watched = [...motion.values()]
    .filter(({ feed, isOn }) => isOn && !isStream(feed))
    .map(({ feed }): [string, StreamRule] => {
      const stream = watchedTopic(feed);
      return [stream, { stream, feeds: [feed] }];
    });
  return watched.length === 0 ? streams : new Map([...streams, ...watched]);
}
