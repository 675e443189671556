import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import type { Database } from '../storage/database.ts';
import type { ServerCertificate } from './certificate.ts';
import { LocalCertificate } from './local-certificate.ts';
import { isDnsName, machineNames } from './machine-names.ts';
import { Maker } from './testing/maker.ts';

const DAY = 86_400_000;
const maker = new Maker();
after(() => maker[Symbol.dispose]());

async function local(database: Database, clock: FakeClock, names: readonly string[] = []) {
  const machine = { names: ['localhost', 'pi', '192.168.1.20'] };
  const used: ServerCertificate[] = [];
  const warned: string[] = [];
  const source = new LocalCertificate({
    ...{
      database,
      names,
      clock,
      logger: { ...silentLogger, warn: (text: string) => void warned.push(text) },
    },
    machineNames: () => machine.names,
  });
  await source.start((certificate) => void used.push(certificate));
  return {
    ...{ source, used, machine, warned },
    last: () => {
      const certificate = used.at(-1) as ServerCertificate;
      return { ...certificate, x509: new X509Certificate(certificate.cert) };
    },
    [Symbol.asyncDispose]: () => source.close(),
  };
}

describe("a certificate of the relay's own authority", () => {
  it('has the names that were chosen and those of the machine', async () => {
    await using database = await maker.database();
    await using at = await local(database, new FakeClock(), ['Camera.example']);
    const { x509, authority } = at.last();
    for (const name of ['camera.example', 'localhost', 'pi']) assert.ok(x509.checkHost(name), name);
    assert.ok(x509.checkIP('192.168.1.20'));
    assert.ok(authority);
    assert.equal(authority.judge(x509).kind, 'valid');
    assert.match(authority.title, /^Perch [0-9a-f]{4}$/);
    assert.match(authority.fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  });

  it('is renewed when two thirds of its life are over, and when the machine has another address', async () => {
    await using database = await maker.database();
    const clock = new FakeClock();
    await using at = await local(database, clock);
    const later = async (ms: number) => {
      clock.advance(ms);
      await at.source.look(); // it may have begun while time went on
      await at.source.look();
    };
    await later(59 * DAY);
    assert.equal(at.used.length, 1);
    await later(2 * DAY);
    assert.equal(at.used.length, 2);
    at.machine.names = ['localhost', 'pi', '192.168.7.3'];
    await later(60_000);
    assert.ok(at.last().x509.checkIP('192.168.7.3'));
    const authorities = new Set(at.used.map(({ authority }) => authority?.certificate));
    assert.equal(authorities.size, 1, 'nobody has to trust anything anew');
  });

  it('leaves out what the authority may not sign for, rather than have it trusted anew', async () => {
    await using database = await maker.database();
    await using at = await local(database, new FakeClock());
    const { authority } = at.last();
    at.machine.names = ['localhost', 'other-name', '198.51.100.9'];
    await at.source.look();
    assert.equal(at.last().authority?.certificate, authority?.certificate);
    assert.equal(at.last().x509.subjectAltName, 'DNS:localhost');
    // A name that somebody has chosen is another matter.
    await using chosen = await local(database, new FakeClock(), ['198.51.100.9']);
    assert.ok(chosen.last().x509.checkIP('198.51.100.9'));
    assert.notEqual(chosen.last().authority?.certificate, authority?.certificate);
    assert.deepEqual([at.warned.length, chosen.warned.length], [0, 1], 'and it is said');
  });
});

describe('the names of this machine', () => {
  it('are good for a certificate', () => {
    const names = machineNames();
    assert.ok(names.includes('localhost') && names.includes('127.0.0.1'));
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.ok(name.includes(':') || /^[\d.]+$/.test(name) || isDnsName(name), name);
  });

  it('are told from what is no DNS name', () => {
    for (const name of ['pi', 'a-b.example', 'x7.local']) assert.ok(isDnsName(name), name);
    for (const name of ['', 'a_b', '-a', 'a.', 'a b', '10.0.0.1', 'a'.repeat(64), '*.example']) {
      assert.ok(!isDnsName(name), name);
    }
  });
});
