import type { Damage, Intervals, ProgramReport, Report, StreamReport } from '@perch/mpegts';
import type { Clap } from './clap.ts';
import { table } from './table.ts';

const hex = (pid: number): string => `0x${pid.toString(16).padStart(4, '0')}`;
const count = (value: number): string => value.toLocaleString('en-US');
const plural = (value: number, one: string): string => `${count(value)} ${one}${value === 1 ? '' : 's'}`;

/** Bits per second, as people say it. */
export const rate = (bits: number | undefined): string =>
  bits === undefined
    ? '–'
    : bits >= 1e6
      ? `${(bits / 1e6).toFixed(2)} Mbit/s`
      : `${(bits / 1e3).toFixed(1)} kbit/s`;

const ms = (value: number): string => `${Number(value.toFixed(value < 100 ? 1 : 0))} ms`;
const intervals = (found: Intervals | undefined): string =>
  found ? `mean ${ms(found.meanMs)}, longest ${ms(found.maxMs)}` : '–';

const format = (stream: StreamReport): string => {
  const parts = [];
  if (stream.width !== undefined) parts.push(`${stream.width}×${stream.height}`);
  if (stream.frameRate !== undefined) parts.push(`${Number(stream.frameRate.toFixed(2))}/s`);
  if (stream.sampleRate !== undefined) parts.push(`${stream.sampleRate} Hz`);
  if (stream.channels !== undefined)
    parts.push(stream.channels === 1 ? 'mono' : `${stream.channels} channels`);
  if (stream.codecString !== undefined) parts.push(stream.codecString);
  if (stream.language !== undefined) parts.push(stream.language);
  return parts.join(' ') || '–';
};

/** A report as text for people. */
export function renderText(report: Report, name: string): string {
  const lines = [
    `${name}: MPEG transport stream, ${count(report.bytes)} bytes, ${plural(report.packets, 'packet')}` +
      (report.bitRate === undefined ? '' : `, ${rate(report.bitRate)}`),
  ];
  if (report.programs.length === 0) {
    lines.push('', 'No program: neither PAT nor PMT was found, so nothing tells what the packets are.');
  }
  for (const program of report.programs) lines.push('', ...renderProgram(program));
  if (report.otherPids.length > 0) {
    const others = report.otherPids.map(
      ({ pid, what, packets }) => `${hex(pid)} ${what} (${count(packets)})`,
    );
    lines.push('', `Other PIDs: ${others.join(', ')}`);
  }
  lines.push('', ...renderDamage(report));
  return `${lines.join('\n')}\n`;
}

/** What the test clap says of sound and picture. */
export function renderClap({ claps, offsetMs, worstMs }: Clap): string {
  const where = offsetMs === 0 ? 'with' : offsetMs < 0 ? 'before' : 'after';
  const by = offsetMs === 0 ? '' : `${Math.abs(offsetMs)} ms `;
  return `\nTest clap: sound comes ${by}${where} its picture (${claps} claps, worst ${worstMs} ms)\n`;
}

function renderProgram(program: ProgramReport): string[] {
  const { pcr } = program;
  const facts = [`PMT ${hex(program.pmtPid)} version ${program.version}`];
  if (program.changes > 0) facts.push(`changed ${program.changes} times`);
  if (program.durationSeconds !== undefined) facts.push(`${program.durationSeconds.toFixed(2)} s`);
  const lines = [`Program ${program.number} (${facts.join(', ')})`];
  const clock = pcr.count === 0 ? 'none' : `every ${intervals(pcr.interval)}`;
  const jumps = pcr.jumps > 0 ? `, ${plural(pcr.jumps, 'jump')}` : '';
  lines.push(`  PCR on ${hex(program.pcrPid)}: ${clock}${jumps}`);
  if (program.audioVideoOffsetMs !== undefined) {
    const by = ms(Math.abs(program.audioVideoOffsetMs));
    lines.push(`  Sound begins ${by} ${program.audioVideoOffsetMs < 0 ? 'before' : 'after'} picture`);
  }
  const rows = [['PID', 'codec', 'format', 'bit rate', 'units', 'key points', 'PTS', 'lost']];
  for (const stream of program.streams) {
    const { randomAccess, firstPts, lastPts } = stream;
    rows.push([
      hex(stream.pid),
      stream.gone ? `${stream.codec} (gone)` : stream.codec,
      format(stream),
      rate(stream.bitRate),
      count(stream.accessUnits),
      randomAccess
        ? `${randomAccess.count}${randomAccess.interval ? `, every ${ms(randomAccess.interval.meanMs)}` : ''}`
        : '–',
      firstPts === undefined || lastPts === undefined
        ? '–'
        : `${firstPts.toFixed(3)} – ${lastPts.toFixed(3)}`,
      count(stream.continuityErrors),
    ]);
  }
  lines.push(
    ...table(rows, [3, 4, 7])
      .split('\n')
      .map((line) => `  ${line}`),
  );
  return lines;
}

function renderDamage(report: Report): string[] {
  const found = Object.entries(report.damage).filter(([, times]) => times > 0);
  if (found.length === 0) return ['No damage: no packet lost, every table and time stamp readable.'];
  const kinds = found.map(([kind, times]) => `${kind} ${count(times)}`);
  const lines = [`Damage: ${kinds.join(', ')}`];
  for (const damage of report.firstDamage)
    lines.push(`  at byte ${count(damage.at)}: ${describeDamage(damage)}`);
  return lines;
}

/** One line for one piece of damage. */
export function describeDamage(damage: Damage): string {
  switch (damage.kind) {
    case 'sync':
      return `${plural(damage.bytes, 'byte')} that belong to no packet`;
    case 'transport-error':
      return `${hex(damage.pid)}: the packet is marked as faulty`;
    case 'adaptation':
      return `${hex(damage.pid)}: impossible adaptation field`;
    case 'scrambled':
      return `${hex(damage.pid)}: encrypted`;
    case 'continuity':
      return `${hex(damage.pid)}: packets lost (counter ${damage.found} in place of ${damage.expected})`;
    case 'section':
      return `${hex(damage.pid)}: unreadable table (${damage.fault})`;
    case 'pes':
      return `${hex(damage.pid)}: PES packet ${damage.fault}`;
    case 'access-unit':
      return `${hex(damage.pid)}: access unit, ${damage.fault}${damage.bytes > 0 ? ` (${plural(damage.bytes, 'byte')})` : ''}`;
    case 'too-many-streams':
      return `${hex(damage.pid)}: more streams than are followed`;
  }
}
