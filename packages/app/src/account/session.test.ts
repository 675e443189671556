import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeSessions, decodeTokens } from './session.ts';

test('this browser is first, then those that were used last', () => {
  const sessions = decodeSessions([
    { id: 'old', lastUsed: '2026-11-01T00:00:00Z' },
    { id: 'never', lastUsed: null },
    { id: 'new', lastUsed: '2026-11-20T00:00:00Z', user: 'u-ben' },
    { id: 'this', current: true },
  ]);
  assert.deepEqual(
    sessions.map(({ id }) => id),
    ['this', 'new', 'old', 'never'],
  );
  assert.equal(sessions[1]?.user, 'u-ben');
});

test('tokens are read with what they may', () => {
  const tokens = decodeTokens([{ id: 't', topic: 'front/*', scope: ['read'], expires: 'never' }, {}]);
  assert.deepEqual(tokens, [
    { id: 't', topic: 'front/*', scope: ['read'], expires: undefined, lastUsed: undefined },
  ]);
});
