import type { PlayerState, PlayerStats, SoundState } from '../state.ts';
import { icons } from './icons.ts';
import { style } from './style.ts';
import { explanationOf, soundInWords, stateInWords, statsInWords } from './words.ts';

/** What a person can ask for. */
export interface ViewActions {
  playOrPause(): void;
  toggleSound(): void;
  setVolume(volume: number): void;
  toggleStats(): void;
  toggleFullScreen(): void;
}

/** What the view shows. */
export interface ViewModel {
  readonly state: PlayerState;
  readonly muted: boolean;
  readonly volume: number;
  readonly controls: boolean;
  readonly showsStats: boolean;
  readonly isFullScreen: boolean;
  readonly stats: PlayerStats | undefined;
}

/** The bar goes away after this long without a pointer or key, while the picture moves. */
const BAR_AWAY_MS = 3_000;

/** The player's picture, words and buttons, in a shadow root. It shows what it is told and reports what is pressed. */
export class View {
  readonly #screen = make('div', 'screen');
  readonly #note = make('div', 'note');
  readonly #noteSpinner = make('div', 'spinner');
  readonly #noteTitle = make('b');
  readonly #noteText = make('p');
  readonly #tap: HTMLButtonElement;
  readonly #bar = make('div', 'bar');
  readonly #play: HTMLButtonElement;
  readonly #sound: HTMLButtonElement;
  readonly #volume = make('input');
  readonly #dot = make('i', 'dot');
  readonly #words = make('span');
  readonly #statsButton: HTMLButtonElement;
  readonly #fullScreen: HTMLButtonElement;
  readonly #stats = make('dl', 'stats');
  readonly #heard = make('div', 'heard');
  #awayTimer: ReturnType<typeof setTimeout> | undefined;
  #isLive = false;
  #hasPicture = false;

  constructor(root: ShadowRoot, actions: ViewActions) {
    // Not an element, which a page's content security policy could forbid.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
    this.#play = button('', actions.playOrPause);
    this.#sound = button('', actions.toggleSound);
    this.#tap = button('tap', actions.toggleSound);
    this.#tap.innerHTML = `${icons.soundOff}<span>Tap for sound</span>`;
    this.#tap.part.add('tap');
    this.#statsButton = button('', actions.toggleStats);
    this.#statsButton.innerHTML = icons.stats;
    this.#statsButton.title = 'Statistics (i)';
    this.#statsButton.ariaLabel = 'Statistics';
    this.#fullScreen = button('', actions.toggleFullScreen);
    this.#volume.type = 'range';
    this.#volume.min = '0';
    this.#volume.max = '1';
    this.#volume.step = '0.05';
    this.#volume.ariaLabel = 'Volume';
    this.#volume.addEventListener('input', () => actions.setVolume(this.#volume.valueAsNumber));
    this.#bar.part.add('bar');
    const state = make('div', 'state');
    state.append(this.#dot, this.#words);
    state.ariaHidden = 'true'; // the polite region below says it once, without counting down
    this.#bar.append(this.#play, this.#sound, this.#volume, state, this.#statsButton, this.#fullScreen);
    this.#note.append(this.#noteSpinner, this.#noteTitle, this.#noteText);
    this.#note.ariaHidden = 'true';
    this.#heard.setAttribute('role', 'status');
    this.#heard.ariaLive = 'polite';
    root.append(this.#screen, this.#note, this.#tap, this.#stats, this.#bar, this.#heard);
  }

  /** Puts a new picture element on the screen, or takes it away. */
  setPicture(picture: HTMLElement | undefined): void {
    this.#screen.replaceChildren(...(picture ? [picture] : []));
    this.#hasPicture = false;
    this.#screen.classList.remove('has-picture');
  }

  /** A pointer or key moved: the bar comes back for a while. */
  wake(): void {
    this.#bar.classList.remove('away');
    clearTimeout(this.#awayTimer);
    if (this.#isLive) this.#awayTimer = setTimeout(() => this.#bar.classList.add('away'), BAR_AWAY_MS);
  }

  /** No timer is left behind. */
  close(): void {
    clearTimeout(this.#awayTimer);
  }

  show(model: ViewModel): void {
    const { state } = model;
    const words = stateInWords(state, performance.now());
    const explanation = explanationOf(state);
    this.#followLive(state.kind === 'live');
    if (state.kind === 'live') this.#hasPicture = true;
    this.#screen.classList.toggle('has-picture', this.#hasPicture);
    this.#showNote(state, words, explanation);
    this.#bar.hidden = !model.controls;
    this.#dot.className = `dot ${state.kind}`;
    // The countdown is over the picture; the bar has no room for it on a phone.
    set(this.#words, state.kind === 'lost' ? 'Connection lost' : words);
    this.#showButtons(model);
    const heard = state.kind === 'lost' ? `Connection lost. ${explanation}` : explanation || words;
    set(this.#heard, heard);
    this.#showStats(model);
  }

  #followLive(isLive: boolean): void {
    if (isLive === this.#isLive) return;
    this.#isLive = isLive;
    this.wake();
  }

  #showNote(state: PlayerState, words: string, explanation: string): void {
    this.#note.hidden = state.kind === 'live';
    this.#note.classList.toggle('over', this.#hasPicture);
    this.#noteSpinner.hidden = state.kind !== 'connecting' && state.kind !== 'waiting';
    set(this.#noteTitle, words);
    this.#noteText.hidden = explanation === '';
    // Options such as -c:v stay in one piece where a line ends.
    set(this.#noteText, explanation.replace(/(\s)-/g, '$1-\u2060'));
  }

  #showButtons({ state, muted, volume, isFullScreen, showsStats }: ViewModel): void {
    const sound: SoundState = state.kind === 'live' ? state.sound : { kind: 'none' };
    const isPaused = state.kind === 'idle';
    label(this.#play, isPaused ? icons.play : icons.pause, isPaused ? 'Play' : 'Pause', 'space');
    const { label: soundLabel, title } = soundInWords(sound, muted);
    const isSilent = muted || sound.kind === 'blocked' || sound.kind === 'unsupported';
    label(this.#sound, isSilent ? icons.soundOff : icons.soundOn, soundLabel);
    this.#sound.title = title;
    this.#sound.disabled = sound.kind === 'unsupported';
    this.#volume.valueAsNumber = volume;
    this.#tap.hidden = sound.kind !== 'blocked';
    this.#statsButton.ariaPressed = String(showsStats);
    label(
      this.#fullScreen,
      isFullScreen ? icons.leaveFullScreen : icons.fullScreen,
      isFullScreen ? 'Leave full screen' : 'Full screen',
      'f',
    );
  }

  #showStats({ showsStats, stats }: ViewModel): void {
    this.#stats.hidden = !showsStats;
    if (!showsStats) return;
    const rows = stats ? statsInWords(stats) : [['Statistics', 'none yet'] as const];
    this.#stats.replaceChildren(
      ...rows.flatMap(([name, value]) => {
        const term = make('dt');
        term.textContent = name;
        const detail = make('dd');
        detail.textContent = value;
        return [term, detail];
      }),
    );
  }
}

function make<K extends keyof HTMLElementTagNameMap>(name: K, className = ''): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  if (className) element.className = className;
  return element;
}

function button(className: string, pressed: () => void): HTMLButtonElement {
  const element = make('button', className);
  element.type = 'button';
  element.addEventListener('click', pressed);
  return element;
}

function label(element: HTMLButtonElement, icon: string, words: string, key?: string): void {
  if (element.ariaLabel === words) return;
  element.innerHTML = icon;
  element.ariaLabel = words;
  element.title = key ? `${words} (${key})` : words;
}

/** Sets the text only when it changed, so that a screen reader says it once. */
function set(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
