import assert from 'node:assert/strict';
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import type { ServerCertificate } from './certificate.ts';
import { GivenCertificate } from './given-files.ts';
import { Maker } from './testing/maker.ts';

const DAY = 86_400_000;
const maker = new Maker();
after(() => maker[Symbol.dispose]());
let count = 0;

async function given(clock: FakeClock, days = 90) {
  const files = {
    cert: join(maker.directory, `${++count}.pem`),
    key: join(maker.directory, `${count}.key`),
  };
  const put = (made: ServerCertificate) => {
    writeFileSync(files.cert, made.cert);
    writeFileSync(files.key, made.key);
  };
  const first = await maker.certificate(clock, days);
  put(first);
  const used: string[] = [];
  const logged: string[] = [];
  const log = (text: string) => void logged.push(text);
  const logger = { ...silentLogger, error: log, warn: log };
  const source = new GivenCertificate({ files, clock, logger });
  await source.start(({ cert }) => void used.push(cert));
  return {
    ...{ source, files, put, first, used, logged },
    async later(ms: number) {
      clock.advance(ms);
      await source.look();
    },
    [Symbol.asyncDispose]: () => source.close(),
  };
}

describe('a certificate in files', () => {
  it('that is replaced is used within ten seconds', async () => {
    const clock = new FakeClock();
    await using at = await given(clock);
    const second = await maker.certificate(clock, 90);
    at.put(second);
    clock.advance(10_000);
    await at.source.look();
    assert.deepEqual(at.used, [at.first.cert, second.cert]);
    await at.later(60_000);
    assert.equal(at.used.length, 2, 'and not again');
    assert.deepEqual(at.logged, []);
  });

  it('is seen too where a link is turned to it, as certbot does', async () => {
    const clock = new FakeClock();
    await using at = await given(clock);
    const second = await maker.certificate(clock, 90);
    for (const part of ['cert', 'key'] as const) {
      writeFileSync(`${at.files[part]}.2`, second[part]);
      symlinkSync(`${at.files[part]}.2`, `${at.files[part]}.link`);
      renameSync(`${at.files[part]}.link`, at.files[part]);
    }
    await at.later(10_000);
    assert.equal(at.used.at(-1), second.cert);
  });

  it('that is half replaced, damaged or gone does not take away the one in use; it is said once', async () => {
    const clock = new FakeClock();
    await using at = await given(clock);
    const second = await maker.certificate(clock, 90);
    writeFileSync(at.files.cert, second.cert);
    await at.later(10_000);
    await at.later(10_000);
    assert.equal(at.logged.length, 1);
    rmSync(at.files.key);
    await at.later(10_000);
    assert.equal(at.logged.length, 2);
    assert.deepEqual(at.used, [at.first.cert]);
    writeFileSync(at.files.key, second.key);
    await at.later(10_000);
    assert.deepEqual(at.used, [at.first.cert, second.cert]);
  });

  it('that is about to end is warned of once a day, then that it has ended', async () => {
    const clock = new FakeClock();
    await using at = await given(clock, 20);
    await at.later(5 * DAY);
    assert.deepEqual(at.logged, []);
    for (let hours = 0; hours < 48; hours++) await at.later(DAY / 24);
    assert.ok(at.logged.length <= 3, `${at.logged.length} warnings in two days`);
    assert.match(at.logged[0] ?? '', /ends soon/);
    await at.later(14 * DAY);
    assert.match(at.logged.at(-1) ?? '', /has expired/);
  });

  it('that is none is named at the start', async () => {
    const clock = new FakeClock();
    const files = { cert: join(maker.directory, 'nothing.pem'), key: join(maker.directory, 'nothing.key') };
    const source = new GivenCertificate({ files, clock, logger: silentLogger });
    await assert.rejects(
      source.start(() => undefined),
      { code: 'certificate-unreadable', message: /nothing\.pem/ },
    );
    writeFileSync(files.cert, 'hello');
    writeFileSync(files.key, 'hello');
    await assert.rejects(
      source.start(() => undefined),
      { code: 'certificate-invalid', message: /nothing\.key/ },
    );
    await source.close();
  });
});
