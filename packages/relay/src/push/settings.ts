import type { Database } from '../storage/database.ts';
import type { QuietHours } from './quiet-hours.ts';

/** What somebody wants to hear of a device: everything that it films, alarms only, or nothing. */
export const choices = ['all', 'alarms', 'nothing'] as const;
export type Choice = (typeof choices)[number];

/** What holds where nobody chose. */
export const USUAL_CHOICE: Choice = 'all';

/** What somebody wants pushed. */
export interface PushWishes {
  /** `undefined`: it is never quiet. */
  readonly quiet: QuietHours | undefined;
  /** By device; one that is not here is {@link USUAL_CHOICE}. */
  readonly devices: ReadonlyMap<string, Choice>;
}

/** What each person wants pushed, in the database: for all of his browsers. */
export class PushSettings {
  readonly #database: Database;

  constructor({ database }: { database: Database }) {
    this.#database = database;
  }

  async of(user: string): Promise<PushWishes> {
    const select = 'SELECT quiet, devices FROM push_settings WHERE user_id = ?';
    const [wishes] = await this.#database.query(select, [user], (row) => ({
      quiet: decodeQuiet(row.optionalText('quiet')),
      devices: new Map(Object.entries(JSON.parse(row.text('devices')) as Record<string, Choice>)),
    }));
    return wishes ?? { quiet: undefined, devices: new Map() };
  }

  /** Keeps what somebody wants, in place of what he wanted before; nothing of somebody who is not there. */
  async keep(user: string, { quiet, devices }: PushWishes): Promise<void> {
    const insert = `INSERT INTO push_settings (user_id, quiet, devices)
      SELECT id, CAST(? AS TEXT), CAST(? AS TEXT) FROM users WHERE id = ?
      ON CONFLICT (user_id) DO UPDATE SET quiet = excluded.quiet, devices = excluded.devices`;
    const values = [quiet ? JSON.stringify(quiet) : null, JSON.stringify(Object.fromEntries(devices)), user];
    await this.#database.execute(insert, values);
  }
}

/** As {@link PushSettings.keep} wrote it. */
const decodeQuiet = (text: string | undefined): QuietHours | undefined =>
  text === undefined ? undefined : (JSON.parse(text) as QuietHours);
