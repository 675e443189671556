export { definePlayer, PerchPlayer, type PerchPlayerEventMap } from './perch-player.ts';
export type { PlayerState, PlayerStats, SoundState, TimedData } from './state.ts';
