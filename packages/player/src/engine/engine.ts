import type { Emitter } from '@perch/runtime';
import type { PlayerState, PlayerStats, TimedData } from '../state.ts';

export interface EngineEvents {
  state: PlayerState;
  stats: PlayerStats;
  /** Timed data whose picture is shown now. */
  data: TimedData;
  /** Something went wrong and the engine goes on; the state says where that leads. */
  error: Error;
}

export interface EngineOptions {
  /** Absolute: `ws(s)://…/out/…` or `http(s)://…/session/…`. */
  readonly url: string;
  /** For http(s) addresses; without it the browser's cookies speak. */
  readonly token: string | undefined;
  readonly muted: boolean;
  /** 0 … 1. */
  readonly volume: number;
}

/**
 * One way to play a stream. Made for one address and one showing: it connects when it is made and is of no use once
 * closed.
 */
export interface Engine {
  readonly events: Emitter<EngineEvents>;
  readonly state: PlayerState;
  readonly stats: PlayerStats | undefined;
  /** What shows the picture; the maker of the engine puts it on the page. */
  readonly picture: HTMLElement;
  /** Used for the next session; does not interrupt the current one. */
  setToken(token: string | undefined): void;
  setMuted(muted: boolean): void;
  setVolume(volume: number): void;
  /** To be called in the handler of a tap or key: browsers start sound only then. */
  unlock(): void;
  setVisible(visible: boolean): void;
  /** The network is back: try now. */
  reconnect(): void;
  /** Lets go of everything. Idempotent; resolves when all is gone. */
  close(): Promise<void>;
}
