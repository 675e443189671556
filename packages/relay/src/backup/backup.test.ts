import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { silentLogger, systemClock } from '@perch/runtime';
import { startPostgres, type TestPostgres } from '@perch/testkit';
import { openRelay, Peer } from '../../../../test/support/relay.ts';
import { TestDevice } from '../devices/testing/test-device.ts';
import { RelayError } from '../errors.ts';
import { verifyAuditIn } from '../state.ts';
import { migrations } from '../storage/migrations/index.ts';
import { backupIn, restoreIn } from './in-state.ts';

const HOUR = 3_600_000;
const directory = mkdtempSync(join(tmpdir(), 'perch-backup-'));
after(() => rmSync(directory, { recursive: true, force: true }));
let count = 0;
const fresh = (): string => join(directory, String(++count));
const common = { clock: systemClock, logger: silentLogger };

let postgres: TestPostgres;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres.close());

/** A relay with a device and a token, and its backup, made while it runs. */
async function backedUp(database?: string) {
  const data = fresh();
  await using relay = await openRelay({ data, ...(database !== undefined && { database }) });
  const device = await TestDevice.enrol(relay.url, await relay.createEnrolmentCode('yard'));
  const token = await relay.createToken({ topic: '**', scope: ['read', 'audit'], ttlMs: HOUR });
  // To ask for the audit is to have it written.
  await fetch(`${relay.url}/api/v1/audit`, { headers: { Authorization: token } });
  const file = fresh();
  const { rows } = await backupIn({ ...common, data, database, file });
  return { data, device, token, file, rows };
}

const code = (wanted: string, words?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof RelayError, String(error));
  assert.equal(error.code, wanted, error.message);
  if (words) assert.match(error.message, words);
  return true;
};

describe('a backup', () => {
  const kinds = [
    ['SQLite', 'SQLite'],
    ['PostgreSQL', 'PostgreSQL'],
    ['SQLite', 'PostgreSQL'],
    ['PostgreSQL', 'SQLite'],
  ] as const;
  for (const [from, to] of kinds) {
    it(`of ${from}, made while the relay runs, makes the same relay with ${to}`, async () => {
      const addressOf = (kind: string) => (kind === 'SQLite' ? undefined : postgres.createDatabase());
      const { device, token, file, rows } = await backedUp(addressOf(from));
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const data = fresh();
      const database = addressOf(to);
      const restored = await restoreIn({ ...common, data, database, file });
      assert.equal(restored.rows, rows);
      await using relay = await openRelay({ data, ...(database !== undefined && { database }) });
      // The device's certificate is good: the authority is the same, and so is the key of the nonces.
      const headers = await device.authorization(relay.url);
      using publisher = await Peer.open(`${relay.ws}/in/${device.id}/v`, { headers });
      using viewer = await Peer.open(`${relay.ws}/out/${device.id}/v`, { headers: { Authorization: token } });
      publisher.send('hello');
      assert.deepEqual(await viewer.hears(1), ['hello']);
      await TestDevice.enrol(relay.url, await relay.createEnrolmentCode('second'));
      const states = (await verifyAuditIn({ ...common, data, database })) ?? [];
      assert.equal(states.length, 2, 'the chain of before, and its own');
      assert.ok(states.every(({ kind }) => kind === 'whole'));
    });
  }

  it('is of one moment, while others write', async () => {
    const data = fresh();
    await using relay = await openRelay({ data });
    let isOver = false;
    const writing = (async () => {
      let made = 0;
      while (!isOver) {
        await relay.createToken({ topic: `t${made++}`, scope: ['read'], ttlMs: HOUR });
      }
      return made;
    })();
    const files = [fresh(), fresh(), fresh()];
    for (const file of files) await backupIn({ ...common, data, file });
    isOver = true;
    assert.ok((await writing) > 0);
    const counts: number[] = [];
    for (const file of files) {
      const place = { ...common, data: fresh() };
      await restoreIn({ ...place, file });
      assert.ok((await verifyAuditIn(place))?.every(({ kind }) => kind === 'whole'));
      const text = gunzipSync(readFileSync(file)).toString();
      counts.push(text.split('\n').filter((line) => line.startsWith('["tokens"')).length);
    }
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
    );
  });

  it('carries every table but what is worth nothing a few minutes later', async () => {
    const { file } = await backedUp();
    const text = gunzipSync(readFileSync(file)).toString();
    for (const table of ['certificate_authorities', 'users', 'households', 'devices', 'tokens', 'audit']) {
      assert.ok(text.includes(`["${table}",`), table);
    }
    assert.ok(!text.includes('["device_codes",'));
    assert.equal(JSON.parse(text.split('\n')[0] ?? '').tables, migrations.length);
  });

  it('overwrites nothing, and leaves nothing behind where it fails', async () => {
    const { data, file } = await backedUp();
    const before = readFileSync(file);
    await assert.rejects(backupIn({ ...common, data, file }), code('backup-exists', /overwrites nothing/));
    assert.deepEqual(readFileSync(file), before);
    const nowhere = join(directory, 'not-there', 'file');
    await assert.rejects(backupIn({ ...common, data, file: nowhere }), code('data-denied'));
    await assert.rejects(
      backupIn({ ...common, data: fresh(), file: fresh() }),
      code('data-denied', /No relay has kept anything/),
    );
    assert.ok(readdirSync(directory).every((name) => !name.startsWith('.perch-backup-')));
  });

  it('is not restored where a relay has been', async () => {
    const { data, file } = await backedUp();
    await assert.rejects(restoreIn({ ...common, data, file }), code('state-exists', /overwrites nothing/));
    const database = postgres.createDatabase();
    await restoreIn({ ...common, data: fresh(), database, file });
    await assert.rejects(restoreIn({ ...common, data: fresh(), database, file }), code('state-exists'));
  });

  it('that is damaged, cut off or something else makes nothing', async () => {
    const { file } = await backedUp();
    const whole = readFileSync(file);
    const lines = gunzipSync(whole).toString().trimEnd().split('\n');
    const zipped = (some: readonly string[]) => gzipSync(`${some.join('\n')}\n`);
    const [header = '', ...rest] = lines;
    const cases: readonly (readonly [string, Buffer])[] = [
      ['cut off', whole.subarray(0, whole.length - 20)],
      ['a flipped bit', Buffer.from(whole.map((byte, i) => (i === whole.length >> 1 ? byte ^ 4 : byte)))],
      ['no gzip', Buffer.from('hello')],
      ['empty', Buffer.alloc(0)],
      ['without its last line', zipped(lines.slice(0, -1))],
      ['without a row', zipped(lines.toSpliced(5, 1))],
      ['without its header', zipped(rest)],
      ['with two headers', zipped([header, ...lines])],
      ['another JSON', zipped(['{"hello":1}', ...rest])],
      ['a line that is none', zipped([header, '["users"]', ...rest])],
    ];
    for (const [name, bytes] of cases) {
      const bad = fresh();
      writeFileSync(bad, bytes);
      const data = fresh();
      await assert.rejects(restoreIn({ ...common, data, file: bad }), code('backup-damaged'), name);
      assert.ok(!existsSync(join(data, 'perch.db')), name);
    }
    await assert.rejects(restoreIn({ ...common, data: fresh(), file: fresh() }), code('data-denied'));
  });

  it('that names tables or columns of its own makes nothing', async () => {
    const { file } = await backedUp();
    const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n');
    for (const row of ['["users; DROP TABLE users",{"id":"x"}]', '["tokens",{"id) VALUES (1); --":1}]']) {
      const bad = fresh();
      const end = JSON.stringify({ rows: lines.length - 1 });
      writeFileSync(bad, gzipSync(`${[...lines.slice(0, -1), row, end].join('\n')}\n`));
      const data = fresh();
      await assert.rejects(
        restoreIn({ ...common, data, file: bad }),
        code('backup-damaged', /is not as it was/),
      );
      assert.deepEqual(readdirSync(data), []);
    }
  });

  it('of a newer version is not restored', async () => {
    const { file } = await backedUp();
    const [header = '', ...rest] = gunzipSync(readFileSync(file)).toString().split('\n');
    const newer = JSON.stringify({ ...JSON.parse(header), tables: migrations.length + 1 });
    const path = fresh();
    writeFileSync(path, gzipSync([newer, ...rest].join('\n')));
    await assert.rejects(restoreIn({ ...common, data: fresh(), file: path }), code('data-newer'));
  });
});
