import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Queue } from './queue.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a queue', () => {
  it('lets few in at a time, in their order, and no more wait than may', async () => {
    const queue = new Queue({ most: { atOnce: 2, waiting: 2 } });
    const inside: number[] = [];
    const come = (who: number) => queue.enter().then(() => inside.push(who));
    for (const who of [1, 2, 3, 4]) void come(who);
    await settled();
    assert.deepEqual([inside, queue.waiting], [[1, 2], 2]);
    await assert.rejects(queue.enter(), /too many films/);
    queue.leave();
    await settled();
    assert.deepEqual(inside, [1, 2, 3]);
    for (let i = 0; i < 3; i++) queue.leave();
    await settled();
    assert.equal(queue.isEmpty, true);
  });

  it('waits for what is more urgent', async () => {
    let isUrgent = true;
    const queue = new Queue({ most: { atOnce: 2, waiting: 9 }, mayBegin: () => !isUrgent });
    let isInside = false;
    void queue.enter().then(() => {
      isInside = true;
    });
    await settled();
    assert.equal(isInside, false);
    isUrgent = false;
    queue.admit();
    await settled();
    assert.equal(isInside, true);
  });
});
