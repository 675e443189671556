import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type AbortSignalLike, silentLogger } from '@perch/runtime';
import { FakeClock, startPostgres, type TestPostgres } from '@perch/testkit';
import type { Database } from '../../storage/database.ts';
import type { CertificateSource, ServerCertificate } from '../certificate.ts';
import { Maker } from '../testing/maker.ts';
import { AcmeCertificate } from './acme-certificate.ts';
import { AcmeStore } from './store.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const maker = new Maker();
after(() => maker[Symbol.dispose]());

/** One relay with a certificate by ACME; the ACME server is a function. */
async function relay(options: {
  database: Database;
  clock: FakeClock;
  node?: string;
  order: (signal: AbortSignalLike) => Promise<ServerCertificate>;
}) {
  const { database, clock, node = 'a', order } = options;
  const used: string[] = [];
  const errors: string[] = [];
  let fallbackIsOpen = false;
  const fallback: CertificateSource = {
    async start(use) {
      fallbackIsOpen = true;
      use({ cert: 'fallback', key: '' });
    },
    async close() {
      fallbackIsOpen = false;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const store = new AcmeStore({
    database,
    clock,
    node,
    directory: 'https://acme.example',
    names: ['a.example'],
  });
  const logger = { ...silentLogger, error: (text: string) => void errors.push(text) };
  const certificate = new AcmeCertificate({ store, order, fallback, clock, logger, random: () => 0.5 });
  await certificate.start(({ cert }) => void used.push(cert));
  const advance = async (ms: number) => {
    clock.advance(ms);
    await certificate.look();
  };
  return {
    ...{ certificate, used, errors, store, advance },
    isOnFallback: () => fallbackIsOpen,
    [Symbol.asyncDispose]: () => certificate.close(),
  };
}

describe('a certificate by ACME', () => {
  it("is the relay's own until one is got, then that, also after a restart", async () => {
    await using database = await maker.database();
    const clock = new FakeClock();
    const made = await maker.certificate(clock, 90);
    {
      await using first = await relay({ database, clock, order: async () => made });
      assert.deepEqual(first.used, ['fallback']);
      await first.certificate.look();
      assert.deepEqual(first.used, ['fallback', made.cert]);
      assert.ok(!first.isOnFallback());
    }
    await using again = await relay({ database, clock, order: () => assert.fail('ordered') });
    await again.certificate.look();
    assert.deepEqual(again.used, [made.cert]);
  });

  it('is ordered anew when two thirds of its life are over, not before', async () => {
    await using database = await maker.database();
    const clock = new FakeClock();
    const orders: ServerCertificate[] = [];
    await using at = await relay({
      database,
      clock,
      order: async () => {
        const made = await maker.certificate(clock, 90);
        orders.push(made);
        return made;
      },
    });
    await at.certificate.look();
    // It is good from a day before it was made: 91 days in all.
    const due = (91 * 2 * DAY) / 3 - DAY;
    await at.advance(due - 2 * MINUTE);
    assert.equal(orders.length, 1);
    await at.advance(3 * MINUTE);
    assert.equal(orders.length, 2);
    assert.equal(at.used.at(-1), orders[1]?.cert);
    assert.deepEqual(at.errors, []);
  });

  it('that cannot be renewed stays in use, and is tried for ever less often', async () => {
    await using database = await maker.database();
    const clock = new FakeClock();
    const tries: number[] = [];
    let isDown = false;
    const made = await maker.certificate(clock, 90);
    await using at = await relay({
      database,
      clock,
      order: async () => {
        if (!isDown) return made;
        tries.push(clock.now());
        throw new Error('the ACME server is down');
      },
    });
    await at.certificate.look();
    isDown = true;
    await at.advance(70 * DAY);
    for (let minutes = 0; minutes < 24 * 60; minutes++) await at.advance(MINUTE);
    const pauses = tries.slice(1).map((at, i) => Math.round((at - (tries[i] as number)) / MINUTE));
    assert.deepEqual(pauses, [5, 10, 20, 40, 80, 160, 320, 360, 360]);
    assert.equal(at.used.at(-1), made.cert, 'never taken away');
    assert.equal(at.errors.length, tries.length);

    isDown = false;
    await at.advance(7 * 60 * MINUTE);
    assert.equal(at.errors.length, tries.length);
  });

  it('that has ended while the relay was off is not shown', async () => {
    await using database = await maker.database();
    const clock = new FakeClock();
    const made = await maker.certificate(clock, 90);
    {
      await using first = await relay({ database, clock, order: async () => made });
      await first.certificate.look();
    }
    clock.advance(100 * DAY);
    await using again = await relay({ database, clock, order: () => Promise.reject(new Error('down')) });
    await again.certificate.look();
    assert.deepEqual(again.used, ['fallback']);
  });

  it('that is no certificate is not taken, whatever the ACME server says', async () => {
    await using database = await maker.database();
    const clock = new FakeClock();
    await using at = await relay({ database, clock, order: async () => ({ cert: 'nonsense', key: 'x' }) });
    await at.certificate.look();
    assert.deepEqual(at.used, ['fallback']);
    assert.equal(at.errors.length, 1);
    assert.equal(await at.store.certificate(), undefined);
  });

  it('being ordered is given up when the relay stops', async () => {
    await using database = await maker.database();
    const clock = new FakeClock();
    const begun = Promise.withResolvers<void>();
    const at = await relay({
      database,
      clock,
      order: (signal) =>
        new Promise((_, reject) => {
          begun.resolve();
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    });
    void at.certificate.look();
    await begun.promise;
    await at.certificate.close();
    assert.deepEqual(at.errors, []);
    assert.equal(clock.pending, 0);
  });
});

describe('a certificate by ACME of relays that share a database', () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.close());

  it('is ordered by one of them, for all; each answers for the others', async () => {
    const url = postgres.createDatabase();
    await using one = await maker.database(url);
    await using two = await maker.database(url);
    const clock = new FakeClock();
    const made = await maker.certificate(clock, 90);
    let orders = 0;
    const begun = Promise.withResolvers<void>();
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const order = async () => {
      orders++;
      begun.resolve();
      await mayEnd;
      return made;
    };
    await using a = await relay({ database: one, clock, node: 'a', order });
    await using b = await relay({ database: two, clock, node: 'b', order });
    const looks = [a.certificate.look(), b.certificate.look()];
    // Whoever begins first has the turn; the other one's look ends without an order.
    await Promise.all([begun.promise, Promise.race(looks)]);
    assert.equal(orders, 1);
    end();
    await Promise.all(looks);
    await a.certificate.look();
    await b.certificate.look();
    assert.equal(orders, 1);
    assert.equal(a.used.at(-1), made.cert);
    assert.equal(b.used.at(-1), made.cert);

    await a.store.keepAnswer('token', 'answer');
    assert.equal(await b.store.answer('token'), 'answer');
    clock.advance(2 * 3_600_000);
    assert.equal(await b.store.answer('token'), undefined, 'not for ever');
    await b.store.dropAnswer('token');
    assert.equal(await a.store.accountKey(), await b.store.accountKey());
  });

  it('is answered for, and the database left alone, where many ask for what is not there', async () => {
    const url = postgres.createDatabase();
    await using database = await maker.database(url);
    const clock = new FakeClock();
    await using at = await relay({ database, clock, order: () => Promise.reject(new Error('down')) });
    await at.store.keepAnswer('ours', 'answer');
    const asked = Array.from({ length: 50 }, (_, i) => at.store.answer(`token ${i}`));
    assert.equal(await at.store.answer('ours'), 'answer');
    assert.deepEqual(new Set(await Promise.all(asked)), new Set([undefined]));
    await at.store.dropAnswer('ours');
    assert.equal(await at.store.answer('ours'), undefined);
  });

  it('is tried by none of them before its time when one has failed', async () => {
    const url = postgres.createDatabase();
    await using one = await maker.database(url);
    await using two = await maker.database(url);
    const clock = new FakeClock();
    let orders = 0;
    const order = async () => {
      orders++;
      throw new Error('down');
    };
    await using a = await relay({ database: one, clock, node: 'a', order });
    await a.certificate.look();
    await using b = await relay({ database: two, clock, node: 'b', order });
    await b.certificate.look();
    assert.equal(orders, 1);
    await a.certificate.close();
    await b.advance(6 * MINUTE);
    assert.equal(orders, 2);
    // Whoever has put the cause right and starts the relay anew need not wait.
    await using restarted = await relay({ database: two, clock, node: 'b', order });
    await restarted.certificate.look();
    assert.equal(orders, 3);
  });
});
