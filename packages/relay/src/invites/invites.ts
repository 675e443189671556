import { randomBytes } from 'node:crypto';
import { type Clock, millis } from '@perch/runtime';
import type { AppSessions, NewSession, SignInPlace } from '../auth/app-sessions.ts';
import { Revocations, restingOn } from '../auth/revocations.ts';
import { hashSecret, newSecret } from '../auth/secret.ts';
import type { Invitation } from '../people/caller.ts';
import { isAtLeast, type Permission } from '../people/permissions.ts';
import { userRight } from '../people/rights.ts';
import { findUser } from '../people/users.ts';
import type { Database, Queries } from '../storage/database.ts';
import { decodeInvite, type Invite, type InvitePlace } from './invite.ts';

/** So many of a household may be good at a time. */
const MOST_INVITES = 500;

/** An invite to be made. */
export interface NewInvite {
  readonly household: string;
  /** Id of the user who makes it. */
  readonly madeBy: string;
  readonly for: string;
  readonly place: InvitePlace;
  readonly permissions: readonly Permission[];
  readonly lifeMs: number;
  readonly once: boolean;
}

/** An invite that was opened just now: by whom it was made, and the session of the browser that has it. */
export interface Opening {
  readonly invitation: Invitation;
  readonly begun: NewSession;
}

/**
 * The invites of all households. Their secrets are kept as hashes only. What an invite lets somebody do is looked up each
 * time, since it is never more than who made it may do at that moment; it ends with its time, by hand, and with him.
 */
export class Invites {
  readonly #database: Database;
  readonly #sessions: AppSessions;
  readonly #clock: Clock;

  constructor(options: { database: Database; sessions: AppSessions; clock: Clock }) {
    this.#database = options.database;
    this.#sessions = options.sessions;
    this.#clock = options.clock;
  }

  /** @returns the secret, which cannot be had again, and what is kept; `too-many` where there is no room. */
  async create(
    wanted: NewInvite,
  ): Promise<{ readonly secret: string; readonly invite: Invite } | 'too-many'> {
    const now = Math.floor(this.#clock.wall());
    await this.#database.execute('DELETE FROM invites WHERE expires <= ?', [now]);
    const { household, madeBy, place, permissions, once } = wanted;
    const secret = newSecret();
    const insert = `INSERT INTO invites
      (id, hash, household, made_by, for_name, topic, device, capture, is_call, permissions, created, expires, once, openings)
      SELECT ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT), ?, CAST(? AS BIGINT),
        CAST(? AS BIGINT), CAST(? AS BIGINT), 0
      WHERE (SELECT count(*) FROM invites WHERE household = ?) < ? RETURNING *`;
    const [invite] = await this.#database.query(
      insert,
      [
        randomBytes(6).toString('hex'),
        hashSecret(secret),
        household,
        madeBy,
        wanted.for,
        place.topic ?? null,
        place.device ?? null,
        place.capture ?? null,
        place.isCall ? 1 : 0,
        permissions.join(' '),
        now,
        Math.ceil(now + wanted.lifeMs),
        once ? 1 : 0,
        household,
        MOST_INVITES,
      ],
      decodeInvite,
    );
    return invite ? { secret, invite } : 'too-many';
  }

  /** Those of a household that are good, the latest first. @param madeBy only of this user. */
  list(household: string, madeBy?: string): Promise<(Invite & { readonly makerName: string })[]> {
    const select = `SELECT invites.*, users.name AS maker_name FROM invites JOIN users ON users.id = invites.made_by
      WHERE invites.household = ? AND invites.expires > ? AND (CAST(? AS TEXT) IS NULL OR invites.made_by = ?)
      ORDER BY invites.created DESC, invites.id`;
    const maker = madeBy ?? null;
    return this.#database.query(select, [household, this.#clock.wall(), maker, maker], (row) => ({
      ...decodeInvite(row),
      makerName: row.text('maker_name'),
    }));
  }

  /** The links to one film that are good, the latest first. @param madeBy only of this user. */
  async listOf(capture: string, household: string, madeBy?: string): Promise<readonly Invite[]> {
    const all = await this.list(household, madeBy);
    return all.filter(({ place }) => place.capture === capture);
  }

  /** What an invite lets somebody do now; `undefined` where it is over. */
  async find(id: string): Promise<Invitation | undefined> {
    const select = 'SELECT * FROM invites WHERE id = ? AND expires > ?';
    const [invite] = await this.#database.query(select, [id, this.#clock.wall()], decodeInvite);
    return invite && invitationOf(this.#database, invite);
  }

  /** Spends an opening of an invite. @returns `undefined` for one that is wrong, over, or used as often as may be. */
  open(secret: string, from: SignInPlace): Promise<Opening | undefined> {
    return this.#open(secret, from, 'capture IS NULL');
  }

  /** The same for a link to one film. */
  openFilm(secret: string, from: SignInPlace): Promise<Opening | undefined> {
    return this.#open(secret, from, 'capture IS NOT NULL');
  }

  #open(secret: string, from: SignInPlace, kind: string): Promise<Opening | undefined> {
    // One transaction: with a full disk an invite for one use stays good.
    return this.#database.transaction(async (queries) => {
      const now = Math.floor(this.#clock.wall());
      const spend = `UPDATE invites SET openings = openings + 1, last_opened = ?
        WHERE hash = ? AND expires > ? AND (once = 0 OR openings = 0) AND ${kind} RETURNING *`;
      const [invite] = await queries.query(spend, [now, hashSecret(secret), now], decodeInvite);
      const invitation = invite && (await invitationOf(queries, invite));
      if (!invitation) return undefined;
      const life = millis(invitation.expires - now);
      const begun = await this.#sessions.beginIn(queries, { kind: 'invite', id: invitation.id }, from, life);
      return { invitation, begun };
    });
  }

  /**
   * Ends an invite; what was opened by it is closed within a second.
   *
   * @param madeBy only where this user has made it.
   * @returns the invite, if the household had it.
   */
  end(id: string, household: string, madeBy?: string): Promise<Invite | undefined> {
    return this.#database.transaction(async (queries) => {
      const remove = `DELETE FROM invites WHERE id = ? AND household = ? AND (CAST(? AS TEXT) IS NULL OR made_by = ?) RETURNING *`;
      const maker = madeBy ?? null;
      const [invite] = await queries.query(remove, [id, household, maker, maker], decodeInvite);
      if (!invite) return undefined;
      await queries.execute('DELETE FROM app_sessions WHERE invite = ?', [id]);
      await Revocations.note(queries, { kind: 'invite', id }, this.#clock.wall());
      return invite;
    });
  }
}

/** A film's device is none of its business. */
function whereOf(place: InvitePlace): Pick<Invitation, 'topic' | 'device' | 'capture'> {
  if (place.topic !== undefined) return { topic: place.topic };
  return place.capture === undefined ? { device: place.device } : { capture: place.capture };
}

/** What of an invite its maker may still give; `undefined` where that is nothing. */
async function invitationOf(queries: Queries, invite: Invite): Promise<Invitation | undefined> {
  const { id, household, place, expires } = invite;
  const maker = await findUser(queries, invite.madeBy);
  if (maker?.household !== household || !isAtLeast(maker.role, 'member')) return undefined;
  const { permissions, rests } = userRight(maker, place, invite.permissions);
  if (permissions.length === 0) return undefined;
  return {
    id,
    household,
    for: invite.for,
    ...whereOf(place),
    permissions,
    expires,
    rests: [restingOn({ kind: 'user', id: maker.id }), ...rests],
  };
}
