import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CLAP_PERIOD } from './clap-period.ts';

/** One half of the clapperboard, running. */
export interface ClapHalf extends AsyncDisposable {
  /** Kills its encoder as a crash would. */
  kill(): Promise<void>;
}

/** Starts one half: pictures that flash, or sound that beeps, encoded to an address. */
export function startClap(half: 'picture' | 'beep', url: string, encoder: readonly string[]): ClapHalf {
  const program = path.join(import.meta.dirname, 'clap-source.ts');
  const child = spawn(process.execPath, [program, half, url, '--', ...encoder], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return { kill: () => end(child, 'SIGTERM'), [Symbol.asyncDispose]: () => end(child, 'SIGTERM') };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

/** What a recording shows of the clapperboard. */
export interface Claps {
  /** Sound minus picture of each clap, in ms: positive where the beep comes late. */
  readonly offsets: readonly number[];
  /** When each clap was seen, in seconds of the stream's own time. */
  readonly at: readonly number[];
  /** What ffmpeg had to say of the recording. */
  readonly complaints: string;
}

/** Decodes a recording with ffmpeg, and finds flashes and beeps. */
export async function measureClaps(file: string): Promise<Claps> {
  const dir = await mkdtemp(path.join(tmpdir(), 'perch-clap-'));
  try {
    const [light, level] = [path.join(dir, 'light'), path.join(dir, 'level')];
    const ffmpeg = spawn(
      'ffmpeg',
      [
        ...['-hide_banner', '-loglevel', 'error', '-copyts', '-i', file],
        ...['-map', '0:v:0', '-vf', `signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=${light}`],
        ...['-fps_mode', 'passthrough', '-f', 'null', '-'],
        ...['-map', '0:a:0', '-af'],
        `asetnsamples=n=48:p=0,astats=metadata=1:reset=1,ametadata=print:key=lavfi.astats.Overall.RMS_level:file=${level}`,
        ...['-f', 'null', '-'],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let complaints = '';
    ffmpeg.stderr.on('data', (chunk: Buffer) => {
      complaints += chunk;
    });
    await once(ffmpeg, 'close');
    const flashes = onsets(await readSeries(light), (value) => value > 120);
    const beeps = onsets(await readSeries(level), (value) => value > -35);
    const pairs = flashes.flatMap((flash) => {
      const beep = beeps.reduce(
        (best, one) => (Math.abs(one - flash) < Math.abs(best - flash) ? one : best),
        Number.POSITIVE_INFINITY,
      );
      const offset = (beep - flash) * 1000;
      return Math.abs(offset) < CLAP_PERIOD / 2 ? [{ offset, at: flash }] : [];
    });
    return { offsets: pairs.map(({ offset }) => offset), at: pairs.map(({ at }) => at), complaints };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

interface Sample {
  readonly at: number;
  readonly value: number;
}

/** What ffmpeg's `metadata=print` wrote: a line with the time, a line with the value. */
async function readSeries(file: string): Promise<Sample[]> {
  const samples: Sample[] = [];
  let at = Number.NaN;
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    const time = /pts_time:([-\d.]+)/.exec(line);
    const value = /^lavfi\.[^=]*=(.*)$/.exec(line);
    if (time) at = Number(time[1]);
    else if (value) samples.push({ at, value: value[1] === '-inf' ? -200 : Number(value[1]) });
  }
  return samples;
}

/** Where something begins that was not there for a quarter of a second. */
function onsets(samples: readonly Sample[], isOn: (value: number) => boolean): number[] {
  const found: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  let isFirst = true;
  for (const { at, value } of samples) {
    if (!isOn(value)) {
      isFirst = false;
      continue;
    }
    if (!isFirst && at - last > 0.25) found.push(at);
    last = at;
  }
  return found;
}
