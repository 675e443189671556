import { randomUUID } from 'node:crypto';
import { type CameraCommand, cameraLimits } from '@perch/protocol';
import type { Clock } from '@perch/runtime';
import type { Database, Queries } from '../storage/database.ts';
import { type Asker, type Camera, type Command, decodeCamera, decodeCommand, fromTruth } from './camera.ts';
import { phaseAt, type Schedule } from './schedule.ts';

/** What somebody wants of a camera. */
export interface Wish {
  readonly device: string;
  readonly household: string;
  readonly command: CameraCommand;
  readonly by: Asker;
}

/** What a device says of its camera. */
export interface Said {
  readonly known: boolean | undefined;
  readonly problem: string | undefined;
  readonly zone: string | undefined;
}

/** What a schedule has switched. */
export interface Switched {
  readonly household: string;
  readonly command: Command;
}

/** One step of a command. */
export type Step = 'delivered' | 'handed' | { readonly failed: string };

/**
 * What is wanted of cameras and known of them, in the database: several relays share it. Each change of a camera gets the
 * next number, in the order in which others see it.
 */
export class CameraBook {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor({ database, clock }: { database: Database; clock: Clock }) {
    this.#database = database;
    this.#clock = clock;
  }

  async find(device: string): Promise<Camera | undefined> {
    const select = 'SELECT * FROM cameras WHERE device = ?';
    return (await this.#database.query(select, [device], decodeCamera))[0];
  }

  /** What a device was told, the newest first. */
  commands(device: string, most: number): Promise<Command[]> {
    const select = 'SELECT * FROM camera_commands WHERE device = ? ORDER BY number DESC LIMIT ?';
    return this.#database.query(select, [device, most], decodeCommand);
  }

  /**
   * Writes down a command, and with `arm` and `disarm` what the camera is to be from now on. What waited to be delivered
   * and is overtaken by it is given up.
   *
   * @param isOurs this relay delivers it at once: nobody else does.
   */
  ask(wish: Wish, { isOurs }: { isOurs: boolean }): Promise<Command> {
    return this.#database.transaction((queries) => this.#ask(queries, wish, isOurs));
  }

  /** Takes a command that waits, to deliver it. @returns it, where it is for us to do: nobody else does then. */
  async claim(id: string): Promise<Command | undefined> {
    const update = `UPDATE camera_commands SET claimed = ?
      WHERE id = ? AND claimed IS NULL AND delivered IS NULL AND failed IS NULL RETURNING *`;
    return (await this.#database.query(update, [this.#now(), id], decodeCommand))[0];
  }

  /**
   * It was not delivered by who took it, and may be later, unless another of its kind was asked meanwhile. One that
   * somebody else has taken since stays his.
   */
  putBack({ id, device, claimed }: Pick<Command, 'id' | 'device' | 'claimed'>): Promise<void> {
    return this.#database.transaction(async (queries) => {
      await changeOf(queries, device);
      const ours = 'id = ? AND claimed = ? AND delivered IS NULL AND failed IS NULL';
      const whose = [id, claimed ?? null];
      const overtaken = `UPDATE camera_commands SET failed = ? WHERE ${ours}
        AND EXISTS (SELECT 1 FROM camera_commands later WHERE later.device = camera_commands.device
          AND later.number > camera_commands.number
          AND (later.command = 'capture') = (camera_commands.command = 'capture'))`;
      await queries.execute(overtaken, [OVERTAKEN, ...whose]);
      await queries.execute(`UPDATE camera_commands SET claimed = NULL WHERE ${ours}`, whose);
    });
  }

  /** Notes how far a command has come. */
  note({ id, device }: Pick<Command, 'id' | 'device'>, step: Step): Promise<void> {
    return this.#database.transaction(async (queries) => {
      await changeOf(queries, device);
      await this.#step(queries, id, step);
    });
  }

  /** Commands that no device has yet, the oldest first; some of them are being delivered. */
  open(): Promise<Command[]> {
    const select = `SELECT * FROM camera_commands WHERE delivered IS NULL AND failed IS NULL ORDER BY number`;
    return this.#database.query(select, [], decodeCommand);
  }

  /** The same of one device, without those that are being delivered. */
  waiting(device: string): Promise<Command[]> {
    const select = `SELECT * FROM camera_commands
      WHERE device = ? AND claimed IS NULL AND delivered IS NULL AND failed IS NULL ORDER BY number`;
    return this.#database.query(select, [device], decodeCommand);
  }

  /** Sets a schedule, which says at once what the camera is to be, or takes it away. Off it only is kept. */
  setSchedule(device: string, household: string, schedule: Schedule | undefined): Promise<void> {
    const phase = schedule?.isOn ? phaseAt(schedule, this.#now()) : undefined;
    return this.#database.transaction(async (queries) => {
      const text = schedule === undefined ? null : JSON.stringify(schedule);
      await touch(queries, device, household);
      const before = await findIn(queries, device);
      const update = 'UPDATE cameras SET schedule = ?, next_edge = ? WHERE device = ?';
      await queries.execute(update, [text, phase?.nextEdge ?? null, device]);
      if (phase && phase.isArmed !== before?.wanted)
        await this.#ask(queries, { device, household, ...commandFor(phase.isArmed) }, false);
    });
  }

  /** Switches what schedules switch by now, each once, whoever of several relays sees it first. @returns what was. */
  async switchDue(): Promise<readonly Switched[]> {
    const select = 'SELECT * FROM cameras WHERE next_edge <= ?';
    const switched: Switched[] = [];
    for (const camera of await this.#database.query(select, [this.#now()], decodeCamera)) {
      const command = await this.#switch(camera);
      if (command) switched.push({ household: camera.household, command });
    }
    return switched;
  }

  /** Notes what a device says. @returns the camera as it is known now. */
  async noteSaid(device: string, household: string, said: Said): Promise<Camera | undefined> {
    const before = await this.find(device);
    const { known, problem, zone } = said;
    if (before && before.known === known && before.problem === problem && before.zone === zone) return before;
    return this.#database.transaction(async (queries) => {
      await touch(queries, device, household);
      const update = 'UPDATE cameras SET known = ?, problem = ?, zone = ?, said = ? WHERE device = ?';
      await queries.execute(update, [fromTruth(known), problem ?? null, zone ?? null, this.#now(), device]);
      return findIn(queries, device);
    });
  }

  /** Devices whose cameras have changed after a number, with their own. */
  changedSince(number: number): Promise<{ readonly device: string; readonly changed: number }[]> {
    const select = 'SELECT device, changed FROM cameras WHERE changed > ? ORDER BY changed LIMIT 1000';
    return this.#database.query(select, [number], (row) => ({
      device: row.text('device'),
      changed: row.number('changed'),
    }));
  }

  /** The number of the latest change. */
  async latest(): Promise<number> {
    const [n = 0] = await this.#database.query('SELECT n FROM camera_count', [], (row) => row.number('n'));
    return n;
  }

  #switch(camera: Camera): Promise<Command | undefined> {
    const { device, household, schedule, nextEdge } = camera;
    const phase = schedule?.isOn ? phaseAt(schedule, this.#now()) : undefined;
    return this.#database.transaction(async (queries) => {
      const update = 'UPDATE cameras SET next_edge = ? WHERE device = ? AND next_edge = ?';
      // The counter comes first in every transaction: two that wait for each other would both fail.
      await touch(queries, device, household);
      const isOurs = await queries.execute(update, [phase?.nextEdge ?? null, device, nextEdge ?? null]);
      if (isOurs === 0) return undefined;
      const wanted = (await findIn(queries, device))?.wanted;
      if (!phase || phase.isArmed === wanted) return undefined;
      return this.#ask(queries, { device, household, ...commandFor(phase.isArmed) }, false);
    });
  }

  async #ask(queries: Queries, { device, household, command, by }: Wish, isOurs: boolean): Promise<Command> {
    const now = this.#now();
    const number = await touch(queries, device, household);
    // Of what waits only the last of a kind counts.
    const overtake = `UPDATE camera_commands SET failed = ? WHERE device = ? AND (command = 'capture') = (? = 'capture')
      AND claimed IS NULL AND delivered IS NULL AND failed IS NULL`;
    await queries.execute(overtake, [OVERTAKEN, device, command]);
    const insert = `INSERT INTO camera_commands (id, number, device, command, asked_by, asked, claimed)
      VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *`;
    const values = [
      randomUUID(),
      number,
      device,
      command,
      JSON.stringify(by),
      now,
      isOurs ? now : null,
    ] as const;
    const [asked] = await queries.query(insert, values, decodeCommand);
    const prune = `DELETE FROM camera_commands WHERE device = ? AND number <=
      (SELECT number FROM camera_commands WHERE device = ? ORDER BY number DESC LIMIT 1 OFFSET ?)`;
    await queries.execute(prune, [device, device, cameraLimits.commandsKept]);
    if (command !== 'capture' && by.kind !== 'relay') {
      const want = 'UPDATE cameras SET wanted = ?, wanted_by = ?, wanted_at = ? WHERE device = ?';
      await queries.execute(want, [fromTruth(command === 'arm'), JSON.stringify(by), now, device]);
    }
    return asked as Command;
  }

  async #step(queries: Queries, id: string, step: Step): Promise<void> {
    const now = this.#now();
    if (step === 'delivered') {
      const update = 'UPDATE camera_commands SET delivered = coalesce(delivered, ?) WHERE id = ?';
      await queries.execute(update, [now, id]);
    } else if (step === 'handed') {
      const update = 'UPDATE camera_commands SET delivered = coalesce(delivered, ?), handed = ? WHERE id = ?';
      await queries.execute(update, [now, now, id]);
      // The device will say so itself, a second later at most.
      const know = `UPDATE cameras SET problem = NULL, known = (SELECT CASE command WHEN 'arm' THEN 1 ELSE 0 END
          FROM camera_commands WHERE id = ?)
        WHERE device = (SELECT device FROM camera_commands WHERE id = ? AND command <> 'capture')`;
      await queries.execute(know, [id, id]);
    } else {
      const update =
        'UPDATE camera_commands SET failed = ? WHERE id = ? AND handed IS NULL AND failed IS NULL';
      await queries.execute(update, [step.failed, id]);
    }
  }

  #now(): number {
    return Math.floor(this.#clock.wall());
  }
}

const OVERTAKEN = 'a later command took its place before the device had it';

const commandFor = (isArmed: boolean): Pick<Wish, 'command' | 'by'> => ({
  command: isArmed ? 'arm' : 'disarm',
  by: { kind: 'schedule' },
});

async function findIn(queries: Queries, device: string): Promise<Camera | undefined> {
  const select = 'SELECT * FROM cameras WHERE device = ?';
  return (await queries.query(select, [device], decodeCamera))[0];
}

/** A camera changes, perhaps from nothing. @returns the number of the change. */
async function touch(queries: Queries, device: string, household: string): Promise<number> {
  // The counter's row is held until the end of the transaction, so that numbers become visible in order.
  const number = await nextNumber(queries);
  const insert = `INSERT INTO cameras (device, household, changed) VALUES (?, ?, ?)
    ON CONFLICT (device) DO UPDATE SET changed = excluded.changed`;
  await queries.execute(insert, [device, household, number]);
  return number;
}

/** The same for one that is there, if it is. */
async function changeOf(queries: Queries, device: string): Promise<void> {
  const number = await nextNumber(queries);
  await queries.execute('UPDATE cameras SET changed = ? WHERE device = ?', [number, device]);
}

async function nextNumber(queries: Queries): Promise<number> {
  const next = 'UPDATE camera_count SET n = n + 1 RETURNING n';
  const [number = 0] = await queries.query(next, [], (row) => row.number('n'));
  return number;
}
