import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeList, Fields } from './fields.ts';

test('a field of another kind is as if it were not there', () => {
  const fields = new Fields({ name: 5, count: '5', on: 'true', at: 'soon', role: 'king', list: {} });
  assert.equal(fields.text('name', 'none'), 'none');
  assert.equal(fields.maybeNumber('count'), undefined);
  assert.equal(fields.flag('on'), false);
  assert.equal(fields.time('at'), undefined);
  assert.equal(fields.oneOf('role', ['owner', 'guest'], 'guest'), 'guest');
  assert.deepEqual(fields.texts('list'), []);
  assert.equal(fields.object('nothing').text('at all'), '');
});

test('of a list the entries that are no use are passed over', () => {
  const names = decodeList([{ name: 'a' }, null, 7, { name: '' }, { name: 'b' }], (entry) =>
    entry.maybeText('name'),
  );
  assert.deepEqual(names, ['a', 'b']);
  assert.deepEqual(
    decodeList('no list', () => 1),
    [],
  );
});
