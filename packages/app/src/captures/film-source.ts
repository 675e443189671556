import type Hls from 'hls.js';
import { ask } from '../http/ask.ts';
import type { ProblemKind } from '../http/problem.ts';
import { unstick } from './unstick.ts';

/** How a film gets into a `<video>`. */
type Way = 'file' | 'native' | 'library';

/** What a film's player is about. */
export type FilmState =
  | { readonly kind: 'opening' }
  /** Nothing of it can be played yet. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'playing' }
  /** Nothing more is tried. The words are a whole sentence. */
  | { readonly kind: 'failed'; readonly words: string };

export interface FilmSourceOptions {
  readonly video: HTMLVideoElement;
  /** Where the film is, such as `/api/v1/captures/x`. */
  readonly src: string;
  /** Whether all of it is there; asked when a way is chosen. */
  readonly isComplete: () => boolean;
  readonly onState: (state: FilmState) => void;
}

const HLS = 'application/vnd.apple.mpegurl';
/** A film that has just begun is asked for again after so long. */
const AGAIN_MS = 1_000;
/** A playlist that cannot be had for now: the relay is busy, or starting again. */
const passing: readonly ProblemKind[] = ['unreachable', 'broken', 'too-many'];
const MOST_PASSING = 10;

/**
 * Brings a film into a `<video>`: one that is whole as an MP4, one that still arrives as HLS, by the browser itself or
 * by hls.js. Where one way fails the next goes on at the same place. What began as HLS stays that when the last of it
 * has come: nothing blinks, nothing jumps.
 */
export class FilmSource {
  readonly #options: FilmSourceOptions;
  readonly #scope = new AbortController();
  #left: Way[];
  #hls: Hls | undefined;

  /** Begins at once. The caller closes it. */
  constructor(options: FilmSourceOptions) {
    this.#options = options;
    const { video, isComplete } = options;
    this.#left = [
      ...(isComplete() ? (['file'] as const) : []),
      ...(video.canPlayType(HLS) === '' ? [] : (['native'] as const)),
      'library',
    ];
    const { signal } = this.#scope;
    // One that has no source any more complains of that too.
    video.addEventListener('error', () => video.hasAttribute('src') && this.#next(), { signal });
    video.addEventListener('loadeddata', () => this.#say({ kind: 'playing' }), { signal });
    signal.addEventListener('abort', unstick(video));
    this.#say({ kind: 'opening' });
    this.#next();
  }

  /** Takes the film out of the `<video>`. Idempotent. */
  close(): void {
    this.#scope.abort();
    this.#detach();
  }

  /** Tries the next way, from where the last one stopped. */
  #next(): void {
    const { video, src } = this.#options;
    const at = video.currentTime;
    const wasPlaying = !video.paused;
    this.#detach();
    const way = this.#left.shift();
    if (way !== undefined)
      video.addEventListener('loadedmetadata', goOn, { once: true, signal: this.#scope.signal });
    if (way === 'file') this.#attach(`${src}/video.mp4`);
    else void this.#list(way);

    function goOn() {
      if (at > 0) video.currentTime = at;
      if (wasPlaying) video.play().catch(() => undefined); // the browser wants a click first
    }
  }

  /** Plays the playlist as soon as there is one. @param way none: nothing more can be tried, the relay may know why. */
  async #list(way: Way | undefined): Promise<void> {
    const { src, isComplete } = this.#options;
    const { signal } = this.#scope;
    for (let passed = 0; ; ) {
      const answer = await ask(`${src}/playlist.m3u8`, () => undefined, { signal });
      if (signal.aborted) return;
      if (answer.ok) break;
      const { kind, words } = answer.problem;
      const isEarly = kind === 'missing' && !isComplete();
      if (!isEarly && !(passing.includes(kind) && ++passed < MOST_PASSING))
        return this.#say({ kind: 'failed', words });
      this.#say({ kind: 'waiting' });
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      if (signal.aborted) return;
    }
    const playlist = `${src}/playlist.m3u8`;
    if (way === 'native') this.#attach(playlist);
    else if (way === 'library') await this.#attachLibrary(playlist);
    else
      this.#say({
        kind: 'failed',
        words: 'This browser cannot show this film. Download it to see it elsewhere.',
      });
  }

  #attach(address: string): void {
    this.#options.video.src = address;
    this.#options.video.load();
  }

  async #attachLibrary(playlist: string): Promise<void> {
    const { default: Library } = await import('./hls.ts').catch(() => ({ default: undefined }));
    if (this.#scope.signal.aborted) return;
    if (!Library?.isSupported()) return this.#next();
    // From its beginning: what still arrives is no live picture. Our parts are MP4, for which no worker is needed.
    const hls = new Library({ startPosition: 0, enableWorker: false });
    this.#hls = hls;
    hls.on(Library.Events.ERROR, (_event, { fatal }) => {
      if (fatal && this.#hls === hls) this.#next();
    });
    hls.loadSource(playlist);
    hls.attachMedia(this.#options.video);
  }

  #detach(): void {
    const { video } = this.#options;
    this.#hls?.destroy();
    this.#hls = undefined;
    video.removeAttribute('src');
    video.load();
  }

  #say(state: FilmState): void {
    if (!this.#scope.signal.aborted) this.#options.onState(state);
  }
}
