import type { Analyzer, Report } from '@perch/mpegts';
import { type Clock, millis, systemClock } from '@perch/runtime';
import { CLAP_BYTES, type Clap, findClap } from './clap.ts';
import { InspectError } from './errors.ts';
import { type InputOptions, openInput } from './input.ts';
import { inspect } from './inspect.ts';
import { LiveLine, type Output } from './live.ts';
import { renderClap, renderText } from './text.ts';
import { Watch } from './watch.ts';

const LIVE_PERIOD = millis(1000);

export interface RunInspectOptions extends InputOptions {
  /** The report as JSON; with `live` a line of JSON each second. */
  readonly json?: boolean;
  /** Counters each second while reading, then the report. */
  readonly live?: boolean;
  /** The stream's health each second and a line for each change, then the report. */
  readonly watch?: boolean;
  /** Stop after so many seconds. Default: at the end of the input. */
  readonly seconds?: number | undefined;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock?: Clock;
}

/** `perch inspect`. Returns the exit code: 0 done, 1 failed, 2 misused. */
export async function runInspect(options: RunInspectOptions): Promise<0 | 1 | 2> {
  const { input, json = false, live = false, watch = false, seconds, stdout, stderr } = options;
  const { clock = systemClock } = options;
  if (input === '')
    return fail(stderr, 'Give a file, - for standard input, or an address. See perch inspect --help.', 2);
  if (seconds !== undefined && !(seconds > 0)) return fail(stderr, '--seconds: give a number above 0', 2);
  const stop = new AbortController();
  const onAbort = () => stop.abort();
  options.signal?.addEventListener('abort', onAbort);
  if (options.signal?.aborted) stop.abort();
  using _timer = seconds === undefined ? undefined : clock.after(millis(seconds * 1000), onAbort);
  const name = input === '-' ? 'standard input' : input;
  const counters = new LiveLine(stdout, () => clock.now() / 1000);
  const watching = new Watch({
    output: stdout,
    json,
    seconds: () => clock.now() / 1000,
    wall: () => clock.wall(),
  });
  let analyzer: Analyzer | undefined;
  using _live =
    live || watch
      ? clock.every(LIVE_PERIOD, () => {
          if (!analyzer) return;
          if (watch) watching.show(analyzer);
          else if (json) stdout.write(`${JSON.stringify(analyzer.report())}\n`);
          else counters.show(analyzer);
        })
      : undefined;
  try {
    const source = await openInput({ ...options, signal: stop.signal });
    const begin = new Begin();
    const report: Report = await inspect(begin.of(source), {
      name,
      signal: stop.signal,
      onRead: (reading) => {
        analyzer = reading;
      },
    });
    counters.end();
    watching.end();
    const clap = hasBoth(report) ? await findClap(begin.parts) : undefined;
    if (json) stdout.write(toJson({ ...report, ...(clap && { clap }) }, live || watch));
    else stdout.write(renderText(report, name) + (clap ? renderClap(clap) : ''));
    return 0;
  } catch (error) {
    counters.end();
    if (error instanceof InspectError)
      return fail(stderr, error.message, error.code === 'inspect-bad-input' ? 2 : 1);
    return fail(stderr, `${name}: ${error instanceof Error ? error.message : String(error)}`, 1);
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }
}

/** The beginning of an input, kept while it is read. */
class Begin {
  readonly parts: Uint8Array[] = [];
  #bytes = 0;

  async *of(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const read of source) {
      if (this.#bytes < CLAP_BYTES) this.parts.push(read);
      this.#bytes += read.length;
      yield read;
    }
  }
}

/** Only what has sound and picture can clap. */
const hasBoth = ({ programs }: Report): boolean =>
  programs.some(
    ({ streams }) =>
      streams.some(({ class: kind, accessUnits }) => kind === 'video' && accessUnits > 0) &&
      streams.some(({ class: kind, accessUnits }) => kind === 'audio' && accessUnits > 0),
  );

const toJson = (report: Report & { readonly clap?: Clap }, isLine: boolean): string =>
  `${JSON.stringify(report, undefined, isLine ? undefined : 2)}\n`;

function fail<Code extends number>(stderr: Output, message: string, code: Code): Code {
  stderr.write(`perch inspect: ${message}\n`);
  return code;
}
