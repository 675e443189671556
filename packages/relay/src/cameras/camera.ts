import type { CameraCommand } from '@perch/protocol';
import type { Who } from '../audit/entry.ts';
import type { Row } from '../storage/row.ts';
import type { Schedule } from './schedule.ts';

/** Who wants something of a camera: somebody, its schedule, or the relay, which says again what somebody said. */
export type Asker = Omit<Who, 'kind'> & { readonly kind: Who['kind'] | 'schedule' | 'relay' };

/** What a camera is to be, and what is known of it. Times in milliseconds since 1970. */
export interface Camera {
  readonly device: string;
  readonly household: string;
  /** Whether it is to be armed; `undefined`: nobody ever said. */
  readonly wanted: boolean | undefined;
  readonly wantedBy: Asker | undefined;
  readonly wantedAt: number | undefined;
  readonly schedule: Schedule | undefined;
  /** When the schedule switches next. */
  readonly nextEdge: number | undefined;
  /** What the camera program was told last, as the device says; `undefined`: it does not know. */
  readonly known: boolean | undefined;
  /** Why the camera program cannot be told, in the device's words. */
  readonly problem: string | undefined;
  /** The device's own time zone, where it says so. */
  readonly zone: string | undefined;
}

/** A command, and how far it has come. Times in milliseconds since 1970. */
export interface Command {
  readonly id: string;
  readonly device: string;
  readonly command: CameraCommand;
  readonly by: Asker;
  readonly asked: number;
  /** When a relay began to deliver it. */
  readonly claimed: number | undefined;
  /** When the device's agent had it. */
  readonly delivered: number | undefined;
  /** When the camera program had it. */
  readonly handed: number | undefined;
  /** Why it has not, in words. */
  readonly failed: string | undefined;
}

export const decodeCamera = (row: Row): Camera => {
  const by = row.optionalText('wanted_by');
  const schedule = row.optionalText('schedule');
  return {
    device: row.text('device'),
    household: row.text('household'),
    wanted: truth(row.optionalNumber('wanted')),
    wantedBy: by === undefined ? undefined : (JSON.parse(by) as Asker),
    wantedAt: row.optionalNumber('wanted_at'),
    schedule: schedule === undefined ? undefined : (JSON.parse(schedule) as Schedule),
    nextEdge: row.optionalNumber('next_edge'),
    known: truth(row.optionalNumber('known')),
    problem: row.optionalText('problem'),
    zone: row.optionalText('zone'),
  };
};

export const decodeCommand = (row: Row): Command => ({
  id: row.text('id'),
  device: row.text('device'),
  command: row.text('command') as CameraCommand,
  by: JSON.parse(row.text('asked_by')) as Asker,
  asked: row.number('asked'),
  claimed: row.optionalNumber('claimed'),
  delivered: row.optionalNumber('delivered'),
  handed: row.optionalNumber('handed'),
  failed: row.optionalText('failed'),
});

const truth = (value: number | undefined): boolean | undefined =>
  value === undefined ? undefined : value === 1;

/** Yes, no and nobody knows, as columns have them. */
export const fromTruth = (value: boolean | undefined): number | null =>
  value === undefined ? null : Number(value);
