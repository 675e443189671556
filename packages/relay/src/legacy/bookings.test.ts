import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { FakeClock, startPostgres, type TestPostgres } from '@perch/testkit';
import { parseDatabaseAddress } from '../storage/address.ts';
import type { Database } from '../storage/database.ts';
import { openDatabase } from '../storage/open.ts';
import { type BookingAuthority, Bookings } from './bookings.ts';

const MINUTE = 60_000;

function bookingsSuite(where: string, open: () => Promise<Database>): void {
  describe(`bookings in ${where}`, () => {
    const setUp = async () => {
      const clock = new FakeClock();
      const database = await open();
      const relay = async () => {
        let news = 0;
        const bookings = new Bookings({ database, clock, logger: silentLogger, onNews: () => news++ });
        await bookings.open();
        return { bookings, news: () => news };
      };
      const right = (since: number): BookingAuthority => {
        return { kind: 'booking', id: 'b1', scopes: ['read'], since, expires: clock.wall() + 10 * MINUTE };
      };
      return { clock, database, relay, right, [Symbol.asyncDispose]: () => database.close() };
    };

    it('stay cancelled over a restart, and no longer than said', async () => {
      await using at = await setUp();
      const { bookings } = await at.relay();
      assert.equal(await bookings.deny('b1', at.clock.wall() + MINUTE), true);
      const { bookings: again } = await at.relay();
      assert.deepEqual([again.isDenied('b1'), again.denied], [true, ['b1']]);
      at.clock.advance(MINUTE);
      assert.deepEqual([again.isDenied('b1'), again.denied], [false, []]);
      assert.deepEqual((await at.relay()).bookings.denied, []);
    });

    it('end before the disk has it, and old rights stay dead when that is taken back, also after a restart', async () => {
      await using at = await setUp();
      const { bookings, news } = await at.relay();
      const old = at.right(at.clock.wall());
      assert.equal(bookings.holds(old), true);
      const before = news();
      const written = bookings.deny('b1', at.clock.wall() + MINUTE);
      assert.deepEqual([bookings.holds(old), news()], [false, before + 1]);
      await written;
      at.clock.advance(10);
      await bookings.allow('b1', at.clock.wall() + MINUTE);
      for (const seen of [bookings, (await at.relay()).bookings]) {
        assert.equal(seen.isDenied('b1'), false);
        assert.equal(seen.holds(old), false);
        assert.equal(seen.holds(at.right(at.clock.wall())), true);
      }
    });

    it('are listed as in use until they end or are cancelled', async () => {
      await using at = await setUp();
      const { bookings } = await at.relay();
      bookings.use('b1', at.clock.wall() + MINUTE);
      bookings.use('b2', at.clock.wall() + 2 * MINUTE);
      assert.deepEqual(bookings.allowed, ['b1', 'b2']);
      at.clock.advance(MINUTE);
      assert.deepEqual(bookings.allowed, ['b2']);
      await bookings.deny('b2', at.clock.wall() + MINUTE);
      bookings.use('b2', at.clock.wall() + MINUTE);
      assert.deepEqual(bookings.allowed, []);
    });

    it('that one relay cancels end at the other when it looks, and so does the taking back', async () => {
      await using at = await setUp();
      const [here, there] = [await at.relay(), await at.relay()];
      there.bookings.use('b1', at.clock.wall() + MINUTE);
      await here.bookings.deny('b1', at.clock.wall() + MINUTE);
      const before = there.news();
      await there.bookings.poll();
      assert.deepEqual(
        [there.bookings.denied, there.bookings.allowed, there.news()],
        [['b1'], [], before + 1],
      );
      await there.bookings.poll();
      assert.equal(there.news(), before + 1, 'nothing new, nothing read');
      await here.bookings.allow('b1', at.clock.wall() + MINUTE);
      await there.bookings.poll();
      assert.deepEqual(there.bookings.denied, []);
    });
  });
}

let server: TestPostgres;
let directory: string;
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'perch-bookings-'));
  server = await startPostgres();
});
after(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

let next = 0;
const open = (address: string) =>
  openDatabase({ address: parseDatabaseAddress(address, directory), logger: silentLogger });
bookingsSuite('SQLite', () => open(`sqlite:${directory}/${next++}.db`));
bookingsSuite('PostgreSQL', () => open(server.createDatabase()));
