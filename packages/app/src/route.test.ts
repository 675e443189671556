import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hrefs, parseRoute } from './route.ts';

test('an empty address, and one that is no page, is what is live', () => {
  const addresses = ['', '#', '#/', '#/nonsense', '#/watch/', '#/watch/a b', '#/devices/a/b', '#/people/%2e'];
  for (const hash of addresses) assert.deepEqual(parseRoute(hash), { page: 'live' }, hash);
});

test("a page's link leads to it", () => {
  assert.deepEqual(parseRoute(hrefs.watch('lab/cam.1')), { page: 'watch', topic: 'lab/cam.1' });
  assert.deepEqual(parseRoute(hrefs.device('kitchen-x7k2')), { page: 'device', id: 'kitchen-x7k2' });
  assert.deepEqual(parseRoute(hrefs.person('a1')), { page: 'person', id: 'a1' });
  for (const page of [
    'live',
    'devices',
    'people',
    'audit',
    'account',
    'tokens',
    'welcome',
    'entrance',
  ] as const) {
    assert.deepEqual(parseRoute(hrefs[page]), { page });
  }
});

test('what does not begin with a slash is the secret of a sign-in link', () => {
  assert.deepEqual(parseRoute('#Abc-_123'), { page: 'signIn', secret: 'Abc-_123' });
});

test('an invite keeps its secret', () => {
  assert.deepEqual(parseRoute('#/invite/Abc-_123'), { page: 'invite', secret: 'Abc-_123' });
});
