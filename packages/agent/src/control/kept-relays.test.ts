import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptRelays } from './kept-relays.ts';
import type { RelayList } from './relay-list.ts';
import { RequestError } from './session.ts';

const [A, B, C] = ['https://a.example', 'https://b.example', 'https://c.example'] as const;

/** A list whose disk writes when the test says so. */
function setUp(relays: readonly string[]) {
  const disk: { list: RelayList | undefined; writes: PromiseWithResolvers<void>[] } = {
    list: undefined,
    writes: [],
  };
  const kept = new KeptRelays({
    relays,
    file: {
      load: async () => disk.list,
      async save(list) {
        const written = Promise.withResolvers<void>();
        disk.writes.push(written);
        await written.promise;
        disk.list = list;
      },
    },
  });
  const write = async () => {
    while (disk.writes.length === 0) await Promise.resolve();
    disk.writes.shift()?.resolve();
  };
  return { kept, disk, write };
}

test('another list counts when it is on disk, and those of before come last', async () => {
  const { kept, disk, write } = setUp([A]);
  const moved = kept.move([B, C], A);
  assert.deepEqual(kept.candidates, [A]);
  await write();
  assert.deepEqual(await moved, [B, C]);
  assert.deepEqual(disk.list, { relays: [B, C], before: [A] });
  assert.deepEqual(
    [kept.relays, kept.candidates],
    [
      [B, C],
      [B, C, A],
    ],
  );
  const settled = kept.settle(C);
  await write();
  await settled;
  assert.deepEqual(disk.list, { relays: [B, C], before: [] });
  await kept.settle(A);
  assert.deepEqual(kept.candidates, [B, C]);
});

test('a move that is acknowledged is not lost, whatever is written at the same time', async () => {
  const { kept, disk, write } = setUp([A]);
  const first = kept.move([B], A);
  await write();
  await first;
  const second = kept.move([C], A);
  const settled = kept.settle(B);
  await write();
  await Promise.all([second, settled]);
  assert.deepEqual(disk.list, { relays: [C], before: [A, B] });
  assert.deepEqual(kept.relays, [C]);
});

test('a list that cannot be written is not taken, and the next one can be', async () => {
  const { kept, disk, write } = setUp([A]);
  const refused = kept.move([B], A);
  while (disk.writes.length === 0) await Promise.resolve();
  disk.writes.shift()?.reject(new Error('no space left'));
  await assert.rejects(
    refused,
    (error) =>
      error instanceof RequestError && error.failure.status === 507 && /no space left/.test(error.message),
  );
  assert.deepEqual(kept.candidates, [A]);
  const taken = kept.move([A, B], A);
  await write();
  await taken;
  assert.deepEqual(
    disk.list,
    { relays: [A, B], before: [] },
    'where it is already nothing of before is needed',
  );
});
