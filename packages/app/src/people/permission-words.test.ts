import assert from 'node:assert/strict';
import { test } from 'node:test';
import { permissions } from '../account/me.ts';
import { allowedWords } from './permission-words.ts';

test('what somebody may do is said in words', () => {
  assert.equal(allowedWords([]), 'nothing');
  assert.equal(allowedWords(['view']), 'see');
  assert.equal(allowedWords(['view', 'listen']), 'see and hear');
  assert.equal(allowedWords(['view', 'listen', 'captures']), 'see, hear and look at recordings');
  assert.equal(allowedWords(permissions), 'everything');
});
