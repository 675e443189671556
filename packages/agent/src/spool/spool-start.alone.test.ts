import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { silentLogger } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { disk, type Files } from './files.ts';
import { Spool } from './spool.ts';

test('100,000 segments that wait are known soon after the start', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'perch-spool-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const count = 100_000;
  const taken = { extension: 'mp4', size: 1, sha256: '0'.repeat(64), modified: 1, taken: 1 };
  const lines: string[] = [];
  for (let n = 1; n <= count; n++) {
    const second = 1_795_000_000 + Math.ceil(n / 5);
    const capture = { id: `pir-${second}-AAAAAAAA`, trigger: 'pir', timestamp: second };
    const file = `${n}.${capture.id}.pir.${second}.${n % 5}.mp4`;
    lines.push(lineOf({ k: 'segment', n, segment: { capture, segment: n % 5, file, ...taken } }));
  }
  await writeFile(join(directory, 'journal'), lines.join(''));
  const names = lines.map((line) => (/"file":"([^"]+)"/.exec(line) as RegExpExecArray)[1] as string);
  // What is on the disk is not what is measured here.
  const listed: Files = {
    ...disk,
    async *list() {
      yield* names;
    },
  };
  const began = process.cpuUsage();
  await using spool = await Spool.open({
    directory,
    clock: new FakeClock(),
    logger: silentLogger,
    files: listed,
  });
  // Of the machine, not of the day: others may keep it busy.
  const { user, system } = process.cpuUsage(began);
  const took = (user + system) / 1_000;
  assert.equal(spool.dump().segments, count);
  t.diagnostic(`${Math.round(took)} ms`);
  // About 1 s of a fast one.
  assert.ok(took < 6_000, `${took} ms`);
});

const lineOf = (record: object): string => {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
};
