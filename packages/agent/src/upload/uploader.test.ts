import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CaptureName, captureLimits } from '@perch/protocol';
import { type Clock, millis, silentLogger, systemClock } from '@perch/runtime';
import { Spool, type SpoolOptions } from '../spool/index.ts';
import { TestRelay, type TestRelayOptions } from './testing/relay.ts';
import { Uploader, type UploaderOptions } from './uploader.ts';

/** A whole second, which every file system keeps as it is. */
const FILMED_AT = 1_795_000_000;

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
      await utimes(path, FILMED_AT, FILMED_AT);
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

/** The machine's clock, whose pauses are short. */
const hurriedClock: Clock = {
  ...systemClock,
  after: (delay, fire) => systemClock.after(millis(delay > 500 && delay < 5_000 ? 1 : delay), fire),
};

/** Resolves when the spool holds nothing any more. */
async function drained(t: TestContext, spool: Spool): Promise<void> {
  while (!t.signal.aborted && (spool.dump().segments > 0 || spool.dump().events > 0)) {
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
  await drained(t, spool);
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
  await drained(t, spool);
  const [one, two, three, four] = names.map(({ id }) => `${id}/0`);
  assert.deepEqual(far.order, [three, two, one, four]);
});

test('cuts at random bytes: each goes on where it was, and at most 2 % is sent again', async (t) => {
  const cuts = process.env.PERCH_LONG ? 200 : 4;
  const { spool, film } = await device(t);
  const size = 5_000_000;
  const capture = spool.name('pir', 1_795_000_000);
  const sent: Buffer[] = [];
  for (let n = 0; n < cuts; n++) sent.push(await film(capture, n, size));
  const far = await relay(t, {
    mostPerSecond: 5_000_000,
    cutAfter: () =>
      far.connections <= cuts ? Math.floor(Math.random() * 2 * size) : Number.POSITIVE_INFINITY,
  });
  const clock = hurriedClock;
  const uploader = upload(t, spool, far, { clock });
  await drained(t, spool);
  for (const [n, bytes] of sent.entries()) assert.ok(far.kept.get(`${capture.id}/${n}`)?.bytes.equals(bytes));
  const { repeated, bytes } = uploader.dump();
  t.diagnostic(`${far.connections} connections, ${bytes} bytes sent, ${repeated} of them again`);
  assert.ok(far.connections > 1);
  assert.ok(repeated <= 0.02 * bytes, `${repeated} of ${bytes} bytes were sent again`);
});

test('a segment that came damaged is sent again from its beginning', async (t) => {
  const { spool, film } = await device(t);
  let offers = 0;
  const far = await relay(t, {
    onOffer: ({ stream }, send) => {
      if (offers++ === 0) send({ type: 'again', stream, reason: 'the hash differs' });
      return false;
    },
  });
  await film(spool.name('pir', 1), 0, 1_000);
  const uploader = upload(t, spool, far);
  await drained(t, spool);
  assert.equal(uploader.dump().again, 1);
});

test('a segment that the disk has damaged is promised as it is, and does not go round for ever', async (t) => {
  const { spool, film, files } = await device(t);
  const capture = spool.name('pir', 1);
  await film(capture, 0, 1_000);
  const [name = ''] = await files();
  const path = join(spool.directory, name);
  const damaged = randomBytes(1_000);
  await writeFile(path, damaged);
  // As a disk damages it: without touching the time of the last change.
  await utimes(path, FILMED_AT, FILMED_AT);
  const far = await relay(t);
  const uploader = upload(t, spool, far);
  await drained(t, spool);
  assert.ok(far.kept.get(`${capture.id}/0`)?.bytes.equals(damaged));
  assert.equal(uploader.dump().again, 2);
});

test('what the relay refuses stays here, and is offered again after the time it says', async (t) => {
  const { spool, film } = await device(t);
  let offers = 0;
  const far = await relay(t, {
    onOffer: ({ stream }, send) => {
      if (offers++ > 0) return false;
      send({ type: 'refused', stream, reason: 'no room', after: 5 });
      return true;
    },
  });
  await film(spool.name('pir', 1), 0, 1_000);
  const uploader = upload(t, spool, far);
  await drained(t, spool);
  assert.equal(uploader.dump().refused, 1);
  assert.equal(far.order.length, 1);
});

test('an alarm that comes while all places are taken does not wait for them', async (t) => {
  const { spool, film } = await device(t);
  const old = spool.name('pir', 1);
  for (let n = 0; n < 6; n++) await film(old, n, 2_000_000);
  // However long the disk takes to save the alarm, nothing of the others arrives meanwhile.
  const saved = Promise.withResolvers<void>();
  const far = await relay(t, { mostPerSecond: 20_000_000, held: saved.promise });
  upload(t, spool, far);
  await far.until(() => far.bytes > 0);
  const alarm = spool.name('pir', 2);
  await spool.begin(alarm);
  await spool.note({ kind: 'alarm', timestamp: 2, capture: alarm });
  await film(alarm, 0, 10_000);
  saved.resolve();
  await drained(t, spool);
  assert.ok(far.order.indexOf(`${alarm.id}/0`) <= 1, far.order.join());
});

test('a relay that has something else under the name is not believed, and nothing is deleted', async (t) => {
  const { spool, film } = await device(t);
  let offers = 0;
  const far = await relay(t, {
    onOffer: ({ stream }, send) => {
      if (offers++ > 0) return false;
      send({ type: 'persisted', stream, sha256: '0'.repeat(64) });
      return true;
    },
  });
  await film(spool.name('pir', 1), 0, 1_000);
  const clock: Clock = {
    ...systemClock,
    after: (delay, fire) => systemClock.after(delay === captureLimits.refusedPause ? millis(1) : delay, fire),
  };
  // Pauses of the spool are those of its own clock.
  await spool.close();
  const again = await Spool.open({ directory: spool.directory, clock, logger: silentLogger });
  t.after(() => again.close());
  upload(t, again, far, { clock });
  await drained(t, again);
  assert.equal(far.kept.size, 1);
  assert.equal(far.connections, 1);
});
