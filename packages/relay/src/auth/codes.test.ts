import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { millis, silentLogger } from '@perch/runtime';
import { FakeClock, startPostgres, type TestPostgres } from '@perch/testkit';
import { parseDatabaseAddress } from '../storage/address.ts';
import type { Database } from '../storage/database.ts';
import { openDatabase } from '../storage/open.ts';
import { type CodeLimits, type Codes, type Grant, MemoryCodes } from './codes.ts';
import { StoredCodes } from './stored-codes.ts';

const grant: Grant = {
  topic: 'front/large',
  access: { read: true, write: false },
  by: { kind: 'token', id: 'a', expires: 5, rests: ['token a'], seq: 0 },
  place: { household: 'home' },
};
const limits: CodeLimits = { life: millis(30_000), most: 3 };

function codesContract(where: string, make: (clock: FakeClock) => Promise<Codes>): void {
  describe(`one-time codes ${where}`, () => {
    const open = async () => {
      const clock = new FakeClock();
      return { clock, codes: await make(clock) };
    };
    const issue = async (codes: Codes) => (await codes.issue(grant)) ?? assert.fail('too many');

    it('stand for what they were given for, once', async () => {
      const { codes } = await open();
      const code = await issue(codes);
      assert.match(code, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      const all = await Promise.all([1, 2, 3].map(() => codes.redeem(code, grant.topic)));
      assert.deepEqual(
        all.filter((one) => one !== undefined),
        [grant],
      );
    });

    it('live as long as they may and no longer', async () => {
      const { clock, codes } = await open();
      const [first, second] = [await issue(codes), await issue(codes)];
      clock.advance(29_999);
      assert.deepEqual(await codes.redeem(first, grant.topic), grant);
      clock.advance(1);
      assert.equal(await codes.redeem(second, grant.topic), undefined);
    });

    it('are spent when they are tried on another topic', async () => {
      const { codes } = await open();
      const code = await issue(codes);
      assert.equal(await codes.redeem(code, 'front'), undefined);
      assert.equal(await codes.redeem(code, grant.topic), undefined);
      assert.equal(await codes.redeem('', grant.topic), undefined);
    });

    it('are so many at most, until some are spent or too old', async () => {
      const { clock, codes } = await open();
      const [first] = [await issue(codes), await issue(codes), await issue(codes)];
      assert.equal(await codes.issue(grant), undefined);
      await codes.redeem(first, grant.topic);
      await issue(codes);
      assert.equal(await codes.issue(grant), undefined);
      clock.advance(30_000);
      await issue(codes);
    });
  });
}

let server: TestPostgres;
let directory: string;
const databases: Database[] = [];
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'perch-codes-'));
  server = await startPostgres();
});
after(async () => {
  for (const database of databases) await database.close();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const stored = async (clock: FakeClock, address: string) => {
  const options = { address: parseDatabaseAddress(address, directory), logger: silentLogger };
  const database = await openDatabase(options);
  databases.push(database);
  return new StoredCodes({ database, clock, limits });
};
codesContract('in memory', async (clock) => new MemoryCodes({ clock, limits }));
codesContract('in SQLite', (clock) => stored(clock, `sqlite:${directory}/${databases.length}.db`));
codesContract('in PostgreSQL', (clock) => stored(clock, server.createDatabase()));
