import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { FakeClock, startPostgres, type TestPostgres } from '@perch/testkit';
import { AppSessions } from '../auth/app-sessions.ts';
import { parseDatabaseAddress } from '../storage/address.ts';
import { openDatabase } from '../storage/open.ts';
import { Households } from './households.ts';
import { Challenges } from './passkey/challenges.ts';
import type { Passkey } from './passkey/passkey.ts';
import { PasskeyTable } from './passkey/passkey-table.ts';
import { PasswordTable } from './password-table.ts';
import { Users } from './users.ts';

let server: TestPostgres;
let made = 0;
const data = mkdtempSync(join(tmpdir(), 'perch-people-'));
before(async () => {
  server = await startPostgres();
});
after(async () => {
  await server.close();
  rmSync(data, { recursive: true, force: true });
});

async function open(address: string) {
  const clock = new FakeClock();
  const logger = silentLogger;
  const database = await openDatabase({ address: parseDatabaseAddress(address, data), logger });
  const revoked = () =>
    database.query(
      'SELECT kind, id FROM revocations ORDER BY seq',
      [],
      (row) => `${row.text('kind')} ${row.text('id')}`,
    );
  const options = { database, clock, logger };
  return {
    ...options,
    users: new Users(options),
    households: new Households(options),
    passwords: new PasswordTable(options),
    passkeys: new PasskeyTable(options),
    challenges: new Challenges(options),
    sessions: new AppSessions(options),
    revoked,
    [Symbol.asyncDispose]: () => database.close(),
  };
}

const idOf = (user: object | string): string =>
  typeof user === 'object' && 'id' in user ? String(user.id) : assert.fail(String(user));
const from = { address: '192.0.2.1', userAgent: 'a browser' };

for (const [dialect, address] of [
  ['SQLite', () => `sqlite:${data}/${++made}.db`],
  ['PostgreSQL', () => server.createDatabase()],
] as const) {
  describe(`people in ${dialect}`, () => {
    it('are taken in once by a name, however many want it at once', async () => {
      await using at = await open(address());
      const person = { household: 'home', name: 'Ben', role: 'member' } as const;
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => at.users.create(person)));
      assert.equal(outcomes.filter((outcome) => outcome === 'name-taken').length, 9);
      assert.equal(await at.users.create({ ...person, name: 'bEN' }), 'name-taken');
      const lab = await at.households.create('Lab');
      assert.equal(lab?.household.name, 'lab');
      assert.equal(await at.households.create('LAB'), undefined);
      idOf(await at.users.create({ ...person, household: lab?.household.id ?? '' }));
      assert.deepEqual(
        (await at.users.list('home')).map(({ name, role }) => [name, role]),
        [
          ['Owner', 'owner'],
          ['Ben', 'member'],
        ],
      );
    });

    it('have an owner, also when two remove each other at once', async () => {
      await using at = await open(address());
      const other = idOf(await at.users.create({ household: 'home', name: 'Ada', role: 'owner' }));
      const outcomes = await Promise.all([
        at.users.remove('owner', 'home'),
        at.users.change(other, 'home', { role: 'guest' }),
      ]);
      assert.equal(outcomes.filter((outcome) => outcome === 'last-owner').length, 1);
      const owners = (await at.users.list('home')).filter(({ role }) => role === 'owner');
      assert.equal(owners.length, 1);
      assert.equal(await at.users.firstOwner('home'), owners[0]?.id);
      assert.equal(await at.users.change('nobody', 'home', {}), 'absent');
      assert.equal(await at.users.remove(other, 'elsewhere'), 'absent');
    });

    it('lose what is noted, and nothing else', async () => {
      await using at = await open(address());
      const { users } = at;
      const id = idOf(await users.create({ household: 'home', name: 'Mia', role: 'member' }));
      const changes = async (permissions: Parameters<typeof users.change>[2]['permissions']) => {
        const already = (await at.revoked()).length;
        await users.change(id, 'home', { permissions });
        return (await at.revoked()).slice(already).map((line) => line.replace(id, 'Mia'));
      };
      const all = ['view', 'listen', 'talk', 'command', 'call', 'captures'] as const;
      assert.deepEqual(await changes(new Map([['*', all]])), []);
      assert.deepEqual(await changes(new Map([['front', ['view', 'listen']]])), [
        'permission Mia front talk',
        'permission Mia front command',
        'permission Mia front call',
        'permission Mia front captures',
      ]);
      assert.deepEqual(await changes(new Map([['*', ['view']]])), [
        'permission Mia * listen',
        'permission Mia * talk',
        'permission Mia * command',
        'permission Mia * call',
        'permission Mia * captures',
      ]);
      assert.deepEqual(
        await changes(new Map([['front', undefined]])),
        ['permission Mia front view', 'permission Mia front listen'],
        'what rested on a list that is gone begins anew',
      );
      assert.deepEqual([...((await users.find(id))?.permissions ?? [])], [['*', ['view']]]);
      const before = (await at.revoked()).length;
      await users.change(id, 'home', { role: 'owner' });
      assert.equal((await at.revoked()).length, before, 'who rises loses nothing');
      await users.change(id, 'home', { role: 'guest', name: 'Mia M.' });
      const lines = (await at.revoked()).slice(before);
      assert.ok(lines.includes(`user ${id}`));
    });

    it('go with all that they sign in by', async () => {
      await using at = await open(address());
      const { users, sessions, passwords, passkeys } = at;
      const id = idOf(await users.create({ household: 'home', name: 'Mia', role: 'member' }));
      const { secret } = await sessions.newLink({ user: id });
      const { cookie } = await sessions.begin({ kind: 'user', id }, from);
      assert.ok(await passwords.set(id, 'kept', undefined));
      assert.ok(await passkeys.add(passkeyOf(id)));
      assert.deepEqual(await passwords.findByName('mia'), { user: id, kept: 'kept' });
      assert.ok(await sessions.find(cookie));
      idOf(await users.remove(id, 'home'));
      assert.equal(await sessions.signIn(secret, from), undefined);
      assert.equal(await sessions.find(cookie), undefined);
      assert.equal(await passwords.findByName('mia'), undefined);
      assert.equal(await passkeys.find('credential'), undefined);
      assert.ok((await at.revoked()).includes(`user ${id}`));
    });

    it('have a password that is changed by one at a time', async () => {
      await using at = await open(address());
      const { passwords } = at;
      assert.equal(await passwords.find('owner'), undefined);
      assert.deepEqual(await passwords.findByName('Owner'), { user: 'owner', kept: undefined });
      const first = await Promise.all([
        passwords.set('owner', 'a', undefined),
        passwords.set('owner', 'b', undefined),
      ]);
      assert.deepEqual(first.toSorted(), [false, true]);
      const kept = await passwords.find('owner');
      assert.equal(await passwords.set('owner', 'c', 'other'), false);
      assert.ok(await passwords.set('owner', 'c', kept));
      const lab = await at.households.create('lab');
      assert.deepEqual(await passwords.findByName('owner@lab'), { user: lab?.owner.id, kept: undefined });
      assert.equal((await passwords.findByName('owner@home'))?.user, 'owner');
      for (const name of ['owner@', '@', '', 'owner@lab@home', 'nobody']) {
        assert.equal(await passwords.findByName(name), undefined, name);
      }
    });

    it('have passkeys that are found, counted and removed', async () => {
      await using at = await open(address());
      const { passkeys } = at;
      const passkey = passkeyOf('owner');
      assert.ok(await passkeys.add(passkey));
      assert.equal(await passkeys.add({ ...passkey, user: 'other' }), false, 'it is there');
      assert.deepEqual(await passkeys.list('owner'), [passkey]);
      const uses = await Promise.all([passkeys.used(passkey, 6, 2_000), passkeys.used(passkey, 6, 2_000)]);
      assert.deepEqual(uses.toSorted(), [false, true], 'one signature counts');
      assert.deepEqual(await passkeys.find('credential'), { ...passkey, counter: 6, lastUsed: 2_000 });
      assert.equal(await passkeys.remove('credential', 'other'), undefined);
      assert.equal((await passkeys.remove('credential', 'owner'))?.name, 'phone');
      for (let i = 0; i < 20; i++) assert.ok(await passkeys.add({ ...passkey, id: `credential ${i}` }));
      assert.equal(await passkeys.add(passkey), false, 'twenty are enough');
    });

    it('answer a challenge once', async () => {
      await using at = await open(address());
      const { challenges, clock } = at;
      const challenge = { challenge: 'Y2hhbGxlbmdl', user: undefined };
      const secret = await challenges.issue(challenge);
      const answers = await Promise.all([challenges.spend(secret), challenges.spend(secret)]);
      assert.deepEqual(
        answers.filter((answer) => answer !== undefined),
        [challenge],
      );
      const late = await challenges.issue({ ...challenge, user: 'owner' });
      clock.advance(5 * 60_000);
      assert.equal(await challenges.spend(late), undefined);
    });

    it('are signed out everywhere but here', async () => {
      await using at = await open(address());
      const { sessions } = at;
      const owner = { kind: 'user', id: 'owner' } as const;
      const [here, there] = [await sessions.begin(owner, from), await sessions.begin(owner, from)];
      assert.equal((await sessions.list('home')).length, 2);
      assert.deepEqual(await sessions.list('elsewhere'), []);
      assert.equal(await sessions.endOf(owner, here.session.id), 1);
      assert.ok(await sessions.find(here.cookie));
      assert.equal(await sessions.find(there.cookie), undefined);
      assert.deepEqual(await at.revoked(), [`session ${there.session.id}`]);
    });
  });
}

const passkeyOf = (user: string): Passkey => ({
  id: 'credential',
  user,
  name: 'phone',
  publicKey: 'a2V5',
  counter: 5,
  transports: ['internal', 'hybrid'],
  created: 1_000,
  lastUsed: undefined,
});
