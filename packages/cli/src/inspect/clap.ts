import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';

/** So much of a stream is looked at for a clapperboard, in bytes and seconds. */
export const CLAP_BYTES = 24 * 1024 * 1024;
const CLAP_SECONDS = 20;
/** Fewer are no clapperboard. */
const FEWEST = 3;
/** A clapperboard is dark and silent nearly all the time. */
const MOST_ON = 0.3;
/** Brightness (0 … 255) of a flash; level of a beep, in dBFS. */
const FLASH = 120;
const BEEP = -35;
/** What comes on again within this is the same clap, in seconds. */
const SAME = 0.25;
/** A flash and a beep further apart do not belong together, in seconds. */
const APART = 0.5;

/** A test clap that was seen and heard: a white picture and a beep at the same moment, again and again. */
export interface Clap {
  /** How many were found. */
  readonly claps: number;
  /** Sound minus picture, in ms: positive where the beep comes late. The one in the middle, and the largest. */
  readonly offsetMs: number;
  readonly worstMs: number;
  /** Of each. */
  readonly offsetsMs: readonly number[];
}

/**
 * Decodes a transport stream with ffmpeg and looks for a test clap.
 *
 * @returns `undefined` where there is none, or no ffmpeg.
 */
export async function findClap(parts: readonly Uint8Array[]): Promise<Clap | undefined> {
  const ffmpeg = spawn(
    'ffmpeg',
    [
      ...['-hide_banner', '-loglevel', 'quiet', '-nostdin', '-copyts', '-t', String(CLAP_SECONDS)],
      ...['-f', 'mpegts', '-i', 'pipe:0'],
      ...['-map', '0:v:0', '-vf'],
      'scale=160:-2,signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=pipe\\\\:3:direct=1',
      ...['-fps_mode', 'passthrough', '-f', 'null', '-'],
      ...['-map', '0:a:0', '-af'],
      'aresample=48000,asetnsamples=n=48:p=0,astats=metadata=1:reset=1,' +
        'ametadata=print:key=lavfi.astats.Overall.RMS_level:file=pipe\\\\:4:direct=1',
      ...['-f', 'null', '-'],
    ],
    { stdio: ['pipe', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const ended = once(ffmpeg, 'close').catch(() => undefined);
  const stdin = ffmpeg.stdin;
  // It reads no further than it must.
  stdin?.on('error', () => undefined);
  for (const part of parts) stdin?.write(part);
  stdin?.end();
  const series = Promise.all([
    readSeries(ffmpeg.stdio[3] as Readable),
    readSeries(ffmpeg.stdio[4] as Readable),
  ]);
  const [light, level] = await series.catch(() => [[], []] as const);
  await ended;
  return pair(
    light.map(({ at, value }) => ({ at, on: value > FLASH })),
    level.map(({ at, value }) => ({ at, on: value > BEEP })),
  );
}

interface Sample {
  readonly at: number;
  readonly on: boolean;
}

/** Flashes and beeps that belong together. */
export function pair(light: readonly Sample[], level: readonly Sample[]): Clap | undefined {
  if (!isMostlyOff(light) || !isMostlyOff(level)) return undefined;
  const beeps = onsets(level);
  const offsets = onsets(light).flatMap((flash) => {
    const nearest = beeps.reduce(
      (best, beep) => (Math.abs(beep - flash) < Math.abs(best - flash) ? beep : best),
      Number.POSITIVE_INFINITY,
    );
    return Math.abs(nearest - flash) < APART ? [Math.round((nearest - flash) * 1000)] : [];
  });
  if (offsets.length < FEWEST) return undefined;
  const sorted = offsets.toSorted((a, b) => a - b);
  return {
    claps: offsets.length,
    offsetMs: sorted[sorted.length >> 1] as number,
    worstMs: offsets.reduce((worst, offset) => (Math.abs(offset) > Math.abs(worst) ? offset : worst)),
    offsetsMs: offsets,
  };
}

const isMostlyOff = (samples: readonly Sample[]): boolean =>
  samples.filter(({ on }) => on).length < samples.length * MOST_ON;

/** Where something comes on that was not on just before. */
function onsets(samples: readonly Sample[]): number[] {
  const found: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const [i, { at, on }] of samples.entries()) {
    if (!on) continue;
    // What is on from the beginning may have come on before.
    if (i > 0 && at - last > SAME) found.push(at);
    last = at;
  }
  return found;
}

/** What ffmpeg's `metadata=print` writes: a line with the time, a line with the value. */
async function readSeries(output: Readable): Promise<{ at: number; value: number }[]> {
  const samples: { at: number; value: number }[] = [];
  let text = '';
  for await (const chunk of output) text += chunk;
  let at = Number.NaN;
  for (const line of text.split('\n')) {
    const time = /pts_time:([-\d.]+)/.exec(line);
    const value = /^lavfi\.[^=]*=(.*)$/.exec(line);
    if (time) at = Number(time[1]);
    else if (value)
      samples.push({ at, value: value[1] === '-inf' ? Number.NEGATIVE_INFINITY : Number(value[1]) });
  }
  return samples;
}
