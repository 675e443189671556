import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { launch } from '@perch/testkit';
import { migrate } from './migrate.ts';
import { openSqlite } from './sqlite.ts';
import { databaseContract } from './testing/contract.ts';

const directories: string[] = [];
after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function freshPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'perch-sqlite-'));
  directories.push(directory);
  return join(directory, 'perch.db');
}

databaseContract('SQLite', {
  create: async () => {
    const path = freshPath();
    return { open: () => openSqlite({ path }) };
  },
});

describe('a SQLite file', () => {
  it('is for its owner only, with all that lies beside it', async () => {
    const path = freshPath();
    await using database = await openSqlite({ path });
    await migrate(database);
    for (const file of [path, `${path}-wal`, `${path}-shm`]) assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('keeps a commit over a power cut: WAL, synced before it is answered', async () => {
    const path = freshPath();
    await using database = await openSqlite({ path });
    const setting = (name: string) => database.query(`PRAGMA ${name}`, [], (row) => row);
    const [mode] = await setting('journal_mode');
    assert.equal(mode?.text('journal_mode'), 'wal');
    const [synchronous] = await setting('synchronous');
    assert.equal(synchronous?.number('synchronous'), 2, 'FULL');
  });

  it('that another program holds is not waited for without end', async () => {
    const path = freshPath();
    const other = new DatabaseSync(path);
    try {
      other.exec('PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE x (y); BEGIN EXCLUSIVE');
      await assert.rejects(openSqlite({ path, busyTimeoutMs: 10 }), {
        code: 'data-locked',
        message: /perch\.db is locked by another program\. Close what has it open/,
      });
    } finally {
      other.close();
    }
    await using database = await openSqlite({ path });
    await migrate(database);
  });

  it('that another program locks later fails the change, and works again when it is let go', async () => {
    const path = freshPath();
    await using database = await openSqlite({ path, busyTimeoutMs: 10 });
    await database.execute('CREATE TABLE x (y BIGINT)');
    const other = new DatabaseSync(path);
    try {
      other.exec('BEGIN IMMEDIATE');
      const insert = () => database.execute('INSERT INTO x (y) VALUES (1)');
      const outcomes = await Promise.allSettled([insert(), insert()]);
      for (const outcome of outcomes) {
        assert.equal(outcome.status === 'rejected' && outcome.reason.code, 'data-locked');
      }
      other.exec('ROLLBACK');
      assert.equal(await insert(), 1);
      assert.deepEqual(await database.query('SELECT y FROM x', [], (row) => row.number('y')), [1]);
    } finally {
      other.close();
    }
  });

  it('that is something else, or damaged, is not touched', async () => {
    const path = freshPath();
    writeFileSync(path, 'this is a letter to my mother, not a database '.repeat(100));
    const size = statSync(path).size;
    const words = { code: 'data-damaged', message: /damaged.*Nothing was changed\. Put back a copy/ };
    await assert.rejects(openSqlite({ path }), words);
    assert.equal(statSync(path).size, size);

    const cut = freshPath();
    const other = new DatabaseSync(cut);
    other.exec(`CREATE TABLE x (y); INSERT INTO x VALUES ('${'long '.repeat(20_000)}')`);
    other.close();
    truncateSync(cut, 8_192);
    await assert.rejects(openSqlite({ path: cut, check: true }), words);
  });

  it('that cannot be written is refused', async () => {
    const path = freshPath();
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE x (y)');
    other.close();
    chmodSync(path, 0o400);
    // Root may write everything, unless that right is taken away. Another user could not even read where Node is.
    const asRoot = process.getuid?.() === 0;
    const node: [string, ...string[]] = asRoot
      ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', process.execPath]
      : [process.execPath];
    const script = `
      const { openSqlite } = await import(${JSON.stringify(import.meta.resolve('./sqlite.ts'))});
      await openSqlite({ path: ${JSON.stringify(path)} }).then(
        () => console.log('opened'), (error) => console.log(error.code + ': ' + error.message));`;
    const asked = await launch({
      command: [...node, '--input-type=module', '-e', script],
    });
    await asked.exited;
    assert.match(asked.output(), /data-denied: .*perch\.db cannot be written/);
  });

  it('in a directory that is not there is refused', async () => {
    await assert.rejects(openSqlite({ path: join(freshPath(), 'nowhere', 'perch.db') }), {
      name: 'RelayError',
      code: 'data-denied',
    });
  });

  it('never makes the main thread wait', async () => {
    const path = freshPath();
    await using database = await openSqlite({ path });
    await database.execute('CREATE TABLE x (y BIGINT)');
    // Another thread holds the lock until it is told to let go: only a main thread that runs can tell it.
    const holder = new Worker(
      `const { DatabaseSync } = require('node:sqlite');
       const { parentPort } = require('node:worker_threads');
       const database = new DatabaseSync(${JSON.stringify(path)});
       database.exec('BEGIN IMMEDIATE');
       parentPort.once('message', () => { database.exec('ROLLBACK'); database.close(); });
       parentPort.postMessage('held');`,
      { eval: true },
    );
    await once(holder, 'message');
    const insert = database.execute('INSERT INTO x (y) VALUES (1)');
    let turns = 0;
    for (; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve));
    holder.postMessage('let go');
    assert.equal(await insert, 1);
    assert.equal(turns, 100);
  });

  it('that fills its disk keeps what was there, and goes on when there is room', async () => {
    await using database = await openSqlite({ path: freshPath() });
    await database.execute('CREATE TABLE x (y TEXT)');
    const insert = (text: string) => database.execute('INSERT INTO x (y) VALUES (?)', [text]);
    await insert('before');
    const mostPages = (n: number) => database.query(`PRAGMA max_page_count = ${n}`, [], () => undefined);
    await mostPages(4);
    const large = 'x'.repeat(100_000);
    const outcomes = await Promise.allSettled([insert(large), insert(large)]);
    for (const outcome of outcomes) {
      assert.equal(outcome.status === 'rejected' && outcome.reason.code, 'disk-full');
    }
    const inTransaction = database.transaction((queries) =>
      queries.execute('INSERT INTO x (y) VALUES (?)', [large]),
    );
    await assert.rejects(inTransaction, { code: 'disk-full', message: /Nothing that was kept is lost/ });
    await mostPages(1_000_000);
    await Promise.all([insert('after'), insert(large)]);
    const texts = await database.query('SELECT y FROM x', [], (row) => row.text('y'));
    assert.deepEqual(texts, ['before', 'after', large]);
  });

  it('refuses more than may wait', async () => {
    const path = freshPath();
    await using database = await openSqlite({ path });
    const asked = Array.from({ length: 10_001 }, () =>
      database.query('SELECT 1 AS one', [], (row) => row.number('one')).catch((error) => error.code),
    );
    assert.equal((await Promise.all(asked)).at(-1), 'storage-busy');
  });
});
