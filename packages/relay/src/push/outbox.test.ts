import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { millis, silentLogger } from '@perch/runtime';
import { FakeClock, startPostgres, type TestPostgres } from '@perch/testkit';
import { AppSessions } from '../auth/app-sessions.ts';
import { parseDatabaseAddress } from '../storage/address.ts';
import type { Database } from '../storage/database.ts';
import { openDatabase } from '../storage/open.ts';
import type { Notice } from './notice.ts';
import { LEASE_MS, MOST_WAITING, Outbox } from './outbox.ts';
import { PushSettings } from './settings.ts';
import { Subscriptions } from './subscriptions.ts';

const MINUTE = 60_000;
const NOW = { wait: millis(0), life: millis(60 * MINUTE) };
const SOON = { ...NOW, wait: millis(5_000) };
const data = mkdtempSync(join(tmpdir(), 'perch-outbox-'));
const places = new Map<string, Promise<{ database: Database; other: Database }>>();
let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(async () => {
  for (const place of places.values()) {
    const { database, other } = await place;
    await other.close();
    await database.close();
  }
  await server.close();
  rmSync(data, { recursive: true, force: true });
});

const notice = (capture: string, what: Notice['what'] = 'motion', at = 1): Notice => ({
  ...{ what, device: 'door', capture, at },
});

for (const [dialect, address] of [
  ['SQLite', () => `sqlite:${data}/perch.db`],
  ['PostgreSQL', () => server.createDatabase()],
] as const) {
  /** One database for all, as two relays have it: to make its tables takes longer than a test. */
  const openPlace = async () => {
    const url = parseDatabaseAddress(address(), data);
    const database = await openDatabase({ address: url, logger: silentLogger });
    return { database, other: await openDatabase({ address: url, logger: silentLogger }) };
  };
  /** The same with nothing in it but so many signed-in browsers of its owner. */
  const open = async (browsers = 1) => {
    const opened = places.get(dialect) ?? openPlace();
    places.set(dialect, opened);
    const { database, other } = await opened;
    await database.execute('DELETE FROM app_sessions');
    const clock = new FakeClock();
    const sessions = new AppSessions({ database, clock, logger: silentLogger });
    const subscriptions = new Subscriptions({ database, clock });
    const sign = async (endpoint: string) => {
      const place = { address: '', userAgent: '' };
      const { session } = await sessions.begin({ kind: 'user', id: 'owner' }, place);
      await subscriptions.keep(session.id, 'owner', { endpoint, p256dh: 'p', auth: 'a' });
      return session.id;
    };
    const ids: string[] = [];
    for (let i = 0; i < browsers; i++) ids.push(await sign(`https://push.example/${i}`));
    return {
      ...{ database, clock, sessions, subscriptions, sign, ids },
      outbox: new Outbox({ database, clock }),
      elsewhere: new Outbox({ database: other, clock }),
      count: async (table: 'push_outbox' | 'push_subscriptions') =>
        (await database.query(`SELECT count(*) AS n FROM ${table}`, [], (row) => row.number('n')))[0],
    };
  };

  describe(`what is to be pushed, on ${dialect}`, () => {
    it('is there for every browser of the household, and for no other', async () => {
      const at = await open(3);
      await at.outbox.put('home', notice('a'), NOW);
      await at.outbox.put('lab', notice('b'), NOW);
      const letters = await at.outbox.take(10);
      assert.deepEqual(letters.map(({ subscription }) => subscription).sort(), [...at.ids].sort());
      const [letter] = letters;
      assert.deepEqual([letter?.capture, letter?.what, letter?.tries], ['a', 'motion', 1]);
    });

    it('waits for its time, or until there is a picture', async () => {
      const at = await open();
      for (const capture of ['a', 'b']) await at.outbox.put('home', notice(capture), SOON);
      assert.deepEqual(await at.outbox.take(10), []);
      await at.outbox.hasten('b');
      const [first] = await at.outbox.take(10);
      assert.equal(first?.capture, 'b');
      await at.outbox.drop(first);
      at.clock.advance(5_000);
      assert.equal((await at.outbox.take(10))[0]?.capture, 'a');
    });

    it('is one letter for one film, and an alarm as soon as there is one', async () => {
      const at = await open();
      await at.outbox.put('home', notice('a'), SOON);
      await at.outbox.put('home', notice('a', 'alarm'), NOW);
      await at.outbox.put('home', notice('a'), SOON);
      const letters = await at.outbox.take(10);
      assert.deepEqual(
        letters.map(({ what }) => what),
        ['alarm'],
      );
    });

    it('comes to a browser one by one, alarms first', async () => {
      const at = await open();
      await at.outbox.put('home', notice('a'), NOW);
      await at.outbox.put('home', notice('b', 'alarm'), NOW);
      const [alarm] = await at.outbox.take(10);
      assert.equal(alarm?.capture, 'b');
      assert.deepEqual(await at.outbox.take(10), []);
      await at.outbox.drop(alarm);
      assert.equal((await at.outbox.take(10))[0]?.capture, 'a');
    });

    it('is taken by one relay, however many ask at once', async () => {
      const at = await open(20);
      await at.outbox.put('home', notice('a'), NOW);
      const taken = await Promise.all(
        Array.from({ length: 8 }, (_, i) => (i % 2 ? at.outbox : at.elsewhere).take(20)),
      );
      const all = taken.flat().map(({ subscription }) => subscription);
      assert.equal(all.length, 20);
      assert.equal(new Set(all).size, 20);
    });

    it('is there again where who took it has ended', async () => {
      const at = await open();
      await at.outbox.put('home', notice('a'), NOW);
      await at.outbox.take(1);
      at.clock.advance(LEASE_MS - 1);
      assert.deepEqual(await at.elsewhere.take(1), []);
      at.clock.advance(1);
      assert.equal((await at.elsewhere.take(1))[0]?.tries, 2);
    });

    it('is put back for later, but what became an alarm meanwhile is not put off', async () => {
      const at = await open();
      await at.outbox.put('home', notice('a'), NOW);
      const [letter] = await at.outbox.take(1);
      assert.ok(letter);
      await at.outbox.putBack(letter, millis(MINUTE));
      assert.deepEqual(await at.outbox.take(1), []);
      at.clock.advance(MINUTE);
      const [again] = await at.outbox.take(1);
      assert.ok(again);
      await at.outbox.put('home', notice('a', 'alarm'), NOW);
      await at.outbox.putBack(again, millis(MINUTE));
      const [alarm] = await at.outbox.take(1);
      assert.equal(alarm?.what, 'alarm');
    });

    it('is still an alarm where the film was sent just then', async () => {
      const at = await open();
      await at.outbox.put('home', notice('a'), NOW);
      const [film] = await at.outbox.take(1);
      assert.ok(film);
      await at.outbox.put('home', notice('a', 'alarm'), NOW);
      await at.outbox.drop(film);
      const [alarm] = await at.outbox.take(1);
      assert.deepEqual([alarm?.what, alarm?.tries], ['alarm', 1]);
      await at.outbox.drop(alarm as typeof film);
      assert.equal(await at.count('push_outbox'), 0);
    });

    it('has an end: films give way before alarms, the oldest first', async () => {
      const at = await open();
      for (let i = 0; i < MOST_WAITING + 10; i++) {
        await at.outbox.put('home', notice(`film${i}`, i % 10 === 0 ? 'alarm' : 'motion', i), SOON);
      }
      const select = 'SELECT tag FROM push_outbox ORDER BY at';
      const tags = await at.database.query(select, [], (row) => row.text('tag'));
      // Three alarms; the rest are the newest films.
      const newest = Array.from({ length: MOST_WAITING - 2 }, (_, i) => `film${i + 12}`);
      assert.deepEqual(tags, ['film0', 'film10', ...newest]);
    });
  });

  describe(`a browser that is told, on ${dialect}`, () => {
    it('goes with its session, and all that waits for it', async () => {
      const at = await open(2);
      await at.outbox.put('home', notice('a'), NOW);
      await at.sessions.end(at.ids[0] as string);
      assert.equal(await at.count('push_subscriptions'), 1);
      assert.equal(await at.count('push_outbox'), 1);
      at.clock.advance(31 * 24 * 60 * MINUTE);
      assert.equal(await at.subscriptions.find(at.ids[1] as string), undefined, 'it is signed out');
    });

    it('is of its last session where it signed in anew, and of who signed in', async () => {
      const at = await open();
      const again = await at.sign('https://push.example/0');
      assert.equal(await at.count('push_subscriptions'), 1);
      assert.ok(await at.subscriptions.find(again));
      await at.subscriptions.keep(again, 'nobody', { endpoint: 'https://x.example', p256dh: '', auth: '' });
      assert.equal((await at.subscriptions.find(again))?.endpoint, 'https://push.example/0');
    });

    it('is forgotten only as it was: one that is reached elsewhere meanwhile stays', async () => {
      const at = await open();
      const [id = ''] = at.ids;
      const before = await at.subscriptions.find(id);
      assert.ok(before);
      await at.subscriptions.keep(id, 'owner', { ...before, endpoint: 'https://push.example/new' });
      await at.subscriptions.forget(before);
      assert.ok(await at.subscriptions.find(id));
    });

    it('is one of a bounded number for each person', async () => {
      const at = await open();
      for (let i = 1; i < 55; i++) await at.sign(`https://push.example/${i}`);
      assert.equal(await at.count('push_subscriptions'), 50);
    });

    it('gets twenty films and a hundred alarms in a row, then one a minute, whichever relay sends', async () => {
      const at = await open();
      const [id = ''] = at.ids;
      const taken = async (isAlarm: boolean) => {
        let n = 0;
        while (n < 200 && (await at.subscriptions.take(id, { isAlarm }))) n++;
        return n;
      };
      assert.equal(await taken(false), 20);
      assert.equal(await taken(true), 80);
      assert.equal(await taken(true), 0);
      at.clock.advance(MINUTE);
      assert.equal(await taken(true), 1);
      at.clock.advance(24 * 60 * MINUTE);
      assert.equal(await taken(false), 20);
    });

    it('is told once that its sign-in ends', async () => {
      const at = await open();
      const [id = ''] = at.ids;
      const within = millis(48 * 60 * MINUTE);
      assert.deepEqual(await at.subscriptions.ending(within), []);
      at.clock.advance(29 * 24 * 60 * MINUTE);
      const [ending] = await at.subscriptions.ending(within);
      assert.equal(ending?.until, at.clock.wall() + 24 * 60 * MINUTE);
      assert.deepEqual(
        [await at.subscriptions.markReminded(id, true), await at.subscriptions.markReminded(id, true)],
        [true, false],
      );
      assert.deepEqual(await at.subscriptions.ending(within), []);
    });

    it('has wishes of its person, which are kept whole', async () => {
      const at = await open();
      const settings = new PushSettings(at);
      const quiet = { from: '22:00', to: '07:00', zone: 'Europe/Zurich', days: [1], alarms: true };
      await settings.keep('owner', { quiet, devices: new Map([['door', 'alarms']]) });
      assert.deepEqual(await settings.of('owner'), { quiet, devices: new Map([['door', 'alarms']]) });
      await settings.keep('owner', { quiet: undefined, devices: new Map() });
      assert.deepEqual(await settings.of('owner'), { quiet: undefined, devices: new Map() });
      await settings.keep('nobody', { quiet, devices: new Map() });
      assert.equal((await settings.of('nobody')).quiet, undefined);
    });
  });
}
