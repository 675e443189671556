import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RelayError } from '../../errors.ts';
import type { Database, Queries } from '../database.ts';
import { migrate } from '../migrate.ts';

export interface Subject {
  /** A database that nobody has used. Two calls give two. */
  create(): Promise<Place>;
}

/** Where an empty database is: it can be opened several times. */
export interface Place {
  open(): Promise<Database>;
}

const things = ['CREATE TABLE things (name TEXT PRIMARY KEY, size BIGINT, note TEXT)'];
const names = (queries: Queries) =>
  queries.query('SELECT name FROM things ORDER BY name', [], (row) => row.text('name'));
const add = (queries: Queries, name: string) =>
  queries.execute('INSERT INTO things (name, size) VALUES (?, ?)', [name, 1]);
const code = (error: unknown) => (error instanceof RelayError ? error.code : error);

/** What every dialect of the database promises. */
export function databaseContract(dialect: string, subject: Subject): void {
  const opened = async () => {
    const place = await subject.create();
    const database = await place.open();
    await migrate(database, [things]);
    return database;
  };

  describe(`a database on ${dialect}`, () => {
    it('gives back what was put in: text, large whole numbers, nothing', async () => {
      await using database = await opened();
      const text = `ß 🐦 ' " \\ ; -- ? $1\n`;
      const insert = 'INSERT INTO things (name, size, note) VALUES (?, ?, ?)';
      assert.equal(await database.execute(insert, [text, Number.MAX_SAFE_INTEGER, null]), 1);
      assert.equal(await database.execute(insert, ['', -1, '']), 1);
      const rows = await database.query('SELECT * FROM things ORDER BY size DESC', [], (row) => [
        row.text('name'),
        row.number('size'),
        row.optionalText('note'),
      ]);
      assert.deepEqual(rows, [
        [text, Number.MAX_SAFE_INTEGER, undefined],
        ['', -1, ''],
      ]);
    });

    it('counts in whole numbers', async () => {
      await using database = await opened();
      await add(database, 'a');
      const count = 'SELECT count(*) AS n FROM things';
      assert.deepEqual(await database.query(count, [], (row) => row.number('n')), [1]);
    });

    it('calls a column that is not what it should be damage', async () => {
      await using database = await opened();
      await add(database, 'a');
      const read = (decode: Parameters<typeof database.query>[2]) =>
        database.query('SELECT name, note FROM things', [], decode).catch(code);
      assert.equal(await read((row) => row.number('name')), 'data-damaged');
      assert.equal(await read((row) => row.text('note')), 'data-damaged');
      assert.equal(await read((row) => row.text('other')), 'data-damaged');
    });

    it('gives a row that is deleted to exactly one of many who want it', async () => {
      await using database = await opened();
      await add(database, 'code');
      const spend = () =>
        database.query('DELETE FROM things WHERE name = ? RETURNING name', ['code'], (row) =>
          row.text('name'),
        );
      const spent = await Promise.all(Array.from({ length: 20 }, spend));
      assert.deepEqual(spent.flat(), ['code']);
    });

    it('keeps all others of many changes at once when one of them breaks a rule', async () => {
      await using database = await opened();
      const outcomes = await Promise.allSettled(
        ['a', 'b', 'a', 'c', 'b', 'd'].map((name) => add(database, name)),
      );
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 4);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') assert.equal(code(outcome.reason), 'storage-conflict');
      }
      assert.deepEqual(await names(database), ['a', 'b', 'c', 'd']);
    });

    it('does a transaction wholly', async () => {
      await using database = await opened();
      const size = await database.transaction(async (queries) => {
        await add(queries, 'a');
        await add(queries, 'b');
        return (await names(queries)).length;
      });
      assert.equal(size, 2);
      assert.deepEqual(await names(database), ['a', 'b']);
    });

    it('does nothing of a transaction that throws', async () => {
      await using database = await opened();
      const failure = new Error('no');
      const outcome = database.transaction(async (queries) => {
        await add(queries, 'a');
        throw failure;
      });
      await assert.rejects(outcome, failure);
      assert.deepEqual(await names(database), []);
      await add(database, 'b');
      assert.deepEqual(await names(database), ['b']);
    });

    it('does nothing of a transaction with a failed statement, even if that was caught', async () => {
      await using database = await opened();
      await add(database, 'a');
      const outcome = database.transaction(async (queries) => {
        await add(queries, 'b');
        await add(queries, 'a').catch(() => undefined);
        return 'done';
      });
      assert.equal(await outcome.catch(code), 'storage-conflict');
      assert.deepEqual(await names(database), ['a']);
    });

    it('takes no statement for a transaction that is over', async () => {
      await using database = await opened();
      let kept: Queries | undefined;
      await database.transaction(async (queries) => {
        kept = queries;
      });
      await assert.rejects(async () => kept && add(kept, 'late'), { name: 'TypeError' });
      assert.deepEqual(await names(database), []);
    });

    it('lets transactions on the same row follow each other, none lost', async () => {
      const place = await subject.create();
      await using one = await place.open();
      await migrate(one, [things]);
      await using two = await place.open();
      await one.execute("INSERT INTO things (name, size) VALUES ('n', 0)");
      const increment = (database: Database) =>
        database.transaction(async (queries) => {
          // The change comes first, so that the row is held while it is read.
          await queries.execute("UPDATE things SET size = size WHERE name = 'n'");
          const [size = 0] = await queries.query('SELECT size FROM things', [], (row) => row.number('size'));
          await queries.execute("UPDATE things SET size = ? WHERE name = 'n'", [size + 1]);
        });
      await Promise.all(Array.from({ length: 40 }, (_, i) => increment(i % 2 ? one : two)));
      assert.deepEqual(await one.query('SELECT size FROM things', [], (row) => row.number('size')), [40]);
    });

    it('is seen by others as soon as it is answered', async () => {
      const place = await subject.create();
      await using one = await place.open();
      await migrate(one, [things]);
      await using two = await place.open();
      await add(one, 'a');
      assert.deepEqual(await names(two), ['a']);
    });

    it('finishes what was asked before it closes, and takes nothing after', async () => {
      const place = await subject.create();
      const database = await place.open();
      await migrate(database, [things]);
      const asked = Promise.all(['a', 'b', 'c'].map((name) => add(database, name)));
      await Promise.all([database.close(), database.close(), asked]);
      assert.equal(await add(database, 'd').catch(code), 'storage-closed');
      assert.equal(await database.transaction(async () => 1).catch(code), 'storage-closed');
      await using again = await place.open();
      assert.deepEqual(await names(again), ['a', 'b', 'c']);
    });
  });

  describe(`the tables on ${dialect}`, () => {
    const steps = [things, ["INSERT INTO things (name) VALUES ('step 2')"]];

    it('are made once, however many processes start at once', async () => {
      const place = await subject.create();
      const databases = await Promise.all([1, 2, 3].map(() => place.open()));
      try {
        await Promise.all(databases.map((database) => migrate(database, steps)));
        for (const database of databases) assert.deepEqual(await names(database), ['step 2']);
      } finally {
        await Promise.all(databases.map((database) => database.close()));
      }
    });

    it('go on from the version that is there', async () => {
      const place = await subject.create();
      await using database = await place.open();
      await migrate(database, [things]);
      assert.deepEqual(await names(database), []);
      await migrate(database, steps);
      await migrate(database, steps);
      assert.deepEqual(await names(database), ['step 2']);
    });

    it('stay at the version before where a step fails', async () => {
      const place = await subject.create();
      await using database = await place.open();
      const broken = [
        things,
        ["INSERT INTO things (name) VALUES ('half')", 'INSERT INTO nowhere VALUES (1)'],
      ];
      assert.equal(await migrate(database, broken).catch(code), 'storage-failed');
      assert.deepEqual(await names(database), []);
      await migrate(database, steps);
      assert.deepEqual(await names(database), ['step 2']);
    });

    it('of a newer version are left alone', async () => {
      const place = await subject.create();
      await using database = await place.open();
      await migrate(database, steps);
      const outcome = migrate(database, [things]);
      await assert.rejects(outcome, { code: 'data-newer', message: /version 2, this one knows 1.*--data/ });
      assert.deepEqual(await names(database), ['step 2']);
    });

    it('of this version of Perch can be made', async () => {
      const place = await subject.create();
      await using database = await place.open();
      await migrate(database);
      await migrate(database);
    });
  });
}
