import type { Damage } from '../damage.ts';
import { Demuxer, type DemuxerStats } from '../demuxer.ts';
import type { AccessUnit, ClockReference, Program } from '../program.ts';

/** Everything that came out of a demuxer, in order. */
export interface Demuxed {
  programs: Program[];
  gone: number[];
  units: AccessUnit[];
  damage: Damage[];
  clocks: ClockReference[];
  stats: DemuxerStats;
}

export function demux(pieces: Iterable<Uint8Array>): Demuxed {
  const programs: Program[] = [];
  const gone: number[] = [];
  const units: AccessUnit[] = [];
  const damage: Damage[] = [];
  const clocks: ClockReference[] = [];
  const demuxer = new Demuxer({
    onProgram: (program) => programs.push(program),
    onProgramGone: (program) => gone.push(program),
    onAccessUnit: (unit) => units.push(unit),
    onDamage: (one) => damage.push(one),
    onPcr: (clock) => clocks.push(clock),
  });
  for (const piece of pieces) demuxer.push(piece);
  demuxer.flush();
  return { programs, gone, units, damage, clocks, stats: demuxer.stats };
}
