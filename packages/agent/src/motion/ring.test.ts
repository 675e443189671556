import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { Ring } from './ring.ts';

const bytes = (size: number, fill = 0) => new Uint8Array(size).fill(fill);
const make = (span = 10_000, mostBytes = 1_000_000) => new Ring({ span: millis(span), mostBytes });

/** A group every two seconds: a key picture and four others. */
function run(ring: Ring, from: number, seconds: number): void {
  for (let at = from; at < from + seconds * 1_000; at += 400)
    ring.add(bytes(100), (at - from) % 2_000 === 0, millis(at));
}

test('a ring holds whole groups that reach back as far as was asked for, and no more', () => {
  const ring = make();
  run(ring, 0, 60);
  const begins = ring.groups.map(({ begin }) => begin / 1_000);
  assert.deepEqual(begins, [48, 50, 52, 54, 56, 58]);
  assert.deepEqual(
    ring.groups.map(({ parts, bytes: size, end }) => [parts.length, size, end !== undefined]),
    [...Array.from({ length: 5 }, () => [5, 500, true]), [5, 500, false]],
  );
  assert.equal(ring.bytes, 3_000);
});

test('it holds references to what it was given', () => {
  const ring = make();
  const message = bytes(100);
  ring.add(message, true, millis(0));
  assert.equal(ring.groups[0]?.parts[0], message);
});

test('over its bytes the oldest groups go', () => {
  const ring = make(60_000, 1_700);
  run(ring, 0, 20);
  assert.deepEqual(
    ring.groups.map(({ begin }) => begin / 1_000),
    [14, 16, 18],
  );
  assert.ok(ring.bytes <= 1_700);
});

test('of a group that is too large on its own the rest is left out and counted, until the next begins', () => {
  const ring = make(10_000, 1_000);
  ring.add(bytes(800), true, millis(0));
  ring.add(bytes(300), false, millis(1));
  ring.add(bytes(10), false, millis(2));
  assert.deepEqual([ring.bytes, ring.leftOut], [800, 310]);
  ring.add(bytes(100), true, millis(3));
  ring.add(bytes(10), false, millis(4));
  assert.deepEqual([ring.groups.at(-1)?.bytes, ring.bytes <= 1_000], [110, true]);
});

test('nothing is held before the first random access point, and nothing more of a group that has ended', () => {
  const ring = make();
  ring.add(bytes(100), false, millis(0));
  assert.equal(ring.bytes, 0);
  ring.add(bytes(100), true, millis(1));
  assert.equal(ring.end(millis(2))?.end, 2);
  assert.equal(ring.end(millis(3)), undefined);
  ring.add(bytes(100), false, millis(4));
  assert.equal(ring.bytes, 100);
});

test('groups with the same tables are told from those with others, whatever their counters', () => {
  const ring = make();
  const message = (counter: number, version: number) => {
    const packets = bytes(188 * 3);
    packets[3] = counter;
    packets[188 + 3] = counter;
    packets[188 + 10] = version;
    return packets;
  };
  const versions = [message(1, 1), message(2, 1), message(3, 2)];
  for (const [i, each] of versions.entries()) ring.add(each, true, millis(i));
  const [first, second, third] = ring.groups.map(({ tables }) => tables);
  assert.deepEqual([first === second, second === third], [true, false]);
});
