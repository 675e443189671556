import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { disk, type Files } from './files.ts';
import { Journal, type Place } from './journal.ts';

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'perch-journal-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A journal whose records are numbers that live until they are buried. */
async function open(t: TestContext, directory: string, files: Files = disk) {
  const live = new Map<number, Place>();
  const read: number[] = [];
  let copied: number[] = [];
  const journal = await Journal.open({
    directory,
    files,
    logger: silentLogger,
    onRecord: (record, at) => {
      const { n } = record as { n: number };
      read.push(n);
      live.set(n, at);
    },
    live: () => {
      copied = [...live.keys()];
      return { records: [], places: [...live.values()] };
    },
    moved: (places) => {
      for (const [i, at] of places.entries()) live.set(copied[i] as number, at);
    },
  });
  t.after(() => journal.close());
  const append = async (n: number, padding = '') => {
    live.set(n, await journal.append({ n, padding }));
  };
  const bury = (n: number) => {
    journal.bury(live.get(n)?.length ?? 0);
    live.delete(n);
  };
  return { journal, read, live, append, bury };
}

test('what was appended is read again, in order', async (t) => {
  const directory = await place(t);
  const first = await open(t, directory);
  await Promise.all([1, 2, 3].map((n) => first.append(n)));
  await first.journal.close();
  const second = await open(t, directory);
  assert.deepEqual(second.read, [1, 2, 3]);
  assert.deepEqual(await second.journal.read(second.live.get(2) as Place), { n: 2, padding: '' });
});

test('what many append at once is synced once', async (t) => {
  let syncs = 0;
  const counting: Files = {
    ...disk,
    write: async (path, options) => {
      const file = await disk.write(path, options);
      const sync = file.sync.bind(file);
      file.sync = () => {
        syncs++;
        return sync();
      };
      return file;
    },
  };
  const { append } = await open(t, await place(t), counting);
  await Promise.all(Array.from({ length: 200 }, (_, n) => append(n)));
  assert.ok(syncs <= 3, `${syncs} syncs`);
});

test('a torn last line is passed over, and what is added after it is read', async (t) => {
  const directory = await place(t);
  const first = await open(t, directory);
  await first.append(1);
  await first.journal.close();
  const whole = await readFile(join(directory, 'journal'));
  for (const cut of [1, 5, 12, whole.length - 1]) {
    await writeFile(join(directory, 'journal'), Buffer.concat([whole, whole.subarray(0, cut)]));
    const torn = await open(t, directory);
    assert.deepEqual(torn.read, [1], `cut after ${cut}`);
    await torn.append(2);
    await torn.journal.close();
    const after = await open(t, directory);
    assert.deepEqual(after.read, [1, 2]);
    await after.journal.close();
  }
});

test('a damaged line, or a stretch of zeros, does not hide what follows', async (t) => {
  const directory = await place(t);
  const first = await open(t, directory);
  await first.append(1);
  await first.append(2);
  await first.journal.close();
  const file = join(directory, 'journal');
  const bytes = await readFile(file);
  bytes[12] = 0x20;
  await writeFile(file, bytes);
  await appendFile(
    file,
    Buffer.concat([Buffer.alloc(300_000), Buffer.from('\n'), bytes.subarray(bytes.length / 2)]),
  );
  const second = await open(t, directory);
  assert.deepEqual(second.read, [2, 2]);
});

test('a journal that is mostly dead is rewritten with what lives', async (t) => {
  const directory = await place(t);
  const { append, bury, journal, live } = await open(t, directory);
  const padding = 'x'.repeat(10_000);
  for (let n = 0; n < 200; n++) {
    await append(n, padding);
    if (n >= 3) bury(n);
  }
  await append(1_000);
  assert.ok(journal.size < 1_300_000, `${journal.size} bytes`);
  assert.equal((await stat(join(directory, 'journal'))).size, journal.size);
  assert.deepEqual(await journal.read(live.get(2) as Place), { n: 2, padding });
  await journal.close();
  const after = await open(t, directory);
  assert.ok([0, 1, 2, 1_000].every((n) => after.read.includes(n)));
});

test('what lives can be read while the journal is rewritten, also as the old one is closed', async (t) => {
  const directory = await place(t);
  let onClosed: () => void = () => undefined;
  const files: Files = {
    ...disk,
    write: async (path, options) => {
      const file = await disk.write(path, options);
      const close = file.close.bind(file);
      file.close = async () => {
        await close();
        onClosed();
      };
      return file;
    },
  };
  const { append, bury, journal, live } = await open(t, directory, files);
  const reads: Promise<unknown>[] = [];
  onClosed = () => reads.push(journal.read(live.get(0) as Place));
  const padding = 'x'.repeat(10_000);
  for (let n = 0; n < 200; n++) {
    await append(n, padding);
    if (n >= 3) bury(n);
  }
  onClosed = () => undefined;
  assert.ok(reads.length > 0, 'it was rewritten');
  for (const read of await Promise.all(reads)) assert.deepEqual(read, { n: 0, padding });
});

test('after a failed write nothing is promised until the journal is whole again', async (t) => {
  const directory = await place(t);
  let isFull = false;
  const full: Files = {
    ...disk,
    write: async (path, options) => {
      const file = await disk.write(path, options);
      const write = file.write.bind(file);
      file.write = async (bytes, at) => {
        if (!isFull) return write(bytes, at);
        await write(bytes.subarray(0, 7), at);
        throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      };
      return file;
    },
  };
  const { append, journal } = await open(t, directory, full);
  await append(1);
  isFull = true;
  await assert.rejects(append(2), { code: 'spool-full' });
  await assert.rejects(append(3), { code: 'spool-full' });
  isFull = false;
  await append(4);
  await journal.close();
  assert.deepEqual((await open(t, directory)).read, [1, 4]);
});
