import type { KeyObject } from 'node:crypto';
import { type Clock, type Logger, millis } from '@perch/runtime';
import { Revocations } from '../auth/revocations.ts';
import type { Database, Queries } from '../storage/database.ts';
import type { IssuedCertificate } from '../tls/ca.ts';
import type { DeviceAuthority } from './authority.ts';
import { type Device, decodeDevice } from './device.ts';
import { newDeviceId } from './device-id.ts';
import { hashEnrolmentCode, newEnrolmentCode } from './enrolment-code.ts';

const CODE_LIFE = millis(10 * 60_000);
/** So many codes of a household may be pending. */
const MOST_CODES = 20;
/** That a device was seen is written this often. */
const SEEN_PERIOD_MS = 60_000;

/** A code for one device that is still to come. */
export interface EnrolmentCode {
  /** Such as `K7QM-2WXN`. It cannot be had again. */
  readonly code: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** A device that has just been enrolled, and whose code it was. */
export interface Enrolment {
  readonly device: Device;
  readonly certificate: IssuedCertificate;
  /** User who made the code; none: who runs the machine. */
  readonly madeBy: string | undefined;
}

/** The devices of all households, and the codes by which more come. */
export class Devices {
  readonly #database: Database;
  readonly #authority: DeviceAuthority;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(options: { database: Database; authority: DeviceAuthority; clock: Clock; logger: Logger }) {
    this.#database = options.database;
    this.#authority = options.authority;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /**
   * Makes a code that enrols one device, within ten minutes.
   *
   * @param wanted.name what people will call the device.
   * @param wanted.madeBy the owner who makes it: it ends with him.
   * @returns `busy` while as many are pending as may be.
   */
  async makeCode(wanted: {
    household: string;
    name: string;
    madeBy?: string;
  }): Promise<EnrolmentCode | 'busy'> {
    const now = Math.floor(this.#clock.wall());
    await this.#database.execute('DELETE FROM device_codes WHERE expires <= ?', [now]);
    const code = newEnrolmentCode();
    const expires = now + CODE_LIFE;
    const { household, name, madeBy = null } = wanted;
    const insert = `INSERT INTO device_codes (hash, household, name, made_by, expires)
      SELECT ?, ?, ?, ?, CAST(? AS BIGINT) WHERE (SELECT count(*) FROM device_codes WHERE household = ?) < ?`;
    const values = [hashEnrolmentCode(code), household, name, madeBy, expires, household, MOST_CODES];
    return (await this.#database.execute(insert, values)) > 0 ? { code, expires } : 'busy';
  }

  /**
   * Spends a code: there is one more device. When this resolves it is on the disk.
   *
   * @param publicKey of a key whose private half the device has shown to have.
   * @returns `undefined` where the code is wrong, used or too old, or who made it is no owner any more.
   */
  async enrol(code: string, publicKey: KeyObject): Promise<Enrolment | undefined> {
    const hash = hashEnrolmentCode(code);
    const now = Math.floor(this.#clock.wall());
    const valid = `hash = ? AND expires > ?
      AND (made_by IS NULL OR made_by IN (SELECT id FROM users WHERE role = 'owner'))`;
    const pending = `SELECT name FROM device_codes WHERE ${valid}`;
    const [name] = await this.#database.query(pending, [hash, now], (row) => row.text('name'));
    if (name === undefined) return undefined;
    const id = newDeviceId(name);
    // Signed before the code is spent: what fails here can be tried again with the same code.
    const certificate = await this.#authority.issue(id, publicKey);
    return this.#database.transaction(async (queries) => {
      const spend = `DELETE FROM device_codes WHERE ${valid} RETURNING household, made_by`;
      const [spent] = await queries.query(spend, [hash, now], (row) => ({
        household: row.text('household'),
        madeBy: row.optionalText('made_by'),
      }));
      if (!spent) return undefined;
      const { household, madeBy } = spent;
      const insert = `INSERT INTO devices (id, household, name, enrolled, certificate_expires)
        VALUES (?, ?, ?, ?, ?) RETURNING *`;
      const values = [id, household, name, now, certificate.until];
      const [device] = await queries.query(insert, values, decodeDevice);
      return device && { device, certificate, madeBy };
    });
  }

  /** Signs another certificate for a device. The one before stays good to its end: the answer may not arrive. */
  async renew(id: string, publicKey: KeyObject): Promise<IssuedCertificate | undefined> {
    const certificate = await this.#authority.issue(id, publicKey);
    const update = `UPDATE devices SET certificate_expires = ? WHERE id = ? AND removed IS NULL`;
    return (await this.#database.execute(update, [certificate.until, id])) > 0 ? certificate : undefined;
  }

  async find(id: string): Promise<Device | undefined> {
    const select = 'SELECT * FROM devices WHERE id = ? AND removed IS NULL';
    const [device] = await this.#database.query(select, [id], decodeDevice);
    return device;
  }

  /** Whose a device is; `undefined` where there is none of this id. */
  async householdOf(id: string): Promise<string | undefined> {
    return (await this.find(id))?.household;
  }

  /** Those of a household, by name. */
  list(household: string): Promise<Device[]> {
    const select = 'SELECT * FROM devices WHERE household = ? AND removed IS NULL ORDER BY name, id';
    return this.#database.query(select, [household], decodeDevice);
  }

  /** @returns the device with its new name, if the household has it. Its id, and so its topics, stay. */
  async rename(id: string, household: string, name: string): Promise<Device | undefined> {
    const update = `UPDATE devices SET name = ? WHERE id = ? AND household = ? AND removed IS NULL RETURNING *`;
    const [device] = await this.#database.query(update, [name, id, household], decodeDevice);
    return device;
  }

  /**
   * Ends a device: none of its certificates is good any more, and what it has open ends within a second. Its id is never
   * given again.
   *
   * @returns the device, if the household had it.
   */
  remove(id: string, household: string): Promise<Device | undefined> {
    return this.#database.transaction(async (queries) => {
      const now = Math.floor(this.#clock.wall());
      const update = `UPDATE devices SET removed = ? WHERE id = ? AND household = ? AND removed IS NULL RETURNING *`;
      const [device] = await queries.query(update, [now, id, household], decodeDevice);
      if (device) await forget(queries, id, now);
      return device;
    });
  }

  /** It has shown its identity just now. Nobody waits until that is written. */
  seen(device: Device, address: string): void {
    const now = Math.floor(this.#clock.wall());
    if (device.lastSeen === undefined || now - device.lastSeen >= SEEN_PERIOD_MS)
      this.wasHere(device.id, address);
  }

  /** It was connected until just now. Nobody waits until that is written. */
  wasHere(id: string, address: string): void {
    const update = 'UPDATE devices SET last_seen = ?, address = ? WHERE id = ?';
    const now = Math.floor(this.#clock.wall());
    this.#database.execute(update, [now, address, id]).catch((error: Error) => {
      this.#logger.warn('when a device was seen could not be kept', { id, error: error.message });
    });
  }
}

/** What hangs on a device goes with it. */
async function forget(queries: Queries, id: string, now: number): Promise<void> {
  await queries.execute('DELETE FROM user_permissions WHERE device = ?', [id]);
  await queries.execute('DELETE FROM cameras WHERE device = ?', [id]);
  await queries.execute('DELETE FROM camera_commands WHERE device = ?', [id]);
  await Revocations.note(queries, { kind: 'device', id }, now);
}
