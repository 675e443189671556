import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CaptureName } from '@perch/protocol';
import { silentLogger, systemClock } from '@perch/runtime';
import { Spool, type SpoolOptions } from '../spool/index.ts';
import { TestRelay, type TestRelayOptions } from './testing/relay.ts';
import { Uploader, type UploaderOptions } from './uploader.ts';

async function device(t: TestContext, options: Partial<SpoolOptions> = {}) {
  const home = await mkdtemp(join(tmpdir(), 'perch-upload-'));
  const spool = await Spool.open({
    directory: join(home, 'captures'),
    clock: systemClock,
    logger: silentLogger,
    ...options,
  });
  t.after(async () => {
    await spool.close();
    await rm(home, { recursive: true, force: true });
  });
  let files = 0;
  return {
    spool,
    /** A segment of so many random bytes, taken in. */
    film: async (capture: CaptureName, segment: number, size: number) => {
      const bytes = randomBytes(size);
      const path = join(home, `film-${files++}.mp4`);
      await writeFile(path, bytes);
      await spool.take({ capture, segment, extension: 'mp4', path });
      await rm(path);
      return bytes;
    },
    files: async () => (await readdir(join(home, 'captures'))).filter((file) => !file.startsWith('journal')),
  };
}

async function relay(t: TestContext, options: TestRelayOptions = {}) {
  const opened = await TestRelay.open(options);
  t.after(() => opened.close());
  return opened;
}

function upload(t: TestContext, spool: Spool, to: TestRelay, options: Partial<UploaderOptions> = {}) {
  const uploader = new Uploader({
    spool,
    dial: to.dial,
    clock: systemClock,
    logger: silentLogger,
    random: () => 0,
    ...options,
  });
  t.after(() => uploader.close());
  uploader.start();
  return uploader;
}

/** Resolves when the spool holds nothing any more. */
async function drained(spool: Spool): Promise<void> {
  while (spool.dump().segments > 0 || spool.dump().events > 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('segments arrive whole, leave the spool when the relay has them, and their files with them', async (t) => {
  const { spool, film, files } = await device(t);
  const far = await relay(t);
  const capture = spool.name('pir', 1_795_000_000);
  await spool.begin(capture);
  const sent = [await film(capture, 0, 700_000), await film(capture, 1, 1), await film(capture, 2, 300_000)];
  await spool.note({ kind: 'end', capture, segments: 3 });
  const uploader = upload(t, spool, far);
  await drained(spool);
  assert.deepEqual(
    [0, 1, 2].map((n) => far.kept.get(`${capture.id}/${n}`)?.bytes.equals(sent[n] as Buffer)),
    [true, true, true],
  );
  assert.deepEqual([...far.events.values()], [{ kind: 'end', capture, segments: 3 }]);
  assert.deepEqual(await files(), []);
  assert.equal(uploader.dump().repeated, 0);
});

test('the newest alarm goes first, then the oldest film', async (t) => {
  const { spool, film } = await device(t);
  const names = [];
  for (const time of [1, 2, 3, 4]) {
    const capture = spool.name('pir', time);
    names.push(capture);
    await spool.begin(capture);
    await film(capture, 0, 100);
    if (time === 2 || time === 3) await spool.note({ kind: 'alarm', timestamp: time, capture });
  }
  const far = await relay(t);
  upload(t, spool, far);
  await drained(spool);
  const [one, two, three, four] = names.map(({ id }) => `${id}/0`);
  assert.deepEqual(far.order, [three, two, one, four]);
});
