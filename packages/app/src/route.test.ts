import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRoute, watchHref } from './route.ts';

test('an empty address is the list of streams', () => {
  for (const hash of ['', '#', '#/', '#/nonsense', '#/watch/', '#/watch/a b']) {
    assert.deepEqual(parseRoute(hash), { page: 'streams' }, hash);
  }
});

test("a stream's link leads to its page", () => {
  assert.deepEqual(parseRoute(watchHref('lab/cam.1')), { page: 'watch', topic: 'lab/cam.1' });
});

test('what does not begin with a slash is the secret of a sign-in link', () => {
  assert.deepEqual(parseRoute('#Abc-_123'), { page: 'signIn', secret: 'Abc-_123' });
});
