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

/** The journal is read in parts no smaller than this. How long it takes: bench/captures-backlog.ts. */
const READ_BYTES = 256 * 1024;

test('100,000 segments that wait are known after the start, and the disk is asked for none by itself', async (t) => {
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
  const asked = { reads: 0, others: 0 };
  const other = () => {
    asked.others++;
    return Promise.reject(new Error('not at the start'));
  };
  const listed: Files = {
    ...disk,
    ...{ read: other, link: other, rename: other, remove: other },
    async *list() {
      yield* names;
    },
    async write(path, options) {
      const file = await disk.write(path, options);
      return {
        read: (into, position) => {
          asked.reads++;
          return file.read(into, position);
        },
        write: (bytes, position) => file.write(bytes, position),
        truncate: (size) => file.truncate(size),
        sync: () => file.sync(),
        facts: () => file.facts(),
        close: () => file.close(),
      };
    },
  };
  await using spool = await Spool.open({
    directory,
    clock: new FakeClock(),
    logger: silentLogger,
    files: listed,
  });
  assert.equal(spool.dump().segments, count);
  assert.equal(asked.others, 0);
  const journalBytes = lines.reduce((sum, line) => sum + line.length, 0);
  assert.ok(asked.reads < 10 + journalBytes / READ_BYTES, `${asked.reads} reads of ${journalBytes} bytes`);
});

const lineOf = (record: object): string => {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
};
