import type { Unit } from '@perch/runtime';

/** A presentation time in the stream's own timeline, unwrapped, in milliseconds with fractions. */
export type MediaMs = Unit<'media ms'>;

/** Names a plain number as a presentation time in milliseconds. */
export const mediaMs = (value: number): MediaMs => value as MediaMs;

/** 90 kHz ticks of a transport stream, as milliseconds. */
export const fromTicks90k = (ticks: number): MediaMs => mediaMs(ticks / 90);

/** What WebCodecs calls a timestamp: whole microseconds. */
export const toMicros = (time: MediaMs): number => Math.round(time * 1000);
export const fromMicros = (micros: number): MediaMs => mediaMs(micros / 1000);
