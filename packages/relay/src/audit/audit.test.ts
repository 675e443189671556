import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { FakeClock, startPostgres, type TestPostgres } from '@perch/testkit';
import { openState } from '../state.ts';
import type { Database } from '../storage/database.ts';
import { Audit, type Noted } from './audit.ts';
import type { AuditRecord } from './chain.ts';
import { listAudit } from './list.ts';
import { Refusals } from './refusals.ts';
import { verifyAudit } from './verify.ts';

const NODE = 'a'.repeat(16);
const view: Noted = {
  who: { kind: 'token', id: 't1' },
  what: 'view',
  topic: 'front/large',
  from: '192.0.2.7',
};

let server: TestPostgres;
let data: string;
let made = 0;
before(async () => {
  data = mkdtempSync(join(tmpdir(), 'perch-audit-'));
  server = await startPostgres();
});
after(async () => {
  await server.close();
  rmSync(data, { recursive: true, force: true });
});

async function open(address = `sqlite:${data}/${++made}.db`, node = NODE, logger = silentLogger) {
  const clock = new FakeClock();
  const database = await openState({ data, database: address, clock, logger });
  const audit = new Audit({ database, node, clock, logger });
  const close = async () => {
    await audit.close();
    await database.close();
  };
  return { clock, database, audit, address, close, [Symbol.asyncDispose]: close };
}

const all = async (database: Database): Promise<readonly AuditRecord[]> =>
  (await listAudit(database, { household: 'home', limit: 1_000 })).records.toReversed();

for (const [dialect, address] of [
  ['SQLite', () => `sqlite:${data}/${++made}.db`],
  ['PostgreSQL', () => server.createDatabase()],
] as const) {
  describe(`the audit in ${dialect}`, () => {
    it('keeps who did what, from where, from when to when, in one whole chain', async () => {
      await using opened = await open(address());
      const { audit, clock, database } = opened;
      const start = clock.wall();
      const end = audit.begin(view);
      clock.advance(90_000);
      end();
      end();
      audit.done({ who: { kind: 'host' }, what: 'token-make', from: 'here', detail: "ß '?' \n" });
      await audit.flush();
      const records = await all(database);
      const common = { ...view, household: 'home', node: NODE, at: start, times: 1 };
      assert.deepEqual(
        records.map(({ hash, ...record }) => {
          assert.match(hash, /^[0-9a-f]{64}$/);
          return record;
        }),
        [
          { ...common, seq: 1, noted: start, outcome: 'begun' },
          { ...common, seq: 2, noted: start + 90_000, until: start + 90_000, outcome: 'ended' },
          {
            node: NODE,
            seq: 3,
            noted: start + 90_000,
            household: 'home',
            who: { kind: 'host' },
            what: 'token-make',
            from: 'here',
            at: start + 90_000,
            outcome: 'done',
            detail: "ß '?' \n",
            times: 1,
          },
        ],
      );
      assert.deepEqual(await verifyAudit(database), [{ kind: 'whole', node: NODE, records: 3 }]);
    });

    it('lets several processes write to one chain, and relays to their own', async () => {
      await using one = await open(address());
      await using two = await open(one.address);
      await using other = await open(one.address, 'b'.repeat(16));
      for (let i = 0; i < 20; i++) {
        for (const { audit } of [one, two, other]) audit.done({ ...view, detail: String(i) });
        await Promise.all([one.audit.flush(), two.audit.flush(), other.audit.flush()]);
      }
      assert.deepEqual(await verifyAudit(one.database), [
        { kind: 'whole', node: NODE, records: 40 },
        { kind: 'whole', node: 'b'.repeat(16), records: 20 },
      ]);
    });

    it('is read page by page, the latest first, none twice while more is written', async () => {
      await using opened = await open(address());
      const { audit, clock, database } = opened;
      for (let i = 0; i < 25; i++) {
        audit.done({ ...view, detail: String(i) });
        if (i % 3 === 0) clock.advance(1);
      }
      await audit.flush();
      const seen: (string | undefined)[] = [];
      for (let before: string | undefined, turn = 0; turn < 3; turn++) {
        const page = await listAudit(database, { household: 'home', before, limit: 10 });
        seen.push(...page.records.map(({ detail }) => detail));
        before = page.next;
        assert.equal(before === undefined, turn === 2);
        audit.done({ ...view, detail: 'later' });
        await audit.flush();
      }
      assert.deepEqual(
        seen,
        Array.from({ length: 25 }, (_, i) => String(24 - i)),
      );
      for (const before of ['', 'x', '1.2', '1.2.zz', `1.2.${'a'.repeat(65)}`]) {
        await assert.rejects(listAudit(database, { household: 'home', before, limit: 1 }), {
          name: 'TypeError',
        });
      }
    });

    describe('shows the first line that is not what was written:', () => {
      const tampered = async (sql: string) => {
        await using opened = await open(address());
        for (let i = 0; i < 10; i++) opened.audit.done({ ...view, detail: String(i) });
        await opened.audit.flush();
        await opened.database.execute(sql);
        const [state] = await verifyAudit(opened.database);
        return state?.kind === 'broken' ? `${state.seq}: ${state.why}` : 'whole';
      };
      const cases: readonly [string, string, RegExp][] = [
        ['changed', "UPDATE audit SET topic = 'garden' WHERE seq = 5", /^5: .*changed/],
        [
          'changed and hashed anew',
          `UPDATE audit SET hash = '${'0'.repeat(64)}' WHERE seq = 5`,
          /^5: .*changed/,
        ],
        ['taken out', 'DELETE FROM audit WHERE seq = 5', /^5: it is missing/],
        ['taken out at the begin', 'DELETE FROM audit WHERE seq <= 2', /^1: it is missing/],
        ['taken out at the end', 'DELETE FROM audit WHERE seq >= 9', /^9: it is missing, with all after it/],
        ['all taken out', 'DELETE FROM audit', /^1: it is missing, with all after it/],
        ['the end forgotten', 'DELETE FROM audit_heads', /^1: the end of its chain/],
        ['the end moved', 'UPDATE audit_heads SET seq = 8', /^8: it is not the one that was written last/],
        ['moved', 'UPDATE audit SET seq = 99 WHERE seq = 10', /^10: it is missing/],
        [
          'added',
          `INSERT INTO audit SELECT node, 11, noted, at, until, who_kind, who_id, what, topic, device, address,
            outcome, detail, times, hash, household, who_name FROM audit WHERE seq = 10`,
          /^11: it was added/,
        ],
      ];
      for (const [name, sql, expected] of cases) {
        it(name, async () => assert.match(await tampered(sql), expected));
      }
    });
  });
}

describe('the audit', () => {
  it('writes what was noted by itself, half a second later', async () => {
    await using opened = await open();
    opened.audit.done(view);
    opened.clock.advance(500);
    // Whatever is asked next comes after what is being written.
    await opened.audit.flush();
    assert.equal((await all(opened.database)).length, 1);
    assert.equal(opened.clock.pending, 0);
  });

  it('has all of it when it was closed', async () => {
    const opened = await open();
    for (let i = 0; i < 1_234; i++) opened.audit.done(view);
    await opened.close();
    await using again = await open(opened.address);
    assert.deepEqual(await verifyAudit(again.database), [{ kind: 'whole', node: NODE, records: 1_234 }]);
  });

  it('waits for a database that is away, says so once, and counts what it could not keep', async () => {
    await using opened = await open();
    const { database } = opened;
    const errors: string[] = [];
    const clock = new FakeClock();
    let isAway = true;
    const away: Database = {
      ...database,
      dialect: database.dialect,
      transaction: (work) => (isAway ? Promise.reject(new Error('away')) : database.transaction(work)),
    };
    const logger = { ...silentLogger, error: (text: string) => void errors.push(text) };
    const audit = new Audit({ database: away, node: NODE, clock, logger });
    for (let i = 0; i < 10_003; i++) audit.done({ ...view, detail: String(i) });
    await audit.flush();
    clock.advance(5_000);
    await audit.flush();
    assert.deepEqual(errors, ['the audit cannot be written now']);
    isAway = false;
    clock.advance(5_000);
    await audit.flush();
    const [last] = (await listAudit(database, { household: 'home', limit: 10_010 })).records.filter(
      ({ what }) => what === 'notes-lost',
    );
    assert.equal(last?.times, 3);
    assert.deepEqual(await verifyAudit(database), [{ kind: 'whole', node: NODE, records: 10_001 }]);
    await audit.close();
    assert.equal(clock.pending, 0);
  });
});

describe('refused attempts', () => {
  it('are a line at first, then counted for a minute', async () => {
    await using opened = await open();
    const { audit, clock, database } = opened;
    const refusals = new Refusals({ audit, clock });
    const refused = { what: 'view', from: '192.0.2.7', detail: 'not allowed' } as const;
    for (let i = 0; i < 1_000; i++) refusals.note({ ...refused, topic: `guess${i}` });
    refusals.note({ ...refused, topic: 'x', from: '192.0.2.8' });
    clock.advance(60_000);
    refusals.note({ ...refused, topic: 'again' });
    refusals.close();
    await audit.flush();
    const lines = await database.query('SELECT topic, address, times FROM audit ORDER BY seq', [], (row) => [
      row.optionalText('topic'),
      row.text('address'),
      row.number('times'),
    ]);
    assert.deepEqual(lines, [
      ['guess0', '192.0.2.7', 1],
      ['x', '192.0.2.8', 1],
      [undefined, '192.0.2.7', 999],
      ['again', '192.0.2.7', 1],
    ]);
    assert.equal(clock.pending, 0);
  });

  it('of many addresses become one line', async () => {
    await using opened = await open();
    const refusals = new Refusals({ audit: opened.audit, clock: opened.clock });
    for (let i = 0; i < 5_000; i++) refusals.note({ what: 'sign-in', from: `host ${i}`, detail: 'no' });
    refusals.close();
    await opened.audit.flush();
    const records = await all(opened.database);
    assert.equal(records.length, 102);
    assert.equal(records.at(-1)?.from, 'many addresses');
    assert.equal(
      records.reduce((sum, { times = 1 }) => sum + times, 0),
      5_000,
    );
  });
});
