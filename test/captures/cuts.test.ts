import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { Home } from './support/home.ts';

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

it('an agent whose line breaks again and again brings each segment once, whole', async () => {
  let cuts = 20;
  const cutAfter = () =>
    cuts-- > 0 ? 300_000 + Math.floor(Math.random() * 700_000) : Number.POSITIVE_INFINITY;
  await using home = await Home.open(cutAfter);
  const sent = Array.from({ length: 6 }, () => randomBytes(2_000_000));
  const paths = sent.map((bytes, i) => {
    const path = join(home.directory, `${i}.mp4`);
    writeFileSync(path, bytes);
    return path;
  });
  const capture = home.spool.name('pir', 1_795_000_000);
  await home.film(capture, paths);
  await home.drained();
  const directory = join(home.relay.data, 'captures', 'films', home.device.id, capture.id);
  const kept = readdirSync(directory).sort();
  assert.deepEqual(
    kept.map((name) => hashOf(readFileSync(join(directory, name)))),
    sent.map(hashOf),
  );
  const [film, ...more] = await home.json<{ complete: boolean; segments: number }[]>('/api/v1/captures');
  assert.deepEqual([film?.complete, film?.segments, more.length], [true, 6, 0]);
  const total = 12_000_000;
  const { bytes, connections } = home.sent;
  const again = home.uploader.dump().repeated;
  console.log(`${connections} connections, ${again} of ${total} bytes sent again, ${bytes} on the line`);
  assert.ok(connections > 10);
});
