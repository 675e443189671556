import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDatabaseAddress } from './address.ts';

test('the database is perch.db in the data directory, unless an address says otherwise', () => {
  assert.deepEqual(parseDatabaseAddress(undefined, '/data'), { kind: 'sqlite', path: '/data/perch.db' });
  for (const text of ['sqlite:/a/b.db', 'sqlite:///a/b.db']) {
    assert.deepEqual(parseDatabaseAddress(text, '/data'), { kind: 'sqlite', path: '/a/b.db' });
  }
});

test('a PostgreSQL address has a form for people, without password and options', () => {
  for (const scheme of ['postgres', 'postgresql']) {
    const url = `${scheme}://me:sesame@db.example:6432/perch?sslmode=require&password=sesame`;
    const address = parseDatabaseAddress(url, '/data');
    assert.deepEqual(address, { kind: 'postgres', url, place: 'postgres://me@db.example:6432/perch' });
  }
});

test('anything else is refused without being repeated', () => {
  for (const text of [
    '',
    'sqlite:',
    'sqlite::memory:',
    'mysql://me:sesame@x/y',
    'postgres://me:sesame@x',
    'sesame',
  ]) {
    assert.throws(
      () => parseDatabaseAddress(text, '/data'),
      (error: Error) => {
        return (
          error instanceof TypeError &&
          /sqlite:PATH or postgres:/.test(error.message) &&
          !error.message.includes('sesame')
        );
      },
    );
  }
});
