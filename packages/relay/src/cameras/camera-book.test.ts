import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cameraLimits } from '@perch/protocol';
import { silentLogger } from '@perch/runtime';
import { FakeClock, startPostgres, type TestPostgres } from '@perch/testkit';
import { parseDatabaseAddress } from '../storage/address.ts';
import { openDatabase } from '../storage/open.ts';
import { CameraBook, type Wish } from './camera-book.ts';

const data = mkdtempSync(join(tmpdir(), 'perch-cameras-'));
let server: TestPostgres;
let made = 0;
before(async () => {
  server = await startPostgres();
});
after(async () => {
  await server.close();
  rmSync(data, { recursive: true, force: true });
});

/** Two relays on one database. */
async function open(address: string, wallMs = Date.UTC(2026, 10, 6, 12)) {
  const clock = new FakeClock({ wallMs });
  const connect = () => openDatabase({ address: parseDatabaseAddress(address, data), logger: silentLogger });
  const [one, two] = [await connect(), await connect()];
  return {
    book: new CameraBook({ database: one, clock }),
    other: new CameraBook({ database: two, clock }),
    clock,
    async [Symbol.asyncDispose]() {
      await one.close();
      await two.close();
    },
  };
}

const owner = { kind: 'user', id: 'u1', name: 'Ada' } as const;
const wish = (command: Wish['command'], device = 'yard'): Wish => ({
  ...{ device, household: 'home', command, by: owner },
});
const later = { isOurs: false };
const nights = { zone: 'Europe/Berlin', isOn: true, weekly: [{ days: [5], from: '22:00', to: '06:00' }] };

for (const [dialect, address] of [
  ['SQLite', () => `sqlite:${data}/${++made}.db`],
  ['PostgreSQL', () => server.createDatabase()],
] as const) {
  describe(`what is wanted of cameras, on ${dialect}`, () => {
    it('is kept with who said so, and a command grows as it is known', async () => {
      await using at = await open(address());
      const { book, other, clock } = at;
      assert.equal(await book.find('yard'), undefined);
      const asked = await book.ask(wish('arm'), later);
      const known = await other.find('yard');
      assert.deepEqual([known?.wanted, known?.wantedBy, known?.wantedAt], [true, owner, clock.wall()]);
      clock.advance(5);
      await book.note(asked, 'delivered');
      clock.advance(5);
      await book.note(asked, 'handed');
      await book.note(asked, { failed: 'too late to be true' });
      assert.equal((await other.find('yard'))?.known, true, 'before the device says so itself');
      const [shown] = await other.commands('yard', 5);
      assert.deepEqual(
        [shown?.delivered, shown?.handed, shown?.failed],
        [clock.wall() - 5, clock.wall(), undefined],
      );
      await book.ask(wish('capture'), later);
      assert.equal((await book.find('yard'))?.wanted, true, 'a film changes nothing of that');
    });

    it('is delivered by one of many relays, whoever comes first', async () => {
      await using at = await open(address());
      const { book, other } = at;
      const asked = await book.ask(wish('capture'), later);
      const claims = await Promise.all([book, other, book, other, other].map((each) => each.claim(asked.id)));
      const [claimed, ...more] = claims.filter((claim) => claim !== undefined);
      assert.ok(claimed);
      assert.deepEqual(more, []);
      assert.deepEqual(await other.waiting('yard'), []);
      await other.putBack(claimed);
      assert.equal((await book.waiting('yard')).length, 1);
      const again = await book.claim(asked.id);
      assert.ok(again);
      await book.ask(wish('capture'), { isOurs: true });
      await book.putBack(again);
      assert.deepEqual(await book.waiting('yard'), [], 'one that was asked later is made');
      const ours = await book.ask(wish('arm'), { isOurs: true });
      assert.equal(await other.claim(ours.id), undefined);
    });

    it('stays with who took it after a relay had ended, though another saw that as well, and later', async () => {
      await using at = await open(address());
      const { book, other, clock } = at;
      const asked = await book.ask(wish('arm'), { isOurs: true });
      clock.advance(cameraLimits.deliveryTime);
      const [seen] = await other.open();
      assert.ok(seen);
      await book.putBack(asked);
      assert.ok(await book.claim(asked.id));
      await other.putBack(seen);
      assert.deepEqual(await other.waiting('yard'), [], 'it is not delivered twice');
    });

    it('is the last of what waits: an older wish of its kind is given up, in words', async () => {
      await using at = await open(address());
      const { book } = at;
      for (const command of ['arm', 'capture', 'disarm', 'capture'] as const)
        await book.ask(wish(command), later);
      assert.deepEqual(
        (await book.waiting('yard')).map(({ command }) => command),
        ['disarm', 'capture'],
      );
      const words = (await book.commands('yard', 9)).map(({ failed }) => failed?.slice(0, 15));
      assert.deepEqual(words, [undefined, undefined, 'a later command', 'a later command']);
    });

    it('is not remembered without end', async () => {
      await using at = await open(address());
      const { book } = at;
      await book.ask(wish('capture', 'door'), later);
      for (let i = 0; i < cameraLimits.commandsKept + 20; i++)
        await book.ask(wish(i % 2 ? 'arm' : 'disarm'), { isOurs: true });
      assert.equal((await book.commands('yard', 1_000)).length, cameraLimits.commandsKept);
      assert.equal((await book.commands('door', 1_000)).length, 1);
    });

    it('follows a schedule, each edge once for all relays; by hand holds until the next edge', async () => {
      await using at = await open(address());
      const { book, other, clock } = at;
      const wanted = async () => (await book.find('yard'))?.wanted;
      await book.setSchedule('yard', 'home', nights);
      assert.equal(await wanted(), false, 'it says at once what is now');
      assert.deepEqual(await book.switchDue(), []);
      clock.advance(9 * 3_600_000);
      const switched = (await Promise.all([book, other, other].map((each) => each.switchDue()))).flat();
      assert.deepEqual(
        switched.map(({ command }) => [command.command, command.by.kind]),
        [['arm', 'schedule']],
      );
      await book.ask(wish('disarm'), later);
      clock.advance(3_600_000);
      await book.switchDue();
      assert.equal(await wanted(), false);
      // At 06:00 it is disarmed already: nobody is told again.
      clock.advance(8 * 3_600_000);
      assert.deepEqual(await book.switchDue(), []);
      clock.advance(7 * 86_400_000 - 8 * 3_600_000);
      assert.deepEqual(
        (await book.switchDue()).map(({ command }) => command.command),
        ['arm'],
      );
    });

    it('of a relay that was away for several edges is what holds now', async () => {
      await using at = await open(address());
      const { book, clock } = at;
      await book.setSchedule('yard', 'home', nights);
      clock.advance(20 * 3_600_000 + 7 * 86_400_000);
      assert.deepEqual(await book.switchDue(), []);
      assert.equal((await book.find('yard'))?.nextEdge, Date.UTC(2026, 10, 20, 21));
      await book.setSchedule('yard', 'home', { ...nights, isOn: false });
      assert.equal((await book.find('yard'))?.nextEdge, undefined);
      await book.setSchedule('yard', 'home', undefined);
      assert.equal((await book.find('yard'))?.schedule, undefined);
    });

    it('is seen by other relays, each change with a later number', async () => {
      await using at = await open(address());
      const { book, other } = at;
      const before = await other.latest();
      const said = { known: true, problem: 'nobody listens', zone: 'Europe/Berlin' };
      await book.noteSaid('yard', 'home', said);
      const first = await other.changedSince(before);
      assert.deepEqual(
        first.map(({ device }) => device),
        ['yard'],
      );
      await book.noteSaid('yard', 'home', said);
      assert.deepEqual(await other.changedSince(first[0]?.changed ?? 0), [], 'the same again is no news');
      await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 ? book : other).ask(wish('arm', `d${i}`), later)),
      );
      const numbers = (await book.changedSince(first[0]?.changed ?? 0)).map(({ changed }) => changed);
      assert.equal(new Set(numbers).size, 10);
      const { known, problem, zone } = (await other.find('yard')) ?? {};
      assert.deepEqual({ known, problem, zone }, said);
    });
  });
}
