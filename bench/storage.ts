/**
 * Claim: changes of the relay's state that wait together share a sync of the disk: 1,000 at once take less than a fifth
 * of the time of 1,000 one after the other, each of them on the disk when it is answered.
 *
 * Beside it, in the same run, how long the main thread is busy for each change, and how long where it writes and waits
 * for the disk itself. How much that is depends on the disk: a memory card takes a hundred times as long as a good SSD.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { openSqlite } from '../packages/relay/src/storage/sqlite.ts';

const COUNT = 1_000;
const INSERT = 'INSERT INTO things (name, size) VALUES (?, ?)';
const TABLE = 'CREATE TABLE things (name TEXT NOT NULL, size BIGINT NOT NULL)';

/** How long {@link COUNT} changes take, and how long the main thread is busy for each, ms. */
async function timed(work: () => Promise<void>): Promise<{ took: number; busyEach: number }> {
  const before = performance.eventLoopUtilization();
  const start = performance.now();
  await work();
  const { active } = performance.eventLoopUtilization(before);
  return { took: performance.now() - start, busyEach: active / COUNT };
}

async function inItsThread(directory: string) {
  await using database = await openSqlite({ path: join(directory, 'thread.db') });
  await database.execute(TABLE);
  const change = (i: number) => database.execute(INSERT, ['x', i]);
  const oneByOne = async () => {
    for (let i = 0; i < COUNT; i++) await change(i);
  };
  const atOnce = async () => {
    await Promise.all(Array.from({ length: COUNT }, (_, i) => change(i)));
  };
  await oneByOne();
  return { oneByOne: await timed(oneByOne), atOnce: await timed(atOnce) };
}

async function inTheMainThread(directory: string) {
  const database = new DatabaseSync(join(directory, 'main.db'));
  try {
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${TABLE}`);
    const insert = database.prepare(INSERT);
    return await timed(async () => {
      for (let i = 0; i < COUNT; i++) {
        insert.run('x', i);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  } finally {
    database.close();
  }
}

// Beside the sources: the system's temporary directory may be memory, which needs no sync.
const cache = join(import.meta.dirname, '../.cache');
mkdirSync(cache, { recursive: true });
const directory = mkdtempSync(join(cache, 'bench-storage-'));
try {
  const { oneByOne, atOnce } = await inItsThread(directory);
  const direct = await inTheMainThread(directory);
  const share = atOnce.took / oneByOne.took;
  const ms = (value: number) => `${value.toFixed(value < 1 ? 3 : 1)} ms`;
  console.table([
    { what: `${COUNT} changes one after the other`, measured: ms(oneByOne.took), target: '' },
    { what: `${COUNT} changes at once`, measured: ms(atOnce.took), target: '' },
    { what: 'the second by the first', measured: share.toFixed(3), target: '<= 0.200' },
    { what: 'main thread busy for a change, alone', measured: ms(oneByOne.busyEach), target: '' },
    { what: 'the same, at once', measured: ms(atOnce.busyEach), target: '' },
    { what: 'the same, where it waits for the disk itself', measured: ms(direct.busyEach), target: '' },
  ]);
  process.exitCode = share <= 0.2 ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
