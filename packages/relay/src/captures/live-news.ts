import type { Logger } from '@perch/runtime';
import type { CaptureSummary } from './capture.ts';
import type { Alarm } from './catalogue.ts';
import type { Library } from './library.ts';

/** What people who look at films are told as it happens. */
export type FilmNews =
  | { readonly kind: 'capture'; readonly film: CaptureSummary }
  | {
      readonly kind: 'removed';
      readonly household: string;
      readonly device: string;
      readonly capture: string;
    }
  | { readonly kind: 'alarm'; readonly household: string; readonly device: string; readonly alarm: Alarm };

/** What happens to films, with the film as it is then: looked up once, however many look on, and not at all for nobody. */
export class LiveNews implements Disposable {
  readonly #library: Library;
  readonly #logger: Logger;
  readonly #listeners = new Set<(news: FilmNews) => void>();
  /** Films that have changed since they were told of. */
  readonly #changed = new Set<string>();
  readonly #following: Disposable[];
  #isTelling = false;

  constructor({ library, logger }: { library: Library; logger: Logger }) {
    this.#library = library;
    this.#logger = logger;
    this.#following = [
      library.news.on('changed', ({ capture }) => this.#change(capture)),
      library.news.on('removed', (gone) => this.#tell({ kind: 'removed', ...gone })),
      library.news.on('alarm', (alarm) =>
        this.#tell({ kind: 'alarm', household: alarm.household, device: alarm.device, alarm }),
      ),
    ];
  }

  /** Told of all news of all households, until it is disposed of. */
  watch(listener: (news: FilmNews) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  [Symbol.dispose](): void {
    for (const each of this.#following) each[Symbol.dispose]();
    this.#listeners.clear();
  }

  #change(capture: string): void {
    if (this.#listeners.size === 0) return;
    this.#changed.add(capture);
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#tellChanges().catch((error: Error) =>
      this.#logger.warn('news of films were lost', { error: error.message }),
    );
  }

  async #tellChanges(): Promise<void> {
    try {
      for (const capture of this.#changed) {
        this.#changed.delete(capture);
        const film = await this.#library.find(capture);
        if (film) this.#tell({ kind: 'capture', film });
      }
    } finally {
      // At once: what changes from here on is told anew.
      this.#isTelling = false;
    }
  }

  #tell(news: FilmNews): void {
    for (const listener of this.#listeners) listener(news);
  }
}
