import type { Engine } from './engine/engine.ts';
import { WorkerEngine } from './engine/worker-engine.ts';
import type { PlayerState, PlayerStats, TimedData } from './state.ts';
import { View } from './ui/view.ts';

/** What a `<perch-player>` dispatches. None of these bubble. */
export interface PerchPlayerEventMap {
  /** The state changed; `detail` is the new one. */
  statechange: CustomEvent<PlayerState>;
  /** Twice a second while connected. */
  stats: CustomEvent<PlayerStats>;
  /** Timed data of the stream, when the picture of its time is shown. */
  data: CustomEvent<TimedData>;
  /** Something went wrong. The player goes on by itself where it can; the state says whether it does. */
  error: ErrorEvent;
}

/** A countdown on the screen moves this often. */
const COUNTDOWN_MS = 500;

const SETTABLE = ['src', 'token', 'muted', 'volume', 'controls'] as const;

const IDLE: PlayerState = { kind: 'idle' };

/**
 * `<perch-player src="wss://relay/out/topic" controls muted></perch-player>`
 *
 * Plays a live stream of a relay as soon as it is on the page and has a `src`; stops when it is taken off the page, and
 * can be put back. Attributes: `src`, `muted` (start without sound), `controls` (show the bar), `autoplay="off"` (wait
 * for {@link play}). The access token is a property only, so that it stays out of the page's text.
 */
export class PerchPlayer extends HTMLElement {
  static readonly observedAttributes = ['src', 'muted', 'controls'];

  readonly #view: View;
  #engine: Engine | undefined;
  #scope: AbortController | undefined;
  #countdown: ReturnType<typeof setInterval> | undefined;
  #state: PlayerState = IDLE;
  #token: string | undefined;
  #muted = false;
  #volume = 1;
  #paused = false;
  #showsStats = false;

  constructor() {
    super();
    this.#view = new View(this.attachShadow({ mode: 'open' }), {
      playOrPause: () => this.#playOrPause(),
      toggleSound: () => this.#toggleSound(),
      setVolume: (volume) => {
        this.volume = volume;
        if (this.muted && volume > 0) this.#toggleSound();
      },
      toggleStats: () => this.#toggleStats(),
      toggleFullScreen: () => this.#toggleFullScreen(),
    });
  }

  /** Address of the stream: `ws(s)://…/out/…`, or `http(s)://…/session/…`; relative ones belong to the page. */
  get src(): string {
    const src = this.getAttribute('src');
    return src ? new URL(src, this.baseURI).href : '';
  }
  set src(src: string) {
    this.setAttribute('src', src);
  }

  /** Access token for a `/session/` address, asked for at each connection. Without it the browser's cookies speak. */
  get token(): string | undefined {
    return this.#token;
  }
  set token(token: string | undefined) {
    this.#token = token;
    this.#engine?.setToken(token);
  }

  /** Whether the person or the page wants no sound. The state says whether the browser allows it. */
  get muted(): boolean {
    return this.#muted;
  }
  set muted(muted: boolean) {
    this.#muted = muted;
    this.#engine?.setMuted(muted);
    this.#show();
  }

  /** 0 … 1. */
  get volume(): number {
    return this.#volume;
  }
  set volume(volume: number) {
    if (!(volume >= 0 && volume <= 1)) throw new RangeError('volume: it is a number from 0 to 1');
    this.#volume = volume;
    this.#engine?.setVolume(volume);
    this.#show();
  }

  /** Whether the bar is shown. */
  get controls(): boolean {
    return this.hasAttribute('controls');
  }
  set controls(controls: boolean) {
    this.toggleAttribute('controls', controls);
  }

  get state(): PlayerState {
    return this.#state;
  }

  /** The latest figures, or undefined before the first. */
  get stats(): PlayerStats | undefined {
    return this.#engine?.stats;
  }

  /** Starts, or starts again after {@link close}. Called in a tap's handler it also allows sound. */
  play(): void {
    this.#paused = false;
    if (this.#scope && !this.#engine) this.#open();
    this.#engine?.unlock();
  }

  /** Stops and lets go of the connection; the last picture goes. Resolves when all is gone. */
  async close(): Promise<void> {
    this.#paused = true;
    await this.#shut();
  }

  /** @internal */
  connectedCallback(): void {
    this.#takeEarly();
    if (!this.hasAttribute('tabindex')) this.tabIndex = 0;
    if (!this.hasAttribute('role')) this.setAttribute('role', 'group');
    if (!this.hasAttribute('aria-label')) this.setAttribute('aria-label', 'Live video');
    const scope = new AbortController();
    this.#scope = scope;
    const { signal } = scope;
    const wake = () => this.#view.wake();
    this.addEventListener('keydown', (event) => this.#key(event), { signal });
    for (const type of ['pointermove', 'pointerdown', 'focusin', 'keydown'] as const)
      this.addEventListener(type, wake, { signal });
    document.addEventListener('visibilitychange', () => this.#followVisibility(), { signal });
    document.addEventListener('fullscreenchange', () => this.#show(), { signal });
    window.addEventListener('online', () => this.#engine?.reconnect(), { signal });
    window.addEventListener('pageshow', () => this.#followVisibility(), { signal });
    if (this.hasAttribute('muted')) this.#muted = true;
    if (this.getAttribute('autoplay') === 'off') this.#paused = true;
    this.#open();
    this.#show();
  }

  /** @internal */
  disconnectedCallback(): void {
    this.#scope?.abort();
    this.#scope = undefined;
    this.#view.close();
    void this.#shut();
  }

  /** What a page's script has set on the element before this one was loaded stands in the way of the real property. */
  #takeEarly(): void {
    for (const name of SETTABLE) {
      if (!Object.hasOwn(this, name)) continue;
      const value = { [name]: this[name] };
      delete (this as Partial<PerchPlayer>)[name];
      Object.assign(this, value);
    }
  }

  /** @internal */
  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now) return;
    if (name === 'muted') this.muted = now !== null;
    if (name === 'src' && this.#scope) void this.#shut().then(() => this.#open());
    this.#show();
  }

  #open(): void {
    if (!this.src || this.#paused || !this.#scope || this.#engine) return;
    let engine: Engine;
    try {
      engine = new WorkerEngine({
        url: this.src,
        token: this.#token,
        muted: this.#muted,
        volume: this.#volume,
      });
    } catch (cause) {
      this.#fail(cause as Error);
      return;
    }
    this.#engine = engine;
    this.#view.setPicture(engine.picture);
    engine.events.on('state', (state) => {
      if (this.#engine === engine) this.#set(state);
    });
    engine.events.on('stats', (stats) => {
      if (this.#engine !== engine) return;
      this.dispatchEvent(new CustomEvent('stats', { detail: stats }));
      if (this.#showsStats) this.#show();
    });
    engine.events.on('data', (data) => {
      if (this.#engine === engine) this.dispatchEvent(new CustomEvent('data', { detail: data }));
    });
    engine.events.on('error', (error) => this.#report(error));
    this.#set(engine.state);
    this.#followVisibility();
  }

  async #shut(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    this.#view.setPicture(undefined);
    this.#set(IDLE);
    await engine?.close();
  }

  #fail(error: Error): void {
    this.#set({ kind: 'refused', reason: `The player could not start: ${error.message}.` });
    this.#report(error);
  }

  #report(error: Error): void {
    this.dispatchEvent(new ErrorEvent('error', { error, message: error.message }));
  }

  #set(state: PlayerState): void {
    if (state.kind === this.#state.kind && state.kind === 'idle') return;
    this.#state = state;
    clearInterval(this.#countdown);
    if (state.kind === 'lost') this.#countdown = setInterval(() => this.#show(), COUNTDOWN_MS);
    this.#show();
    this.dispatchEvent(new CustomEvent('statechange', { detail: state }));
  }

  #show(): void {
    this.#view.show({
      state: this.#state,
      muted: this.#muted,
      volume: this.#volume,
      controls: this.controls,
      showsStats: this.#showsStats,
      isFullScreen: document.fullscreenElement === this,
      stats: this.stats,
    });
  }

  #followVisibility(): void {
    this.#engine?.setVisible(document.visibilityState === 'visible');
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // Buttons and the slider have their own meaning for the space bar.
    const onControl = event.composedPath()[0] !== this;
    switch (event.key) {
      case ' ':
        if (onControl) return;
        this.#playOrPause();
        break;
      case 'm':
        this.#toggleSound();
        break;
      case 'f':
        this.#toggleFullScreen();
        break;
      case 'i':
        this.#toggleStats();
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  #playOrPause(): void {
    if (this.#paused || !this.#engine) this.play();
    else void this.close();
  }

  #toggleSound(): void {
    const isBlocked = this.#state.kind === 'live' && this.#state.sound.kind === 'blocked';
    if (!isBlocked) this.muted = !this.#muted;
    this.#engine?.unlock();
  }

  #toggleStats(): void {
    this.#showsStats = !this.#showsStats;
    this.#show();
  }

  #toggleFullScreen(): void {
    const change = document.fullscreenElement === this ? document.exitFullscreen() : this.requestFullscreen();
    // Refused without a tap, in a frame without permission, or where the device has none: the picture stays as it is.
    change.catch((error: Error) => this.#report(error));
  }
}

/** Defines `<perch-player>`, once. */
export function definePlayer(): void {
  if (!customElements.get('perch-player')) customElements.define('perch-player', PerchPlayer);
}

declare global {
  interface HTMLElementTagNameMap {
    'perch-player': PerchPlayer;
  }
}
