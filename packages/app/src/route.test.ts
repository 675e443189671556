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

test('a timeline and a film keep in the address which films are shown', () => {
  const filter = { kind: 'alarm', device: 'kitchen-x7k2', day: '2026-11-21' } as const;
  assert.deepEqual(parseRoute(hrefs.captures()), { page: 'captures', filter: { kind: 'all' } });
  assert.deepEqual(parseRoute(hrefs.captures(filter)), { page: 'captures', filter });
  assert.deepEqual(parseRoute(hrefs.film('Ab_-9', filter)), { page: 'film', id: 'Ab_-9', filter });
  assert.deepEqual(parseRoute('#/captures/a/b'), { page: 'live' });
});

test('a shared film keeps its secret', () => {
  assert.deepEqual(parseRoute('#/film/Abc-_123'), { page: 'sharedFilm', secret: 'Abc-_123' });
});
