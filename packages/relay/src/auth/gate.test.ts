import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { millis, silentLogger } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import type { Invitation } from '../people/caller.ts';
import { Callers } from '../people/callers.ts';
import type { Permission, Role } from '../people/permissions.ts';
import { Users } from '../people/users.ts';
import { migrate } from '../storage/migrate.ts';
import { openSqlite } from '../storage/sqlite.ts';
import { AppSessions } from './app-sessions.ts';
import { MemoryCodes } from './codes.ts';
import { Gate } from './gate.ts';
import { Revocations } from './revocations.ts';
import { Tokens } from './tokens.ts';

const HOST = 'relay.example';
const from = { address: '192.0.2.1', userAgent: 'a browser' };
const asked = (headers: IncomingHttpHeaders) =>
  ({
    headers: { host: HOST, origin: `http://${HOST}`, ...headers },
    socket: {},
  }) as unknown as IncomingMessage;

/** A gate in front of two households: `kitchen` is a device of the first, `desk` of the other. */
async function opened(options: { invite?: Invitation; open?: string[] } = {}) {
  const clock = new FakeClock();
  const logger = silentLogger;
  const data = mkdtempSync(join(tmpdir(), 'perch-gate-'));
  const database = await openSqlite({ path: join(data, 'perch.db') });
  await migrate(database);
  const parts = { database, clock, logger };
  const [users, sessions, tokens] = [new Users(parts), new AppSessions(parts), new Tokens(parts)];
  const revocations = new Revocations({ ...parts, onNews: () => gate.dismiss() });
  await revocations.open();
  const callers = new Callers({
    users,
    sessions,
    tokens,
    revocations,
    findInvite: async (id) => (options.invite?.id === id ? options.invite : undefined),
  });
  const codes = new MemoryCodes({ clock, limits: { life: millis(30_000), most: 10 } });
  const owners: Readonly<Record<string, string>> = { kitchen: 'home', desk: 'lab' };
  const devices = { householdOf: async (id: string) => owners[id] };
  const gate = new Gate({ open: options.open ?? [], callers, codes, revocations, devices, clock });
  const cookie = async (of: { kind: 'user' | 'invite'; id: string }) =>
    asked({ cookie: `a=b; perch_session=${(await sessions.begin(of, from)).cookie}` });
  return {
    clock,
    gate,
    users,
    tokens,
    revocations,
    cookie,
    /** Somebody of the first household. */
    async person(role: Role, lists: Readonly<Record<string, readonly Permission[]>> = {}) {
      const made = await users.create({ household: 'home', name: `${role} ${Object.keys(lists)}`, role });
      if (typeof made === 'string') throw new Error(made);
      await users.change(made.id, 'home', { permissions: new Map(Object.entries(lists)) });
      return { id: made.id, visitor: await cookie({ kind: 'user', id: made.id }) };
    },
    async [Symbol.asyncDispose]() {
      await database.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

const watch = { read: true, write: false };

describe('the gate', () => {
  it('lets somebody see without hearing, and hear without seeing', async () => {
    await using at = await opened();
    const { gate } = at;
    const access = async (...given: Permission[]) => {
      const { visitor, id } = await at.person('guest', { kitchen: given });
      const grant = await gate.admit(visitor, { kind: 'out', topic: 'kitchen/front' }, null);
      await at.users.remove(id, 'home');
      return grant?.access;
    };
    assert.deepEqual(await access('view', 'listen'), watch);
    assert.deepEqual(await access('view'), { ...watch, without: 'audio' });
    assert.deepEqual(await access('listen', 'talk'), { ...watch, without: 'video' });
    assert.equal(await access('talk', 'command', 'call', 'captures'), undefined);
    assert.equal(await access(), undefined);
  });

  it('goes by the device’s own list, else by the one for every device', async () => {
    await using at = await opened();
    const { gate } = at;
    const { visitor } = await at.person('member', { kitchen: [], '*': ['listen'] });
    assert.equal(await gate.grant(visitor, 'kitchen/front'), undefined);
    assert.deepEqual((await gate.grant(visitor, 'front'))?.access, { ...watch, without: 'video' });
    const other = await at.person('member', { kitchen: [] });
    assert.equal(await gate.grant(other.visitor, 'kitchen/front'), undefined);
    assert.deepEqual((await gate.grant(other.visitor, 'front'))?.access, watch);
  });

  it('knows topics of no device for the first household’s, and others for their own', async () => {
    await using at = await opened();
    const { gate, tokens } = at;
    const { visitor } = await at.person('owner');
    assert.deepEqual(await gate.placeOf('kitchen/front/large'), { household: 'home', device: 'kitchen' });
    assert.deepEqual(await gate.placeOf('kitchen'), { household: 'home' });
    assert.deepEqual(await gate.placeOf('desk/front'), { household: 'lab', device: 'desk' });
    assert.ok(await gate.grant(visitor, 'front'));
    assert.equal(await gate.grant(visitor, 'desk/front'), undefined);
    const { secret } = await tokens.create({ topic: '**', scope: ['read'], ttlMs: 1_000, household: 'lab' });
    const token = asked({ authorization: `Bearer ${secret}` });
    assert.ok(await gate.grant(token, 'desk/front'));
    assert.equal(await gate.grant(token, 'kitchen/front'), undefined);
    assert.equal(await gate.grant(token, 'front'), undefined);
  });

  it('lets who was invited to one thing have that, until then', async () => {
    const invite = {
      id: 'i1',
      household: 'home',
      for: 'Ina',
      topic: 'kitchen/front',
      permissions: ['view'],
      expires: new FakeClock().wall() + 60_000,
      rests: ['user somebody'],
    } as const satisfies Invitation;
    await using at = await opened({ invite });
    const { gate, clock } = at;
    const visitor = await at.cookie({ kind: 'invite', id: 'i1' });
    const grant = await gate.grant(visitor, 'kitchen/front');
    assert.deepEqual(grant?.access, { ...watch, without: 'audio' });
    assert.equal(await gate.grant(visitor, 'kitchen/back'), undefined);
    assert.equal(await gate.grant(visitor, 'front'), undefined);
    assert.equal(await gate.grant(await at.cookie({ kind: 'invite', id: 'i2' }), 'kitchen/front'), undefined);
    assert.ok(grant && gate.holds(grant.by));
    clock.advance(60_000);
    assert.ok(!gate.holds(grant.by));
  });

  it('ends what is open when its right does, once', async () => {
    await using at = await opened();
    const { gate, revocations, users } = at;
    const { visitor, id } = await at.person('guest', { kitchen: ['view'] });
    const grant = await gate.grant(visitor, 'kitchen/front');
    assert.ok(grant);
    const ended: string[] = [];
    gate.whileHolds(grant.by, () => void ended.push('first'));
    gate.whileHolds(grant.by, () => void ended.push('second'));
    gate.whileHolds(grant.by, () => void ended.push('closed before'))[Symbol.dispose]();
    await revocations.poll();
    assert.deepEqual(ended, []);
    await users.change(id, 'home', { permissions: new Map([['kitchen', []]]) });
    await revocations.poll();
    await revocations.poll();
    assert.deepEqual(ended, ['first', 'second']);
  });

  it('gives a cookie’s right to pages of the relay only, and none for a code that is gone', async () => {
    await using at = await opened({ open: ['lab'] });
    const { gate } = at;
    const { visitor } = await at.person('owner');
    const { cookie } = visitor.headers;
    assert.equal(await gate.grant(asked({ cookie, origin: 'http://evil.example' }), 'front'), undefined);
    assert.ok(await gate.grant(asked({ cookie, origin: 'http://evil.example' }), 'lab'), 'open to anyone');
    const issued = await gate.issueCode(visitor, 'front');
    assert.ok(typeof issued === 'object');
    const path = { kind: 'session', topic: 'front' } as const;
    assert.ok(await gate.admit(asked({}), path, issued.code));
    assert.equal(await gate.admit(asked({}), path, issued.code), undefined);
    assert.equal(await gate.issueCode(asked({}), 'front'), 'refused');
  });
});
