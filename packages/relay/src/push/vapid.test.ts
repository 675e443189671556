import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeClock } from '@perch/testkit';
import { migrate } from '../storage/migrate.ts';
import { openSqlite } from '../storage/sqlite.ts';
import { Vapid } from './vapid.ts';

const HOUR = 3_600_000;

async function open(contact = 'https://relay.example') {
  const directory = mkdtempSync(join(tmpdir(), 'perch-vapid-'));
  const database = await openSqlite({ path: join(directory, 'perch.db') });
  await migrate(database);
  const clock = new FakeClock();
  const vapid = () => Vapid.open({ database, contact: () => contact, clock });
  const close = async () => {
    await database.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { database, clock, vapid, [Symbol.asyncDispose]: close };
}

const part = (text = '') => JSON.parse(Buffer.from(text, 'base64url').toString());

/** As a push service does it (RFC 8292 4.2), with another implementation than the one that signs. */
async function verify(header: string) {
  const [, token = '', key = ''] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(header) ?? [];
  const [head = '', claims = '', signature = ''] = token.split('.');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const raw = Buffer.from(key, 'base64url');
  const publicKey = await webcrypto.subtle.importKey('raw', raw, algorithm, true, ['verify']);
  const signed = Buffer.from(`${head}.${claims}`);
  const bytes = Buffer.from(signature, 'base64url');
  assert.ok(await webcrypto.subtle.verify(algorithm, publicKey, bytes, signed));
  assert.equal(part(head).alg, 'ES256');
  return { key, claims: part(claims) as { aud: string; exp: number; sub: string } };
}

test('who sends signs for it: for one push service, for less than a day, with the key that browsers know', async () => {
  await using at = await open();
  const vapid = await at.vapid();
  const { key, claims } = await verify(vapid.authorization('https://push.example'));
  assert.equal(key, vapid.publicKey);
  assert.equal(claims.aud, 'https://push.example');
  assert.equal(claims.sub, 'https://relay.example');
  const life = claims.exp * 1_000 - at.clock.wall();
  assert.ok(life > HOUR && life <= 24 * HOUR, String(life));
  const other = await verify(vapid.authorization('https://other.example'));
  assert.equal(other.claims.aud, 'https://other.example');
});

test('a signature is used again, and made anew long before it ends', async () => {
  await using at = await open();
  const vapid = await at.vapid();
  const first = vapid.authorization('https://push.example');
  at.clock.advance(HOUR / 2);
  assert.equal(vapid.authorization('https://push.example'), first);
  at.clock.advance(HOUR / 2);
  const { claims } = await verify(vapid.authorization('https://push.example'));
  assert.ok(claims.exp * 1_000 - at.clock.wall() > 11 * HOUR);
});

test('the key is made once, however many relays start on the database at once', async () => {
  await using at = await open();
  const [one, two] = await Promise.all([at.vapid(), at.vapid()]);
  assert.equal(one.publicKey, two.publicKey);
  assert.equal((await at.vapid()).publicKey, one.publicKey);
  assert.equal(Buffer.from(one.publicKey, 'base64url').length, 65);
});

test('a relay that has no public address names itself by mail', async () => {
  for (const base of ['http://localhost:8080', 'https://localhost:8443', 'http://relay.example']) {
    await using at = await open(base);
    const { claims } = await verify((await at.vapid()).authorization('https://push.example'));
    assert.match(claims.sub, /^mailto:/);
  }
});

test('a key that is damaged is not used', async () => {
  await using at = await open();
  await at.vapid();
  await at.database.execute('UPDATE push_keys SET private_key = ?', ['nothing']);
  await assert.rejects(at.vapid(), { code: 'data-damaged', message: /no whole key for Web Push/ });
});
