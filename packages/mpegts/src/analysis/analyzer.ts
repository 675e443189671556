import type { Damage } from '../damage.ts';
import { Demuxer } from '../demuxer.ts';
import { NULL_PID, PAT_PID, PID_COUNT, pidOf } from '../packet/packet.ts';
import type { AccessUnit, ClockReference, Program } from '../program.ts';
import { IntervalMeter } from './intervals.ts';
import type { OtherPid, ProgramReport, Report } from './report.ts';
import { StreamMeter } from './stream-meter.ts';

/** How much of the damage is told in full. */
const FIRST_DAMAGE = 20;
const TICKS_27M_PER_MS = 27_000;
/** ISO/IEC 13818-1 2.7.2: at most 100 ms are allowed between two PCRs; a step of seconds is another clock. */
const PCR_JUMP_MS = 5_000;

interface ProgramMeter {
  program: Program;
  changes: number;
  readonly pcr: IntervalMeter;
  pcrs: number;
  jumps: number;
  /** Ticks of 90 kHz. */
  clock: number | undefined;
  /** Where the first and the last PCR were. */
  firstAt: number | undefined;
  lastAt: number;
  readonly streams: Map<number, StreamMeter>;
}

/** Table 2-3 and ETSI EN 300 468 table 1: PIDs with a fixed meaning. */
const fixedPids: Readonly<Record<number, string>> = {
  1: 'CAT',
  2: 'TSDT',
  16: 'NIT',
  17: 'SDT',
  18: 'EIT',
  19: 'RST',
  20: 'TDT',
};

/** Finds out what there is to know about a transport stream. Push bytes, ask for a report at any time. */
export class Analyzer {
  readonly #packets = new Float64Array(PID_COUNT);
  readonly #continuityErrors = new Map<number, number>();
  readonly #firstDamage: Damage[] = [];
  readonly #programs = new Map<number, ProgramMeter>();
  readonly #demuxer = new Demuxer({
    onPacket: (bytes, packet) => {
      const pid = pidOf(bytes, packet);
      this.#packets[pid] = (this.#packets[pid] as number) + 1;
    },
    onProgram: (program) => this.#takeProgram(program),
    onAccessUnit: (unit) => this.#takeUnit(unit),
    onPcr: (reference) => this.#takePcr(reference),
    onDamage: (damage) => this.#takeDamage(damage),
  });

  push(bytes: Uint8Array): void {
    this.#demuxer.push(bytes);
  }

  /** No more bytes come. */
  flush(): void {
    this.#demuxer.flush();
  }

  /** Packets so far. */
  get packets(): number {
    return this.#demuxer.stats.packets;
  }

  /** Packets of each PID so far. A view, for counters that are shown while the stream runs. */
  get packetsByPid(): Readonly<Float64Array> {
    return this.#packets;
  }

  /** What is known so far. Programs that have gone stay in it. */
  report(): Report {
    const { bytes, packets, nullPackets, duplicatePackets, damage } = this.#demuxer.stats;
    const programs = [...this.#programs.values()].map((meter) => this.#reportProgram(meter));
    const seconds = Math.max(0, ...programs.map((program) => program.durationSeconds ?? 0));
    return {
      bytes,
      packets,
      nullPackets,
      duplicatePackets,
      ...(seconds > 0 && { bitRate: Math.round((packets * 188 * 8) / seconds) }),
      continuityErrors: damage.continuity,
      damage: { ...damage },
      firstDamage: [...this.#firstDamage],
      programs,
      otherPids: this.#otherPids(),
    };
  }

  #reportProgram(meter: ProgramMeter): ProgramReport {
    const { program, pcr, pcrs, changes, jumps } = meter;
    const byStamps = Math.max(0, ...[...meter.streams.values()].map((stream) => stream.seconds));
    // What is before the first PCR and after the last is taken to run at the rate of what is between them.
    const timed = meter.lastAt - (meter.firstAt ?? 0);
    const seconds =
      pcr.seconds > 0 && timed > 0 ? (pcr.seconds * this.#demuxer.stats.bytes) / timed : byStamps;
    const interval = pcr.report();
    const offset = avOffset(meter);
    const listed = new Set(program.streams.map(({ pid }) => pid));
    return {
      number: program.number,
      pmtPid: program.pmtPid,
      pcrPid: program.pcrPid,
      version: program.version,
      changes,
      ...(seconds > 0 && { durationSeconds: Math.round(seconds * 1000) / 1000 }),
      pcr: { count: pcrs, jumps: jumps + pcr.jumps, ...(interval && { interval }) },
      ...(offset !== undefined && { audioVideoOffsetMs: offset }),
      streams: [...meter.streams.values()].map((stream) => {
        const { pid } = stream.stream;
        const found = stream.report(this.#packets[pid] ?? 0, this.#continuityErrors.get(pid) ?? 0, seconds);
        return listed.has(pid) ? found : { ...found, gone: true };
      }),
    };
  }

  #otherPids(): OtherPid[] {
    const names = new Map<number, string>([
      [PAT_PID, 'PAT'],
      [NULL_PID, 'null'],
    ]);
    const elementary = new Set<number>();
    for (const { program, streams } of this.#programs.values()) {
      names.set(program.pmtPid, 'PMT');
      if (!names.has(program.pcrPid)) names.set(program.pcrPid, 'PCR');
      for (const pid of streams.keys()) elementary.add(pid);
    }
    const others: OtherPid[] = [];
    for (const [pid, packets] of this.#packets.entries()) {
      if (packets === 0 || elementary.has(pid)) continue;
      const what = names.get(pid) ?? fixedPids[pid] ?? 'not listed';
      others.push({ pid, what, packets, continuityErrors: this.#continuityErrors.get(pid) ?? 0 });
    }
    return others;
  }

  #takeProgram(program: Program): void {
    let meter = this.#programs.get(program.number);
    if (!meter) {
      meter = {
        program,
        changes: 0,
        pcr: new IntervalMeter(TICKS_27M_PER_MS, PCR_JUMP_MS),
        pcrs: 0,
        jumps: 0,
        clock: undefined,
        firstAt: undefined,
        lastAt: 0,
        streams: new Map(),
      };
      this.#programs.set(program.number, meter);
    }
    if (meter.program.version !== program.version) meter.changes++;
    meter.program = program;
    for (const stream of program.streams) {
      const known = meter.streams.get(stream.pid);
      if (known) known.stream = stream;
      else meter.streams.set(stream.pid, new StreamMeter(stream));
    }
  }

  #takeUnit(unit: AccessUnit): void {
    for (const meter of this.#programs.values()) {
      const stream = meter.streams.get(unit.pid);
      if (!stream) continue;
      stream.add(unit, meter.clock);
      return;
    }
  }

  #takePcr({ programNumber, pcr, discontinuity, at }: ClockReference): void {
    const meter = this.#programs.get(programNumber);
    if (!meter) return;
    meter.pcrs++;
    meter.firstAt ??= at;
    meter.lastAt = at;
    meter.clock = pcr / 300;
    if (discontinuity) {
      meter.jumps++;
      meter.pcr.restart();
    }
    meter.pcr.at(pcr);
  }

  #takeDamage(damage: Damage): void {
    if (this.#firstDamage.length < FIRST_DAMAGE) this.#firstDamage.push(damage);
    if (damage.kind !== 'continuity') return;
    this.#continuityErrors.set(damage.pid, (this.#continuityErrors.get(damage.pid) ?? 0) + 1);
  }
}

/** First sound after first picture, in milliseconds. */
function avOffset(meter: ProgramMeter): number | undefined {
  const first = (kind: 'audio' | 'video') =>
    [...meter.streams.values()].find((s) => s.stream.class === kind && s.firstPts !== undefined)?.firstPts;
  const audio = first('audio');
  const video = first('video');
  if (audio === undefined || video === undefined) return undefined;
  return Math.round(((audio - video) / 90) * 1000) / 1000;
}
