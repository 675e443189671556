import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  appendFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CaptureName } from '@perch/protocol';
import { type Logger, silentLogger } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { disk, type Files } from './files.ts';
import { Spool, type SpoolOptions } from './spool.ts';

async function place(t: TestContext, options: Partial<SpoolOptions> = {}) {
  const home = await mkdtemp(join(tmpdir(), 'perch-spool-'));
  const directory = join(home, 'captures');
  const clock = new FakeClock();
  const said: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (message, fields) => void said.push(`${message} ${JSON.stringify(fields)}`),
    warn: (message) => void said.push(message),
  };
  t.after(() => rm(home, { recursive: true, force: true }));
  const open = async (more: Partial<SpoolOptions> = {}) => {
    const spool = await Spool.open({ directory, clock, logger, ...options, ...more });
    t.after(() => spool.close());
    return spool;
  };
  const file = async (name: string, content: string | Uint8Array) => {
    await writeFile(join(home, name), content);
    return join(home, name);
  };
  const films = async () => (await readdir(directory)).filter((name) => !name.startsWith('journal'));
  return { home, directory, clock, said, open, file, films };
}

const noLinks: Files = {
  ...disk,
  link: () => Promise.reject(Object.assign(new Error('cross-device link'), { code: 'EXDEV' })),
};

const order = (capture: CaptureName, segment: number, path: string) => ({
  capture,
  segment,
  path,
  extension: 'mp4',
});

for (const [how, files] of [
  ['link', disk],
  ['copy', noLinks],
] as const) {
  test(`a segment is taken by ${how}, outlives the camera program's file and a restart, and keeps its hash`, async (t) => {
    const { open, file } = await place(t, { files });
    const spool = await open();
    const capture = spool.name('pir', 5);
    const path = await file('a.mp4', 'a film');
    const { sha256 } = await spool.take(order(capture, 0, path));
    assert.equal(sha256, createHash('sha256').update('a film').digest('hex'));
    await rm(path);
    await spool.close();
    const again = await open();
    const out = await again.checkOut();
    assert.deepEqual([out?.segment.capture, out?.segment.sha256, out?.segment.size], [capture, sha256, 6]);
    const bytes = Buffer.alloc(6);
    await out?.file.read(bytes, 0);
    assert.equal(bytes.toString(), 'a film');
    await out?.persisted();
    assert.equal(await again.checkOut(), undefined);
  });
}

test('what is no file, empty, missing or a symbolic link is not taken, and leaves nothing behind', async (t) => {
  const { open, file, home, films } = await place(t);
  const spool = await open();
  const capture = spool.name('pir', 5);
  const real = await file('real.mp4', 'x');
  await symlink(real, join(home, 'link.mp4'));
  await mkdir(join(home, 'directory'));
  for (const [path, code] of [
    [join(home, 'none.mp4'), 'segment-missing'],
    [join(real, 'below'), 'segment-missing'],
    [await file('empty.mp4', ''), 'segment-empty'],
    [join(home, 'link.mp4'), 'segment-not-a-file'],
    [join(home, 'directory'), 'segment-not-a-file'],
    ['/dev/null', 'segment-not-a-file'],
    [join(home, 'x'.repeat(300)), 'segment-missing'],
  ] as const) {
    await assert.rejects(spool.take(order(capture, 0, path)), { code }, path);
  }
  assert.deepEqual(await films(), []);
});

test('a film that was not over when the agent ended is ended by the next', async (t) => {
  const { open, file } = await place(t);
  const spool = await open();
  const capture = spool.name('pir', 5);
  await spool.begin(capture);
  await spool.take(order(capture, 0, await file('a', 'a')));
  await spool.take(order(capture, 1, await file('b', 'b')));
  await (await spool.checkOut())?.persisted();
  await spool.close();
  const again = await open();
  const [pending] = await again.pendingEvents(10, new Set());
  assert.deepEqual(pending?.event, { kind: 'end', capture, segments: 2 });
  await again.noted(pending?.id ?? '');
  await again.close();
  assert.deepEqual(await (await open()).pendingEvents(10, new Set()), []);
});

test('it is known what was taken of a list since a mark, over restarts and a new journal, also of what has left', async (t) => {
  const { open, file, directory } = await place(t);
  const spool = await open({ since: 0 });
  const capture = spool.name('pir', 5);
  const [early, left, waiting, back] = await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) => file(name, name)),
  );
  assert.ok(early && left && waiting && back);
  await spool.take({ ...order(capture, 0, early), listed: early });
  const { mark } = spool;
  spool.since(mark);
  await spool.take({ ...order(capture, 1, left), listed: left });
  await spool.take({ ...order(capture, 2, waiting), listed: waiting });
  for (let i = 0; i < 2; i++) await (await spool.checkOut())?.persisted();
  await spool.close();
  await link(back, join(directory, `99.${capture.id}.pir.5.3.mp4`));
  for (let start = 0; start < 2; start++) {
    // As a power cut leaves it; the next record is written into a new journal.
    await appendFile(join(directory, 'journal'), 'torn');
    await (await open({ since: mark })).close();
  }
  const again = await open({ since: mark });
  const known = [];
  for (const path of [early, left, waiting, back, left, back]) known.push(await again.wasListed(path));
  assert.deepEqual(known, [false, true, true, true, false, false], 'each once');
  const later = again.mark;
  again.since(later);
  await again.close();
  assert.equal(await (await open({ since: later })).wasListed(left), false);
});

test('the directories in which the spool lies are on the disk before anything is promised, whoever made them', async (t) => {
  const { open, directory, home } = await place(t);
  await mkdir(directory);
  const synced: string[] = [];
  const files: Files = {
    ...disk,
    syncDirectory: (path) => {
      synced.push(path);
      return path === '/' ? Promise.reject(new Error('not ours')) : disk.syncDirectory(path);
    },
  };
  await open({ files });
  assert.deepEqual(synced.slice(0, 2), [home, dirname(home)]);
});

test('a file whose record was never written is taken back with all that it is', async (t) => {
  const { open, file, directory } = await place(t);
  const spool = await open();
  const capture = spool.name('cap', 7);
  await spool.close();
  await link(await file('a', 'saved'), join(directory, `3.${capture.id}.cap.7.4.mp4`));
  await file('captures/4.half.cap.7.5.mp4.part', 'half a co');
  const again = await open();
  const out = await again.checkOut();
  assert.deepEqual([out?.segment.capture, out?.segment.segment, out?.segment.size], [capture, 4, 5]);
  await out?.putBack();
  assert.deepEqual(
    (await readdir(directory)).filter((name) => name.endsWith('.part')),
    [],
  );
});

test('a file whose record was never written is told lost where the machine went down meanwhile', async (t) => {
  const { open, file, directory, films } = await place(t);
  const spool = await open({ boot: 'one' });
  const capture = spool.name('cap', 7);
  await spool.begin(capture);
  await spool.close();
  // As a power cut leaves it: of the right length, perhaps, with anything in it.
  await link(await file('a', '\0\0\0\0'), join(directory, `3.${capture.id}.cap.7.4.mp4`));
  const again = await open({ boot: 'two' });
  assert.equal(await again.checkOut(), undefined);
  assert.deepEqual(await films(), []);
  const told = (await again.pendingEvents(10, new Set())).map(({ event }) => event);
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['lost', 'end'],
  );
  assert.match(again.dump().losses[0] ?? '', /segment 4: the machine went down before it was safe/);
});

test('a promised segment whose record the disk has damaged is taken back, also after the machine went down', async (t) => {
  const { open, file, directory } = await place(t);
  const spool = await open({ boot: 'one' });
  const capture = spool.name('pir', 7);
  const { sha256 } = await spool.take(order(capture, 0, await file('a', 'promised')));
  await spool.note({ kind: 'end', capture, segments: 1 });
  await spool.close();
  const journal = await readFile(join(directory, 'journal'), 'utf8');
  await writeFile(join(directory, 'journal'), journal.replace('"segment":0', '"segment":?'));
  const again = await open({ boot: 'two' });
  const out = await again.checkOut();
  assert.equal(out?.segment.sha256, sha256);
  await out?.putBack();
});

test('a file that grows is watched until it is still; the others do not wait for it', async (t) => {
  const { open, file, clock, said } = await place(t);
  let reads = 0;
  const growing: Files = {
    ...disk,
    read: async (path) => {
      const opened = await disk.read(path);
      const facts = opened.facts.bind(opened);
      // It is longer each time that one looks, three times.
      if (path.includes('.9.'))
        opened.facts = async () => ({ ...(await facts()), modified: reads < 6 ? reads++ : 6 });
      return opened;
    },
  };
  const spool = await open({ files: growing });
  const capture = spool.name('pir', 5);
  const slow = spool.take(order(capture, 9, await file('a', 'growing')));
  await spool.take(order(capture, 1, await file('b', 'still')));
  while (spool.dump().taken < 2) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((await slow).size, 7);
  assert.ok(said.some((line) => /named before it was complete/.test(line)));
});

test('a file that is changed after it was taken is promised anew, and that is said', async (t) => {
  const { open, file, said } = await place(t);
  const spool = await open();
  const capture = spool.name('pir', 5);
  const path = await file('a', 'before');
  await spool.take(order(capture, 0, path));
  await writeFile(path, 'after it');
  const out = await spool.checkOut();
  assert.equal(out?.segment.sha256, createHash('sha256').update('after it').digest('hex'));
  await out?.putBack();
  assert.ok(said.some((line) => /changed after it was taken/.test(line)));
});

test('over the limit the oldest without an alarm is given up, and each loss is told, logged and counted', async (t) => {
  const { open, file, said, films } = await place(t, { mostBytes: 10 });
  const spool = await open();
  const names: CaptureName[] = [];
  for (const [i, alarm] of [true, false, false].entries()) {
    const capture = spool.name('pir', i + 1);
    names.push(capture);
    await spool.begin(capture);
    if (alarm) await spool.note({ kind: 'alarm', timestamp: 1, capture });
    await spool.take(order(capture, 0, await file(`${i}`, '12345')));
  }
  const { segments, bytes, lost, losses } = spool.dump();
  assert.deepEqual([segments, bytes, lost], [2, 10, 1]);
  assert.match(losses[0] ?? '', /segment 0: the spool is full \(10 bytes\)/);
  assert.ok(said.some((line) => /a segment is lost/.test(line)));
  const told = (await spool.pendingEvents(10, new Set()))
    .map(({ event }) => event)
    .filter(({ kind }) => kind === 'lost');
  assert.deepEqual(told, [
    { kind: 'lost', capture: names[1], segment: 0, reason: 'the spool is full (10 bytes)' },
  ]);
  assert.equal((await films()).length, 2);
  await assert.rejects(spool.take(order(names[2] as CaptureName, 1, await file('x', '12345678901'))), {
    code: 'spool-full',
  });
});

test('many that come at once keep the limit, and each that goes is told once', async (t) => {
  const { open, file, films } = await place(t, { mostBytes: 20 });
  const spool = await open();
  const take = async (n: number) =>
    spool.take(order(spool.name('pir', n), 0, await file(`${n}`, `${10_000 + n}`)));
  await Promise.all([1, 2, 3, 4].map(take));
  await Promise.all([5, 6, 7, 8].map(take));
  const { segments, bytes, lost } = spool.dump();
  assert.deepEqual([segments, bytes, lost], [4, 20, 4]);
  const told = (await spool.pendingEvents(20, new Set())).map(({ event }) => event.kind);
  assert.deepEqual(told, ['lost', 'lost', 'lost', 'lost']);
  assert.equal((await films()).length, 4);
});

test('what waits too long is given up in words', async (t) => {
  const { open, file, clock } = await place(t, { mostAge: 3_600_000 });
  const spool = await open();
  const capture = spool.name('pir', 1);
  await spool.take(order(capture, 0, await file('a', 'a')));
  clock.advance(3_500_000);
  await spool.take(order(capture, 1, await file('b', 'b')));
  const left = spool.news.once('left');
  clock.advance(200_000);
  assert.deepEqual(await left, { capture, segment: 0, how: 'lost' });
  assert.equal(spool.dump().segments, 1);
});

test('a file that is gone from the spool is a loss that is told', async (t) => {
  const { open, file, directory, films } = await place(t);
  const spool = await open();
  const capture = spool.name('pir', 1);
  await spool.take(order(capture, 0, await file('a', 'a')));
  await spool.close();
  for (const name of await films()) await rm(join(directory, name));
  const again = await open();
  const [pending] = await again.pendingEvents(10, new Set());
  assert.equal(pending?.event.kind, 'lost');
  assert.equal(again.dump().segments, 0);
});

test('the journal does not grow with what has left', async (t) => {
  const { open, file, directory } = await place(t);
  const spool = await open();
  const path = await file('a', 'a');
  for (let i = 0; i < 30; i++) {
    await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const capture = spool.name('pir', n);
        await spool.take(order(capture, 0, path));
      }),
    );
    for (let out = await spool.checkOut(); out; out = await spool.checkOut()) await out.persisted();
  }
  await spool.close();
  const { length } = await readFile(join(directory, 'journal'));
  assert.ok(length < 2_500_000, `${length} bytes`);
});

test('a spool has one agent at a time', async (t) => {
  const { open } = await place(t);
  const first = await open();
  await assert.rejects(open(), { code: 'spool-in-use', message: /another agent keeps its films in/ });
  await first.close();
  await open();
});
