import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTarget, Router } from './router.ts';

const handler = () => undefined;
const router = new Router([
  { path: '/', verbs: { GET: handler } },
  { path: '/api/all', verbs: { GET: handler } },
  { path: '/api/', verbs: { GET: handler, DELETE: handler } },
  { path: '/ts/', verbs: { any: handler } },
]);
const find = (url: string, verb = 'GET') => {
  const target = parseTarget(url);
  return target ? router.find(target, verb) : undefined;
};

test('an exact path wins over a name', () => {
  assert.deepEqual(find('/api/all'), { kind: 'handler', handler, name: '' });
  assert.deepEqual(find('/api/alles'), { kind: 'handler', handler, name: 'alles' });
  assert.equal(find('/api/all', 'DELETE')?.kind, 'no-verb');
});

test('a name may hold slashes and escapes, and is checked', () => {
  assert.deepEqual(find('/ts/a/b%2Fc?x=1', 'POST'), { kind: 'handler', handler, name: 'a/b/c' });
  assert.equal(find('/ts/')?.kind, 'none');
  assert.equal(find('/ts/a%20b')?.kind, 'none');
});

for (const [url, to] of [
  ['/api//all?x', '/api/all?x'],
  ['//', '/'],
  ['/a/../api/all', '/api/all'],
  ['/api/./all/', '/api/all/'],
] as const) {
  test(`${url} moves to ${to}`, () => assert.deepEqual(find(url), { kind: 'moved', to }));
}

test('what is no path is none', () => {
  for (const url of ['', '*', '/%', '/%ff', 'x']) assert.equal(parseTarget(url), undefined, url);
  assert.equal(find('http://host/api/all')?.kind, 'handler');
});

test('no request target makes it throw, or names a handler by an unclean path', () => {
  fc.assert(
    fc.property(fc.string(), (url) => {
      const found = find(`/${url}`);
      if (found?.kind === 'handler')
        assert.ok(!found.name.includes('//') && !found.name.split('/').includes('..'));
    }),
    { numRuns: 2_000 },
  );
});
