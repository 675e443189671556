import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { freePort, startPostgres, type TestPostgres } from '@perch/testkit';
import { parseDatabaseAddress } from './address.ts';
import { openDatabase } from './open.ts';
import { openPostgres } from './postgres.ts';
import { databaseContract } from './testing/contract.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.close());

const open = (url: string) => openPostgres({ url, place: 'the place', logger: silentLogger });

databaseContract('PostgreSQL', {
  create: async () => {
    const url = server.createDatabase();
    return { open: () => open(url) };
  },
});

describe('a PostgreSQL server', () => {
  const wordsOf = (url: string) =>
    openDatabase({ address: parseDatabaseAddress(url, '/nowhere'), logger: silentLogger }).then(
      () => assert.fail('it opened'),
      (error) => ({ code: error.code, message: error.message, all: JSON.stringify(error) }),
    );

  it('that refuses user, password or database is named, the password is not', async () => {
    const url = server.createDatabase();
    const { password } = new URL(url);
    for (const wrong of [url.replace(password, 'sesame'), url.replace(/test\d+$/, 'other')]) {
      const { code, message, all } = await wordsOf(wrong);
      assert.equal(code, 'database-denied');
      assert.match(message, /^The database postgres:\/\/perch@127\.0\.0\.1:\d+\/(test|other)/);
      assert.ok(!all.includes(password) && !all.includes('sesame'));
    }
  });

  it('that is not there is named', async () => {
    const { code, message } = await wordsOf(`postgres://me:sesame@127.0.0.1:${await freePort()}/x`);
    assert.equal(code, 'database-unreachable');
    assert.match(message, /postgres:\/\/me@127\.0\.0\.1:\d+\/x does not answer .*Does the server run there/);
    assert.ok(!message.includes('sesame'));
  });

  it('that throws us out is asked again with the next question', async () => {
    const url = server.createDatabase();
    await using one = await open(url);
    await using two = await open(url);
    const pid = async (database: typeof one) =>
      (await database.query('SELECT pg_backend_pid() AS pid', [], (row) => row.number('pid')))[0] as number;
    const first = await pid(one);
    await two.query('SELECT 1 AS done FROM pg_terminate_backend(?)', [first], () => undefined);
    const next = await pid(one).catch((error) => {
      // The news of the end may come with the question after it.
      assert.equal(error.code, 'database-unreachable');
      return pid(one);
    });
    assert.notEqual(next, first);
  });
});
