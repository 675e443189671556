import type { Analyzer, Report } from '@perch/mpegts';
import { type Clock, millis, systemClock } from '@perch/runtime';
import { InspectError } from './errors.ts';
import { type InputOptions, openInput } from './input.ts';
import { inspect } from './inspect.ts';
import { LiveLine, type Output } from './live.ts';
import { renderText } from './text.ts';

const LIVE_PERIOD = millis(1000);

export interface RunInspectOptions extends InputOptions {
  /** The report as JSON; with `live` a line of JSON each second. */
  readonly json?: boolean;
  /** Counters each second while reading, then the report. */
  readonly live?: boolean;
  /** Stop after so many seconds. Default: at the end of the input. */
  readonly seconds?: number | undefined;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock?: Clock;
}

/** `perch inspect`. Returns the exit code: 0 done, 1 failed, 2 misused. */
export async function runInspect(options: RunInspectOptions): Promise<0 | 1 | 2> {
  const { input, json = false, live = false, seconds, stdout, stderr, clock = systemClock } = options;
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
  let analyzer: Analyzer | undefined;
  using _live = live
    ? clock.every(LIVE_PERIOD, () => {
        if (!analyzer) return;
        if (json) stdout.write(`${JSON.stringify(analyzer.report())}\n`);
        else counters.show(analyzer);
      })
    : undefined;
  try {
    const source = await openInput({ ...options, signal: stop.signal });
    const report: Report = await inspect(source, {
      name,
      signal: stop.signal,
      onRead: (reading) => {
        analyzer = reading;
      },
    });
    counters.end();
    if (json) stdout.write(`${JSON.stringify(report, undefined, live ? undefined : 2)}\n`);
    else stdout.write(renderText(report, name));
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

function fail<Code extends number>(stderr: Output, message: string, code: Code): Code {
  stderr.write(`perch inspect: ${message}\n`);
  return code;
}
