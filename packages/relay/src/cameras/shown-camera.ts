import type { Asker, Command } from './camera.ts';
import type { CameraSight } from './cameras.ts';

const dateOrNull = (ms: number | undefined): string | null =>
  ms === undefined ? null : new Date(ms).toISOString();

/** A camera as the API shows it. */
export const shownCamera = ({ camera, commands }: CameraSight) => ({
  armed: {
    wanted: camera?.wanted ?? null,
    known: camera?.known ?? null,
    by: camera?.wantedBy ? nameOf(camera.wantedBy) : null,
    at: dateOrNull(camera?.wantedAt),
  },
  problem: camera?.problem ?? null,
  zone: camera?.zone ?? null,
  schedule: camera?.schedule
    ? {
        zone: camera.schedule.zone,
        weekly: camera.schedule.weekly,
        isOn: camera.schedule.isOn,
        next: dateOrNull(camera.nextEdge),
      }
    : null,
  last: commands.map(shownCommand),
});

/** A command as the API shows it. */
export const shownCommand = ({ id, command, by, asked, delivered, handed, failed }: Command) => ({
  ...{ id, command, by: nameOf(by) },
  asked: new Date(asked).toISOString(),
  delivered: dateOrNull(delivered),
  handed: dateOrNull(handed),
  failed: failed ?? null,
});

/** Who it was, in words. */
function nameOf({ kind, name, id }: Asker): string {
  if (kind === 'schedule') return 'the schedule';
  if (kind === 'relay') return 'the relay, once more';
  return name ?? id ?? kind;
}
