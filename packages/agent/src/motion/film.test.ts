import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { millis, silentLogger } from '@perch/runtime';
import { type Order, SpoolError } from '../spool/index.ts';
import { Film } from './film.ts';
import { motionLimits } from './limits.ts';
import type { Stretch } from './segment.ts';

/** A spool that says what it is told, and can be made to fail or to wait. */
function setUp(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'perch-film-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const said: string[] = [];
  const gate: { wait?: Promise<void>; isFull?: boolean } = {};
  const spool = {
    name: (trigger: 'pir' | 'cap', timestamp: number) => ({
      id: `${trigger}-${timestamp}-x`,
      trigger,
      timestamp,
    }),
    async begin() {
      said.push('begin');
      await gate.wait;
    },
    async take({ segment, extension, path }: Order) {
      if (gate.isFull) throw new SpoolError('spool-full', 'the disk is full');
      const text = readFileSync(path, 'latin1');
      said.push(`take ${segment}.${extension} ${text}`);
      return {
        capture: this.name('pir', 1),
        segment,
        extension,
        size: 1,
        sha256: '',
        modified: 0,
        file: '',
        taken: 0,
      };
    },
    async missed(_: unknown, segment: number, reason: string) {
      said.push(`missed ${segment}: ${reason}`);
    },
    async note(event: { kind: string; segments?: number }) {
      said.push(`${event.kind} ${event.segments}`);
    },
  };
  const film = new Film({ spool, directory, trigger: 'pir', timestamp: 1, logger: silentLogger });
  return { film, said, gate, left: () => readdirSync(directory) };
}

/** What no demuxer understands is written as it is. */
const stretch = (text: string, bytes = text.length): Stretch => ({
  before: undefined,
  after: undefined,
  groups: [{ begin: millis(0), end: millis(1), parts: [Buffer.from(text)], bytes, tables: '' }],
});

test('a film begins, brings its segments in their order, and ends; nothing is left where it was written', async (t) => {
  const { film, said, left } = setUp(t);
  film.segment(stretch('one'));
  film.segment(stretch('two'));
  await film.end();
  assert.deepEqual(said, ['begin', 'take 0.ts one', 'take 1.ts two', 'end 2']);
  assert.deepEqual(left(), []);
});

test('a segment that the spool cannot take is told as lost, and the film goes on', async (t) => {
  const { film, said, gate, left } = setUp(t);
  gate.isFull = true;
  film.segment(stretch('one'));
  await film.end();
  assert.deepEqual(said, ['begin', 'missed 0: the disk is full', 'end 1']);
  assert.deepEqual(left(), []);
});

test('while the disk does not keep up only so much waits; what is more is told as lost', async (t) => {
  const { film, said, gate } = setUp(t);
  const open = Promise.withResolvers<void>();
  gate.wait = open.promise;
  film.segment(stretch('one', motionLimits.waitingBytes - 1));
  film.segment(stretch('two', 2));
  film.segment(stretch('three', 1));
  open.resolve();
  await film.end();
  assert.deepEqual(said, [
    'begin',
    'take 0.ts one',
    'missed 1: the disk does not keep up with what is filmed',
    'take 2.ts three',
    'end 3',
  ]);
});
