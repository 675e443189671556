import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passkeyObstacle, passkeyProblem } from './passkey.ts';

test('at an address of numbers the person is sent to a name', () => {
  assert.match(passkeyObstacle({ hostname: '127.0.0.1' }) ?? '', /http:\/\/localhost/);
  assert.match(passkeyObstacle({ hostname: '192.0.2.1' }) ?? '', /by its name/);
  assert.match(passkeyObstacle({ hostname: '[::1]' }) ?? '', /by its name/);
});

test('who closes the window of the passkey is told that there are other ways', () => {
  const cancelled = Object.assign(new Error('no'), { name: 'NotAllowedError' });
  assert.match(passkeyProblem(cancelled).words, /No passkey was used/);
  assert.match(passkeyProblem('odd').words, /Choose another way/);
});
