import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from '../bytes.ts';
import { PacketWriter } from '../packet/write.ts';
import { sameForAllCuts } from '../testing/cuts.ts';
import { Random } from '../testing/random.ts';
import { testPids, testStream } from '../testing/streams.ts';
import { Analyzer } from './analyzer.ts';
import type { ProgramReport, Report, StreamReport } from './report.ts';

const analyze = (bytes: Uint8Array): Report =>
  sameForAllCuts(
    bytes,
    (pieces) => {
      const analyzer = new Analyzer();
      for (const piece of pieces) analyzer.push(piece);
      analyzer.flush();
      return analyzer.report();
    },
    assert.deepEqual,
  );

const only = (report: Report): ProgramReport => {
  assert.equal(report.programs.length, 1);
  return report.programs[0] as ProgramReport;
};
const [video, audio] = [0, 1].map((i) => (program: ProgramReport) => program.streams[i] as StreamReport) as [
  (program: ProgramReport) => StreamReport,
  (program: ProgramReport) => StreamReport,
];

describe('Analyzer', () => {
  const stream = testStream({ video: 'h264', audio: 'aac', pictures: 50, group: 25 });

  it('tells codecs, formats and rates', () => {
    const program = only(analyze(stream));
    const picture = video(program);
    assert.deepEqual(
      [
        picture.codec,
        picture.codecString,
        picture.width,
        picture.height,
        picture.frameRate,
        picture.accessUnits,
      ],
      ['h264', 'avc1.42c00d', 320, 240, 25, 50],
    );
    const sound = audio(program);
    assert.deepEqual(
      [sound.codec, sound.codecString, sound.sampleRate, sound.channels, sound.language],
      ['aac', 'mp4a.40.2', 44_100, 2, 'deu'],
    );
    const bits = (report: StreamReport) => (report.packets * 188 * 8) / (program.durationSeconds ?? 0);
    assert.ok(Math.abs((picture.bitRate ?? 0) / bits(picture) - 1) < 0.001);
  });

  it('measures the clock, random access and the begin of sound and picture', () => {
    const program = only(analyze(stream));
    assert.deepEqual(program.pcr, { count: 50, jumps: 0, interval: { count: 49, meanMs: 40, maxMs: 40 } });
    assert.deepEqual(video(program).randomAccess, {
      count: 2,
      interval: { count: 1, meanMs: 1000, maxMs: 1000 },
    });
    assert.equal(audio(program).randomAccess, undefined);
    assert.equal(program.audioVideoOffsetMs, 0);
    assert.deepEqual([video(program).firstPts, video(program).lastPts], [1.4, 1.4 + 49 * 0.04]);
    assert.ok(Math.abs((program.durationSeconds ?? 0) - 2) < 0.1);
    // The test stream's clock runs 100 ms before its pictures.
    assert.deepEqual(video(program).leadMs, { mean: 100, min: 100 });
  });

  it('counts lost packets for each PID, and tells the first damage', () => {
    const lossy = concat(stream.subarray(0, 188 * 10), stream.subarray(188 * 12));
    const report = analyze(lossy);
    assert.equal(report.continuityErrors, 1);
    assert.equal(video(only(report)).continuityErrors, 1);
    assert.equal(video(only(report)).damagedUnits, 1);
    assert.deepEqual(
      report.firstDamage.map(({ kind, at }) => [kind, at]),
      [
        ['continuity', 1880],
        ['pes', 1880],
      ],
    );
  });

  it('does not take a jump of the clock for an interval', () => {
    const other = testStream({ video: 'h264', audio: 'aac', start: 90_000_000 });
    const program = only(analyze(concat(stream, other)));
    assert.equal(program.pcr.jumps, 1);
    assert.equal(program.pcr.interval?.maxMs, 40);
  });

  it('names the PIDs that carry no elementary stream', () => {
    const writer = new PacketWriter();
    const strange = writer.pes(0x333, new Uint8Array(100));
    const report = analyze(concat(stream, writer.null(), strange));
    assert.deepEqual(
      report.otherPids.map(({ pid, what, packets }) => [pid, what, packets]),
      [
        [0, 'PAT', 2],
        [0x333, 'not listed', 1],
        [testPids.pmt, 'PMT', 2],
        [0x1fff, 'null', 1],
      ],
    );
    assert.equal(report.nullPackets, 1);
  });

  it('has a report before there is anything, and of bytes that are no stream', () => {
    assert.deepEqual(new Analyzer().report().programs, []);
    assert.deepEqual(analyze(new Random(1).bytes(3000)).programs, []);
  });

  it('reports plain data', () => {
    const report = analyze(stream);
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
  });
});
