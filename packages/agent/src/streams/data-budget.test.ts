import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { DataBudget } from './data-budget.ts';

test('small messages pass, as many as a second may bring, and again when time has passed', () => {
  const budget = new DataBudget();
  let passed = 0;
  while (budget.admits(1024, millis(0))) passed++;
  assert.equal(passed, 128);
  assert.equal(budget.admits(1024, millis(7)), false);
  assert.equal(budget.admits(1024, millis(8)), true);
  assert.deepEqual(budget.oddities, ['data messages left out, over 131072 bytes a second: 2']);
});

test('a message that no PES packet holds is left out and costs the others nothing', () => {
  const budget = new DataBudget();
  assert.equal(budget.admits(60_001, millis(0)), false);
  assert.equal(budget.admits(60_000, millis(0)), true);
  assert.deepEqual(budget.oddities, ['data messages left out, larger than 60000 bytes: 1']);
});

test('nothing is odd while all passes', () => {
  const budget = new DataBudget();
  assert.equal(budget.admits(10, millis(0)), true);
  assert.deepEqual(budget.oddities, []);
});
