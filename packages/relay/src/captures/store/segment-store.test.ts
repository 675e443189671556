import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FragileDisk } from '../testing/fragile-disk.ts';
import { SegmentStore } from './segment-store.ts';

const place = { device: 'kitchen-x7k2', capture: 'a', segment: 0 };
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const DIRECTORY = '/data/captures';
const PART_DAYS = 8;

/** The same numbers for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('the files of films', () => {
  it('are on a real disk under device and film, named by number and hash', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'perch-store-'));
    try {
      const store = await SegmentStore.open({ directory });
      const bytes = randomBytes(700_000);
      const arriving = await store.begin(place, 'x');
      await arriving.append([bytes.subarray(0, 5), bytes.subarray(5, 100_000)]);
      await arriving.append([bytes.subarray(100_000)]);
      const arrived = await arriving.finish({ ...place, extension: 'mp4' });
      assert.deepEqual(arrived, { size: bytes.length, sha256: hashOf(bytes) });
      const path = store.pathOf({ ...place, extension: 'mp4', sha256: arrived.sha256 });
      assert.equal(
        path.slice(directory.length),
        `/films/kitchen-x7k2/a/0-${arrived.sha256.slice(0, 32)}.mp4`,
      );
      assert.deepEqual(readFileSync(path), bytes);
      assert.ok((await store.free()) > 0);
      assert.equal(
        await store.has({ ...place, extension: 'mp4', sha256: arrived.sha256 }, bytes.length),
        true,
      );
      await store.remove([{ ...place, extension: 'mp4', sha256: arrived.sha256 }]);
      assert.equal(
        await store.has({ ...place, extension: 'mp4', sha256: arrived.sha256 }, bytes.length),
        false,
      );
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('go on where they were cut, and never with bytes of another offer', async () => {
    const files = new FragileDisk();
    const store = await SegmentStore.open({ directory: DIRECTORY, files });
    const bytes = randomBytes(10);
    const first = await store.begin(place, 'x');
    await first.append([bytes.subarray(0, 4)]);
    await first.close();
    assert.equal((await store.begin(place, 'y')).size, 0);
    assert.equal((await store.begin({ ...place, segment: 1 }, 'x')).size, 0);
    const again = await store.begin(place, 'x');
    assert.equal(again.size, 4);
    await again.append([bytes.subarray(4)]);
    assert.deepEqual(again.contents, { size: 10, sha256: hashOf(bytes) });
    await again.restart();
    assert.equal(again.size, 0);
    await again.discard();
    assert.equal(files.paths.filter((path) => path.endsWith('.part')).length, 2);
  });

  it('outlive a power cut where the relay before had ended right after it made their directories', async () => {
    const files = new FragileDisk();
    await files.makeDirectory('/data');
    await files.syncDirectory('/');
    const bytes = randomBytes(10);
    const stored = { ...place, extension: 'mp4', sha256: hashOf(bytes) };
    await files.makeDirectory(`${DIRECTORY}/films/${place.device}/${place.capture}`);
    const store = await SegmentStore.open({ directory: DIRECTORY, files });
    const arriving = await store.begin(place, 'x');
    await arriving.append([bytes]);
    await arriving.finish({ ...place, extension: 'mp4' });
    files.cutPower(() => 0);
    assert.deepEqual(files.bytesOf(store.pathOf(stored)), bytes);
  });

  it('stay forgotten, also where the power is cut right after', async () => {
    const files = new FragileDisk();
    const store = await SegmentStore.open({ directory: DIRECTORY, files });
    const arriving = await store.begin(place, 'x');
    await arriving.append([randomBytes(4)]);
    await arriving.close();
    await files.syncDirectory(`${DIRECTORY}/arriving`);
    await store.forget(place, 'x');
    files.cutPower(() => 0);
    assert.deepEqual(files.paths, []);
  });

  it('leave no part behind that nobody goes on with for a week', async () => {
    const files = new FragileDisk();
    const store = await SegmentStore.open({ directory: DIRECTORY, files });
    const arriving = await store.begin(place, 'x');
    await arriving.append([randomBytes(4)]);
    await arriving.close();
    await store.sweep((PART_DAYS - 2) * 86_400_000);
    assert.equal(files.paths.length, 1);
    await store.sweep(PART_DAYS * 86_400_000);
    assert.equal(files.paths.length, 0);
  });

  it('are whole after a power cut at any operation, once they were said to be in place: 400 cuts', async () => {
    let promised = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const random = randomFrom(seed);
      const files = new FragileDisk();
      const bytes = Buffer.alloc(64, seed);
      const stored = { ...place, extension: 'mp4', sha256: hashOf(bytes) };
      let left = Math.floor(random() * 60);
      files.onOperation = () => {
        if (left-- === 0) throw Object.assign(new Error('the power is cut'), { code: 'EIO' });
      };
      let isPromised = false;
      try {
        const store = await SegmentStore.open({ directory: DIRECTORY, files });
        const arriving = await store.begin(place, stored.sha256);
        for (let at = 0; at < bytes.length; at += 16) await arriving.append([bytes.subarray(at, at + 16)]);
        await arriving.finish({ ...place, extension: 'mp4' });
        isPromised = true;
        promised++;
      } catch (error) {
        assert.equal((error as Error).message, 'the power is cut');
      }
      files.onOperation = () => undefined;
      files.cutPower(random);
      // The next start.
      const store = await SegmentStore.open({ directory: DIRECTORY, files });
      if (isPromised) {
        assert.deepEqual(files.bytesOf(store.pathOf(stored)), bytes, `seed ${seed}`);
        assert.equal(await store.has(stored, bytes.length), true, `seed ${seed}`);
        continue;
      }
      // Not promised: there with the right bytes, or to be had again.
      if (await store.has(stored, bytes.length)) continue;
      const arriving = await store.begin(place, stored.sha256);
      if (arriving.size > bytes.length) await arriving.restart();
      if (arriving.size < bytes.length) await arriving.append([bytes.subarray(arriving.size)]);
      if (arriving.contents.sha256 !== stored.sha256) {
        await arriving.restart();
        await arriving.append([bytes]);
      }
      await arriving.finish({ ...place, extension: 'mp4' });
      files.cutPower(random);
      assert.deepEqual(files.bytesOf(store.pathOf(stored)), bytes, `seed ${seed}`);
    }
    assert.ok(promised > 20 && promised < 380, `${promised} were promised`);
  });
});
