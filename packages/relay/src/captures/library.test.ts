import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { FakeClock, startPostgres, type TestPostgres } from '@perch/testkit';
import { parseDatabaseAddress } from '../storage/address.ts';
import { openDatabase } from '../storage/open.ts';
import { type CaptureFacts, isComplete } from './capture.ts';
import { Catalogue, type Wanted } from './catalogue.ts';
import { Library } from './library.ts';
import { Retention } from './retention.ts';

const DAY = 86_400;
const data = mkdtempSync(join(tmpdir(), 'perch-library-'));
let server: TestPostgres;
let made = 0;
before(async () => {
  server = await startPostgres();
});
after(async () => {
  await server.close();
  rmSync(data, { recursive: true, force: true });
});

async function open(address: string) {
  const clock = new FakeClock({ wallMs: 1_800_000_000_000 });
  const database = await openDatabase({ address: parseDatabaseAddress(address, data), logger: silentLogger });
  const library = new Library({ database, clock });
  const catalogue = new Catalogue({ database });
  const retention = new Retention({ database, clock });
  const list = (more: Partial<Wanted> = {}) => catalogue.list({ ...all, ...more });
  const rooms = { library, catalogue, retention, list };
  return { ...rooms, database, clock, [Symbol.asyncDispose]: () => database.close() };
}

const film = (name: string, more: Partial<CaptureFacts> = {}): CaptureFacts => ({
  ...{ household: 'home', device: 'yard', name, source: 'perch', cause: 'motion', timestamp: 1_800_000_000 },
  ...more,
});
const file = (sha256: string, size = 10) => ({ extension: 'mp4', size, sha256 });
const all = { shelf: { household: 'home' }, most: 100 };

for (const [dialect, address] of [
  ['SQLite', () => `sqlite:${data}/${++made}.db`],
  ['PostgreSQL', () => server.createDatabase()],
] as const) {
  describe(`what is known of films, on ${dialect}`, () => {
    it('is no film where a device ended before there was anything of it', async () => {
      await using at = await open(address());
      const { library } = at;
      await library.end(film('empty'), 0);
      assert.deepEqual(await at.list(), []);
      const alarm = { household: 'home', device: 'yard', id: 'a', timestamp: 5 };
      await library.raiseAlarm(alarm, film('alarm'));
      await library.end(film('alarm'), 0);
      const [seen] = await at.list();
      assert.ok(seen && isComplete(seen));
    });

    it('grows as it is told, in whatever order', async () => {
      await using at = await open(address());
      const { library } = at;
      await library.end(film('a'), 3);
      await library.keepSegment(film('a'), 1, file('bb'));
      await library.loseSegment(film('a'), 2, 'no room');
      const [begun] = await at.list();
      assert.ok(begun);
      assert.deepEqual([begun.here, begun.lost, begun.expected, isComplete(begun)], [1, 1, 3, false]);
      await library.keepSegment(film('a'), 0, file('aa'));
      const [done] = await at.list();
      assert.ok(done && isComplete(done));
      assert.deepEqual([done.here, done.bytes], [2, 20]);
      assert.deepEqual(
        (await library.segments(done.id)).map(({ number, state, reason }) => [number, state, reason]),
        [
          [0, 'here', undefined],
          [1, 'here', undefined],
          [2, 'lost', 'no room'],
        ],
      );
      await library.judge(done.id, 0, 'aa', { duration: 1_500 });
      await library.judge(done.id, 1, 'bb', { reason: 'no moov' });
      await library.judge(done.id, 1, 'other', { duration: 9 });
      assert.equal((await library.find(done.id))?.duration, 1_500);
      assert.equal((await library.segmentOf('yard', 'a', 1))?.isPlayable, false);
      assert.equal(await library.segmentOf('yard', 'a', 7), undefined);
    });

    it('is news: a film begins once, and an alarm is one however often it is told', async () => {
      await using at = await open(address());
      const { library } = at;
      const heard: string[] = [];
      library.news.on('begun', ({ name }) => heard.push(`begun ${name}`));
      library.news.on('alarm', ({ id, capture }) => heard.push(`alarm ${id}${capture ? ' of a film' : ''}`));
      const alarm = { household: 'home', device: 'yard', id: 'x', timestamp: 1_001 };
      for (let i = 0; i < 2; i++) await library.raiseAlarm(alarm, film('f1'));
      await library.raiseAlarm({ ...alarm, id: 'y' });
      assert.deepEqual(heard, ['begun f1', 'alarm x of a film', 'alarm y']);
    });

    it('is listed by device, cause, alarm and time, page by page', async () => {
      await using at = await open(address());
      const { library } = at;
      for (let i = 0; i < 5; i++) await library.end(film(`f${i}`, { timestamp: 1_000 + Math.floor(i / 2) }));
      await library.end(film('asked', { cause: 'asked', device: 'door', timestamp: 500 }));
      await library.end(film('theirs', { household: 'lab', device: 'lab' }));
      const alarm = { household: 'home', device: 'yard', id: 'x', timestamp: 1_001, gpio: 7 };
      await library.raiseAlarm(alarm, film('f1', { timestamp: 1_000 }));
      await library.raiseAlarm(alarm, film('f1', { timestamp: 1_000 }));
      const names = async (more: object) => (await at.list(more)).map(({ name }) => name);
      assert.equal((await names({})).length, 6);
      assert.deepEqual(await names({ device: 'door' }), ['asked']);
      assert.deepEqual(await names({ cause: 'asked' }), ['asked']);
      assert.deepEqual(await names({ withAlarm: true }), ['f1']);
      assert.deepEqual(await names({ until: 999 }), ['asked']);
      const paged: string[] = [];
      for (let after: { timestamp: number; id: string } | undefined; ; ) {
        const page = await at.list({ most: 2, after });
        paged.push(...page.map(({ name }) => name));
        after = page.at(-1);
        if (page.length < 2) break;
      }
      assert.deepEqual(paged, await names({}));
      const [raised, ...more] = await at.catalogue.alarms(all);
      assert.deepEqual([raised?.gpio, raised?.timestamp, more.length], [7, 1_001, 0]);
    });

    it('says which files may go when a film is deleted, and a new segment brings it back', async () => {
      await using at = await open(address());
      const { library } = at;
      await library.keepSegment(film('a'), 0, file('aa'));
      const [{ id } = { id: '' }] = await at.list();
      const gone = [{ device: 'yard', capture: 'a', segment: 0, ...file('aa') }];
      assert.deepEqual(await library.remove(id, { isGiven: true }), gone);
      assert.equal(await library.remove(id, { isGiven: true }), undefined);
      assert.deepEqual(await at.list(), []);
      assert.deepEqual(await library.removedSince(0), gone);
      // Told late; it brings nothing back.
      await library.end(film('a'), 1);
      assert.deepEqual(await at.list(), []);
      await library.keepSegment(film('a'), 1, file('bb'));
      assert.equal((await library.find(id))?.here, 1);
    });

    it('is overdue by age and by space, the oldest first, but for what is kept', async () => {
      await using at = await open(address());
      const { library, retention } = at;
      const now = 1_800_000_000;
      for (const [name, days] of [
        ['old', 9],
        ['kept', 8],
        ['middle', 3],
        ['new', 0],
      ] as const) {
        await library.keepSegment(film(name, { timestamp: now - days * DAY }), 0, file(name, 100));
      }
      const ids = new Map((await at.list()).map(({ name, id }) => [id, name]));
      const kept = [...ids].find(([, name]) => name === 'kept')?.[0] ?? '';
      await library.keep(kept, true);
      const overdue = async (days?: number, bytes?: number) => {
        await retention.setLimits('home', { days, bytes });
        assert.deepEqual(await retention.limits('home'), { days, bytes });
        return (await retention.overdue()).map((id) => ids.get(id));
      };
      assert.deepEqual(await retention.overdue(), []);
      assert.deepEqual(await overdue(), []);
      assert.equal(await retention.used('home'), 400);
      assert.deepEqual(await overdue(7), ['old']);
      assert.deepEqual(await overdue(undefined, 250), ['old', 'middle']);
      assert.deepEqual(await overdue(undefined, 400), []);
      assert.equal(await library.remove(kept, { isGiven: false }), undefined);
    });

    it('forgets removed films that no device can offer again, with their alarms', async () => {
      await using at = await open(address());
      const { library, retention, clock, database } = at;
      const gone = async (name: string, more: Partial<CaptureFacts> = {}) => {
        const of = film(name, { timestamp: 1_000, ...more });
        await library.keepSegment(of, 0, file(name));
        const found = await at.list({ since: 0 });
        await library.remove(found.find((each) => each.name === name)?.id ?? '', { isGiven: true });
      };
      await library.raiseAlarm(
        { household: 'home', device: 'yard', id: 'x', timestamp: 1_000 },
        film('offered', { timestamp: 1_000 }),
      );
      await gone('offered');
      await gone('silent', { device: 'door' });
      await gone('cloud', { device: 'cloud', source: 'cloudtalker' });
      const left = async () => {
        await retention.prune();
        const names = await database.query('SELECT name FROM captures ORDER BY name', [], (row) =>
          row.text('name'),
        );
        return names.join(' ');
      };
      assert.equal(await left(), 'cloud offered silent', 'whatever there is, it was removed just now');
      clock.advance(31 * DAY * 1_000);
      assert.equal(await left(), 'offered silent');
      // An alarm's film goes first: it does not show that older ones were offered.
      const alarm = { household: 'home', device: 'yard', id: 'y', timestamp: 2_000 };
      await library.raiseAlarm(alarm, film('urgent', { timestamp: 2_000 }));
      await library.keepSegment(film('urgent', { timestamp: 2_000 }), 0, file('urgent'));
      assert.equal(await left(), 'offered silent urgent');
      await library.keepSegment(film('later', { timestamp: 3_000 }), 0, file('later'));
      assert.equal(await left(), 'later silent urgent');
      assert.equal(await library.segmentOf('yard', 'offered', 0), undefined);
      const alarms = await at.catalogue.alarms(all);
      assert.deepEqual(
        alarms.map(({ id }) => id),
        ['y'],
      );
    });

    it('forgets alarms without a film when films of their time go', async () => {
      await using at = await open(address());
      const { library, retention, catalogue } = at;
      const now = 1_800_000_000;
      for (const days of [1, 29, 31, 61]) {
        await library.raiseAlarm({
          household: 'home',
          device: 'yard',
          id: `${days}`,
          timestamp: now - days * DAY,
        });
      }
      const left = async (days?: number) => {
        await retention.setLimits('home', { days, bytes: undefined });
        await retention.prune();
        return (await catalogue.alarms(all)).map(({ id }) => Number(id));
      };
      assert.deepEqual(await left(), [1, 29, 31, 61]);
      assert.deepEqual(await left(60), [1, 29, 31]);
      assert.deepEqual(await left(3), [1, 29]);
    });

    it('is counted by quarters of an hour, and each sees only what is on his shelf', async () => {
      await using at = await open(address());
      const { library, catalogue } = at;
      for (const [name, device, timestamp] of [
        ['a', 'yard', 900],
        ['b', 'yard', 1_799],
        ['c', 'door', 1_800],
      ] as const) {
        await library.keepSegment(film(name, { device, timestamp }), 0, file(name));
      }
      await library.raiseAlarm({ household: 'home', device: 'door', id: 'x', timestamp: 4_000 });
      const quarters = (more: object = {}) => catalogue.quarters({ shelf: all.shelf, ...more });
      const counts = [
        { timestamp: 900, captures: 2, alarms: 0 },
        { timestamp: 1_800, captures: 1, alarms: 0 },
        { timestamp: 3_600, captures: 0, alarms: 1 },
      ];
      assert.deepEqual(await quarters(), counts);
      assert.deepEqual(await quarters({ since: 1_700, until: 1_800 }), [
        { timestamp: 900, captures: 1, alarms: 0 },
        counts[1],
      ]);
      const seen = async (shelf: object) => {
        const which = { shelf: { household: 'home', ...shelf }, most: 9 };
        const names = (await catalogue.list(which)).map(({ name }) => name);
        const alarms = (await catalogue.alarms(which)).length;
        return [names.sort().join(''), alarms, (await catalogue.quarters(which)).length];
      };
      const [c] = await at.list();
      assert.deepEqual(await seen({}), ['abc', 1, 3]);
      assert.deepEqual(await seen({ devices: ['yard'] }), ['ab', 0, 1]);
      assert.deepEqual(await seen({ devices: [] }), ['', 0, 0]);
      assert.deepEqual(await seen({ but: ['yard'] }), ['c', 1, 2]);
      assert.deepEqual(await seen({ capture: c?.id }), ['c', 0, 1]);
      assert.deepEqual(await seen({ household: 'lab' }), ['', 0, 0]);
    });

    it('ends films of cloudtalkers of which nothing came for a while, and no others', async () => {
      await using at = await open(address());
      const { library, clock } = at;
      await library.keepSegment(film('a', { source: 'cloudtalker' }), 0, file('aa'));
      await library.keepSegment(film('b'), 0, file('bb'));
      clock.advance(1_000);
      await library.endSilent(2_000);
      assert.deepEqual((await at.list()).filter(isComplete), []);
      clock.advance(2_000);
      await library.endSilent(2_000);
      assert.deepEqual(
        (await at.list()).filter(isComplete).map(({ name }) => name),
        ['a'],
      );
    });
  });
}
