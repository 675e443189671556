import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PERCH_CAPTURES_1 } from '@perch/protocol';
import { type Clock, millis, silentLogger, systemClock } from '@perch/runtime';
import { WebSocket } from 'ws';
import { Spool } from '../../packages/agent/src/spool/index.ts';
import { Uploader } from '../../packages/agent/src/upload/index.ts';
import { TestDevice } from '../../packages/relay/src/devices/testing/test-device.ts';
import { openRelay } from '../support/relay.ts';
import { hashOf, seeded } from './captures-film.ts';
import { type Break, Line, type LineOptions } from './captures-line.ts';

export interface CutOptions {
  readonly runs: number;
  readonly seed: number;
  /** Mean bytes between two cuts. */
  readonly between: number;
  readonly rate?: number;
  readonly delay?: number;
}

export interface CutReport {
  readonly connections: number;
  readonly broken: Readonly<Record<Break, number>>;
  readonly bytes: number;
  readonly repeated: number;
  readonly seconds: number;
}

const SEGMENT_BYTES = 2_000_000;
const LONGEST_MS = 600_000;

/** The machine's clock, whose pauses between tries are short. */
const hurried: Clock = {
  ...systemClock,
  after: (delay, fire) => systemClock.after(millis(delay > 500 && delay < 5_000 ? 1 : delay), fire),
};

/**
 * Sends films from a spool to a real relay over a line that breaks at random bytes, so many times, in both directions: at
 * once, for one end alone, or after a silence.
 *
 * @throws where a segment is not at home once, as it was.
 */
export async function cutRuns({ runs, seed, between, rate, delay }: CutOptions): Promise<CutReport> {
  const random = seeded(seed);
  const directory = await mkdtemp(join(tmpdir(), 'perch-cut-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const relay = stack.use(await openRelay({ data: join(directory, 'relay') }));
  const device = await TestDevice.enrol(relay.url, await relay.createEnrolmentCode('yard'));
  let left = runs;
  const fate: LineOptions['fate'] = () => {
    if (left-- <= 0) return undefined;
    const kind = random();
    const how = kind < 0.8 ? 'reset' : kind < 0.95 ? 'half-open' : 'stall';
    return { after: Math.floor(random() * 2 * between), how };
  };
  const line = stack.use(
    await Line.open({
      ...{ toPort: relay.port, fate },
      ...(rate !== undefined && { rate }),
      ...(delay !== undefined && { delay }),
    }),
  );
  const spool = stack.use(
    await Spool.open({ directory: join(directory, 'spool'), clock: systemClock, logger: silentLogger }),
  );
  const uploader = stack.use(
    new Uploader({
      spool,
      dial: async () =>
        new WebSocket(`ws://127.0.0.1:${line.port}/agent/captures`, [PERCH_CAPTURES_1], {
          perMessageDeflate: false,
          headers: await device.authorization(relay.url),
        }),
      clock: hurried,
      logger: silentLogger,
      random: () => 0,
    }),
  );
  const sent = await fill(spool, directory, random, Math.ceil((1.5 * runs * between) / SEGMENT_BYTES));
  const began = performance.now();
  uploader.start();
  while (spool.dump().segments > 0 || spool.dump().events > 0) {
    assert.ok(
      performance.now() - began < LONGEST_MS,
      `still on the device: ${JSON.stringify(uploader.dump())}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const seconds = (performance.now() - began) / 1_000;
  const films = join(relay.data, 'captures', 'films', device.id);
  const kept: string[] = [];
  for (const film of await readdir(films)) {
    for (const name of await readdir(join(films, film)))
      kept.push(hashOf(await readFile(join(films, film, name))));
  }
  assert.deepEqual(kept.sort(), sent.sort(), 'each segment is at home once, as it was');
  const { bytes, repeated } = uploader.dump();
  return { connections: line.connections, broken: line.broken, bytes, repeated, seconds };
}

/** Takes so many segments of random bytes into a spool, as one film. @returns their hashes. */
async function fill(spool: Spool, directory: string, random: () => number, count: number): Promise<string[]> {
  const capture = spool.name('pir', 1_795_000_000);
  await spool.begin(capture);
  const hashes: string[] = [];
  const bytes = Buffer.alloc(SEGMENT_BYTES);
  for (let at = 4; at < bytes.length; at += 4) bytes.writeUInt32LE(Math.floor(random() * 2 ** 32), at);
  for (let segment = 0; segment < count; segment++) {
    bytes.writeUInt32LE(segment, 0);
    const path = join(directory, 'film.mp4');
    await writeFile(path, bytes);
    const { sha256 } = await spool.take({ capture, segment, extension: 'mp4', path });
    hashes.push(sha256);
    await rm(path);
  }
  await spool.note({ kind: 'end', capture, segments: count });
  return hashes;
}

/** One row of what was measured. */
export const rowOf = (what: string, { bytes, repeated, seconds, connections, broken }: CutReport): string =>
  `${what}: ${((100 * repeated) / bytes).toFixed(2)} % of ${(bytes / 1e6).toFixed(0)} MB sent again, ` +
  `${(bytes / 1e6 / seconds).toFixed(1)} MB/s, ${connections} connections (${JSON.stringify(broken)})`;
