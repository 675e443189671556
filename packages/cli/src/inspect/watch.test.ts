import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Analyzer, PacketWriter, ticks90k, writePat, writePes, writePmt } from '@perch/mpegts';
import { Watch } from './watch.ts';

const [PMT, VIDEO, AUDIO] = [0x1000, 0x100, 0x110];

/** A combined stream whose sound comes and goes. */
class Program {
  readonly writer = new PacketWriter();
  #version = -1;
  #time = 90_000;

  tables(hasSound: boolean): Uint8Array {
    this.#version += 1;
    const streams = [
      { streamType: 0x1b, pid: VIDEO, descriptors: [] },
      ...(hasSound ? [{ streamType: 0x0f, pid: AUDIO, descriptors: [] }] : []),
    ];
    return Buffer.concat([
      this.writer.section(0, writePat({ programs: [{ programNumber: 1, pmtPid: PMT }] })),
      this.writer.section(
        PMT,
        writePmt({ programNumber: 1, version: this.#version, pcrPid: VIDEO, descriptors: [], streams }),
      ),
    ]);
  }

  picture(): Uint8Array {
    this.#time += 3_600;
    const pts = ticks90k(this.#time);
    return this.writer.pes(VIDEO, writePes({ streamId: 0xe0, pts }, Buffer.alloc(400, 0x55)), {});
  }
}

function setUp(options: { json?: boolean; isTTY?: boolean } = {}) {
  let out = '';
  let now = 0;
  const watch = new Watch({
    output: { isTTY: options.isTTY ?? false, write: (text) => (out += text) },
    json: options.json ?? false,
    seconds: () => now,
    wall: () => Date.UTC(2026, 0, 1) + now * 1000,
  });
  const analyzer = new Analyzer();
  const program = new Program();
  const look = (...parts: Uint8Array[]) => {
    for (const part of parts) analyzer.push(part);
    now += 1;
    out = '';
    watch.show(analyzer);
    return out;
  };
  return { program, look };
}

test('a change of tracks is one line that says what comes and goes', () => {
  const { program, look } = setUp();
  assert.match(look(program.tables(true), program.picture()), /begins: 0x0100 h264, 0x0110 aac/);
  assert.match(look(program.tables(false), program.picture()), /PMT version 1: 0x0110 aac goes/);
  assert.match(look(program.tables(true), program.picture()), /PMT version 2: 0x0110 aac comes/);
  assert.doesNotMatch(look(program.picture()), /PMT/);
});

test('loss, damage and silence are told when they come, and when they end', () => {
  const { program, look } = setUp();
  look(program.tables(true), program.picture());
  program.picture();
  assert.match(look(program.picture()), /packets lost at 1 place/);
  assert.match(look(), /nothing comes/);
  assert.match(look(program.picture()), /it goes on/);
});

test('on a terminal the table is written over, and what changed stays above it', () => {
  const { program, look } = setUp({ isTTY: true });
  const upAndErase = (lines: number) => `\x1b[${lines}A\x1b[J`;
  look(program.tables(true), program.picture());
  const [change = ''] = look(program.tables(false), program.picture()).split('\n');
  assert.ok(change.startsWith(upAndErase(3)) && change.includes('PMT version 1'), change);
  const [head = ''] = look(program.picture()).split('\n');
  assert.ok(head.startsWith(`${upAndErase(2)}PID`), head);
});

test('as JSON each look is a line, and so is each event', () => {
  const { program, look } = setUp({ json: true });
  look(program.tables(true), program.picture());
  const lines = look(program.tables(false), program.picture()).trim().split('\n');
  const [event, report] = lines.map(
    (line) => JSON.parse(line) as { at: string; event?: string; report?: object },
  );
  assert.deepEqual([event?.event, event?.at], ['PMT version 1: 0x0110 aac goes', '2026-01-01T00:00:02.000Z']);
  assert.ok(report?.report);
});
