import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SampleTable } from './sample-table.ts';
import { type Sample, samplesIn } from './samples.ts';
import { STEPS, Turns } from './turns.ts';

const COUNT = 30_000;

/** What others do meanwhile. */
function counted(): { stop(): number } {
  let turns = 0;
  let isOver = false;
  const next = () => {
    if (isOver) return;
    turns++;
    setImmediate(next);
  };
  setImmediate(next);
  return {
    stop: () => {
      isOver = true;
      return turns;
    },
  };
}

test('the tables of a long film are read a bit at a time, and say the same as they were made of', async () => {
  const table = new SampleTable();
  const samples = Array.from({ length: COUNT }, (_, i): Sample => {
    const shown = i * 40 + (i % 3 === 0 ? 0 : i % 3 === 1 ? 40 : -40);
    return { at: i * 10, bytes: 10, decoded: i * 40, shown, isKey: i % 60 === 0 };
  });
  for (const sample of samples) table.add({ ...sample, shown: sample.shown + 80 });
  await table.close(COUNT * 40, new Turns());
  const stbl = Buffer.concat(table.boxes(0));
  const others = counted();
  const read = await samplesIn(stbl, COUNT * 10, new Turns());
  const turns = others.stop();
  assert.deepEqual(read, { all: samples, end: COUNT * 40, firstShown: 80 });
  assert.ok(turns >= COUNT / STEPS, `the others had ${turns} turns`);
});
