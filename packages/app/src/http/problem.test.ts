import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemOf } from './problem.ts';

test("the relay's words become a sentence", () => {
  const problem = problemOf(409, 'the last owner stays', null);
  assert.deepEqual(problem, { kind: 'conflict', words: 'The last owner stays.' });
});

test('who asked too often is told how long to wait', () => {
  assert.match(problemOf(429, 'slow down', '30').words, /in 30 seconds\.$/);
  assert.match(problemOf(429, 'slow down', '600').words, /in 10 minutes\.$/);
  assert.match(problemOf(429, '', null).words, /Wait a minute/);
});

test('an answer without words gets some', () => {
  for (const status of [400, 401, 403, 404, 409, 418, 500, 503]) {
    assert.match(problemOf(status, '', null).words, /^[A-Z].+\.$/, String(status));
  }
});
