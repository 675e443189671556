import type { Analyzer, ProgramReport, Report, StreamReport } from '@perch/mpegts';
import type { Output } from './live.ts';
import { table } from './table.ts';
import { describeDamage, rate } from './text.ts';

/** So much is said of one look; a storm of damage is counted, not told piece by piece. */
const MOST_EVENTS = 8;

export interface WatchOptions {
  readonly output: Output;
  /** Lines of JSON in place of a table: `{"at", "event"}` and `{"at", "report"}`. */
  readonly json: boolean;
  /** A monotonic clock. */
  readonly seconds: () => number;
  /** The wall clock, in ms. */
  readonly wall: () => number;
}

/**
 * A live stream's health, looked at once a second: a table that is written over, and above it a line for each thing that
 * changed. Where the output is no terminal, only those lines and one of figures for each look.
 */
export class Watch {
  readonly #options: WatchOptions;
  #before: Report | undefined;
  #beforeBits = new Float64Array(0);
  #lookedAt: number;
  #lines = 0;
  #isSilent = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#lookedAt = options.seconds();
  }

  /** Looks at what came since the last time. */
  show(analyzer: Analyzer): void {
    const { seconds, json } = this.#options;
    const elapsed = Math.max(0.001, seconds() - this.#lookedAt);
    this.#lookedAt = seconds();
    const report = analyzer.report();
    const events = this.#before ? changes(this.#before, report) : [`begins: ${described(report)}`];
    const came = report.packets - (this.#before?.packets ?? 0);
    if (this.#isSilent !== (came === 0)) {
      this.#isSilent = came === 0;
      events.push(this.#isSilent ? 'nothing comes' : 'it goes on');
    }
    const rates = (pid: number) =>
      (((analyzer.packetsByPid[pid] ?? 0) - (this.#beforeBits[pid] ?? 0)) * 188 * 8) / elapsed;
    if (json) this.#writeJson(events, report);
    else this.#writeText(events, report, rates);
    this.#before = report;
    this.#beforeBits = Float64Array.from(analyzer.packetsByPid);
  }

  /** Leaves the last table as it is. */
  end(): void {
    this.#lines = 0;
  }

  #writeJson(events: readonly string[], report: Report): void {
    const { output, wall } = this.#options;
    const at = new Date(wall()).toISOString();
    for (const event of events) output.write(`${JSON.stringify({ at, event })}\n`);
    output.write(`${JSON.stringify({ at, report })}\n`);
  }

  #writeText(events: readonly string[], report: Report, rates: (pid: number) => number): void {
    const { output, wall } = this.#options;
    const clock = new Date(wall()).toTimeString().slice(0, 8);
    const told = events.map((event) => `${clock}  ${event}`);
    const figures = health(report, rates);
    if (!output.isTTY) {
      const line = figures.map((row) => row.join(' ')).join(' · ');
      output.write([...told, `${clock}  ${line}`, ''].join('\n'));
      return;
    }
    // Up to where the last table began, and erase to the end of the screen.
    const back = this.#lines > 0 ? `\x1b[${this.#lines}A\x1b[J` : '';
    const lines = table([HEAD, ...figures], [3, 4, 5, 6]).split('\n');
    output.write(`${back}${[...told, ...lines, ''].join('\n')}`);
    this.#lines = lines.length;
  }
}

const HEAD = ['PID', 'codec', 'bit rate', 'units', 'key points every', 'lost', 'A/V'];

function health(report: Report, rates: (pid: number) => number): string[][] {
  return report.programs.flatMap((program) =>
    current(program).map((stream) => [
      hex(stream.pid),
      stream.codec,
      rate(rates(stream.pid)),
      String(stream.accessUnits),
      stream.randomAccess?.interval ? `${Math.round(stream.randomAccess.interval.meanMs)} ms` : '–',
      String(stream.continuityErrors),
      stream.class === 'audio' ? ahead(program, stream) : '–',
    ]),
  );
}

/** How far the newest sound is ahead of the newest picture, by time stamps. */
function ahead(program: ProgramReport, sound: StreamReport): string {
  const picture = current(program).find((stream) => stream.class === 'video');
  if (picture?.lastPts === undefined || sound.lastPts === undefined) return '–';
  return `${Math.round((sound.lastPts - picture.lastPts) * 1000)} ms`;
}

/** What is different now, in words. */
export function changes(before: Report, now: Report): string[] {
  const events: string[] = [];
  for (const program of now.programs) {
    const old = before.programs.find(({ number }) => number === program.number);
    if (!old) events.push(`program ${program.number} begins`);
    else events.push(...programChanges(old, program));
  }
  for (const { number } of before.programs) {
    if (!now.programs.some((program) => program.number === number)) events.push(`program ${number} is gone`);
  }
  const lost = now.continuityErrors - before.continuityErrors;
  if (lost > 0) events.push(`packets lost at ${lost} place${lost === 1 ? '' : 's'}`);
  for (const damage of now.firstDamage.slice(before.firstDamage.length)) {
    if (damage.kind !== 'continuity') events.push(describeDamage(damage));
  }
  if (events.length <= MOST_EVENTS) return events;
  return [...events.slice(0, MOST_EVENTS), `and ${events.length - MOST_EVENTS} more`];
}

function programChanges(before: ProgramReport, now: ProgramReport): string[] {
  const events: string[] = [];
  const key = ({ pid, codec }: StreamReport) => `${hex(pid)} ${codec}`;
  const old = new Set(current(before).map(key));
  const here = new Set(current(now).map(key));
  const come = [...here].filter((stream) => !old.has(stream)).map((stream) => `${stream} comes`);
  const gone = [...old].filter((stream) => !here.has(stream)).map((stream) => `${stream} goes`);
  if (now.changes > before.changes) {
    const what = [...gone, ...come].join(', ') || 'and back';
    events.push(`PMT version ${now.version}: ${what}`);
  } else if (come.length + gone.length > 0) events.push([...gone, ...come].join(', '));
  if (now.pcrPid !== before.pcrPid) events.push(`PCR moves to ${hex(now.pcrPid)}`);
  if (now.pcr.jumps > before.pcr.jumps) events.push('PCR jumps');
  return events;
}

const described = (report: Report): string =>
  report.programs
    .flatMap((program) => current(program).map(({ pid, codec }) => `${hex(pid)} ${codec}`))
    .join(', ') || 'no program yet';

/** The streams that the PMT lists now. */
const current = ({ streams }: ProgramReport): StreamReport[] => streams.filter(({ gone }) => !gone);

const hex = (pid: number): string => `0x${pid.toString(16).padStart(4, '0')}`;
