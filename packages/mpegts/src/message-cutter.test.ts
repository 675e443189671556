import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from './bytes.ts';
import { MessageCutter, type MessageMark } from './message-cutter.ts';
import { isRandomAccess, isUnitStart, pidOf } from './packet/packet.ts';
import { cutsOf } from './testing/cuts.ts';
import { Random } from './testing/random.ts';
import { testPids, testStream } from './testing/streams.ts';

interface Message {
  readonly bytes: Uint8Array;
  readonly mark: MessageMark;
}

function cut(reads: Iterable<Uint8Array>) {
  const messages: Message[] = [];
  const afterRead: number[] = [];
  const cutter = new MessageCutter({ onMessage: (bytes, mark) => messages.push({ bytes, mark }) });
  let bytes = 0;
  for (const read of reads) {
    cutter.push(read);
    bytes += read.length;
    const sent = messages.reduce((sum, message) => sum + message.bytes.length, 0);
    afterRead.push(bytes - sent);
  }
  cutter.end();
  return { messages, stats: cutter.stats, afterRead, bytes: concat(...messages.map((m) => m.bytes)) };
}

const stream = testStream({ video: 'h264', audio: 'aac' });
const name = ({ mark }: Message): string => `${mark.class}${mark.randomAccess ? '!' : ''}`;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const unitStarts = (bytes: Uint8Array, pid: number): number[] => {
  const found = [];
  for (let at = 0; at < bytes.length; at += 188)
    if (pidOf(bytes, at) === pid && isUnitStart(bytes, at)) found.push(at);
  return found;
};

describe('MessageCutter', () => {
  it('loses, adds and reorders nothing, and sends whole packets only, however the bytes are cut', () => {
    for (const [how, reads] of cutsOf(stream)) {
      const { messages, bytes, stats } = cut(reads);
      assert.deepEqual(bytes, stream, how);
      assert.ok(
        messages.every((m) => m.bytes.length % 188 === 0),
        how,
      );
      assert.equal(stats.packets * 188, stream.length);
      assert.equal(stats.messages, messages.length);
    }
  });

  it('keeps back less than a packet when push returns', () => {
    for (const [how, reads] of cutsOf(stream)) {
      assert.ok(
        cut(reads).afterRead.every((kept) => kept < 188),
        how,
      );
    }
  });

  it('begins a message with each video unit start and puts tables in front of it', () => {
    const { messages } = cut([stream]);
    const pictures = messages.filter((m) => m.mark.class === 'video');
    assert.equal(pictures.length, 10);
    for (const [i, { bytes, mark }] of pictures.entries()) {
      const starts = unitStarts(bytes, testPids.video);
      assert.equal(mark.randomAccess, i % 5 === 0);
      assert.deepEqual(starts, [mark.randomAccess ? 376 : 0]);
      if (mark.randomAccess) assert.deepEqual([pidOf(bytes, 0), pidOf(bytes, 188)], [0, testPids.pmt]);
    }
  });

  it('never has two video units in one message, nor one that is not at its begin, however cut', () => {
    for (const [how, reads] of cutsOf(stream, 9)) {
      for (const { bytes, mark } of cut(reads).messages) {
        const starts = unitStarts(bytes, testPids.video);
        assert.ok(starts.length <= 1, how);
        const first = starts[0];
        if (first === undefined) continue;
        for (let at = 0; at < first; at += 188) assert.ok([0, testPids.pmt].includes(pidOf(bytes, at)), how);
        assert.equal(mark.randomAccess, isRandomAccess(bytes, first), how);
      }
    }
  });

  it('never puts sound and picture into one message', () => {
    const pids = { video: testPids.video, audio: testPids.audio, data: -1 };
    for (const { bytes, mark } of cut([stream]).messages) {
      for (let at = 0; at < bytes.length; at += 188) {
        const pid = pidOf(bytes, at);
        if (pid === testPids.video || pid === testPids.audio) assert.equal(pid, pids[mark.class]);
      }
    }
  });

  it('does not take the random access flag of sound for that of the program', () => {
    // The test stream sets it on every audio unit, as ffmpeg does.
    const marked = cut([stream]).messages.filter((m) => m.mark.randomAccess);
    assert.deepEqual(
      marked.map((m) => m.mark.class),
      ['video', 'video'],
    );
  });

  it('lets a viewer begin with any audio unit where there is no video', () => {
    const sound = testStream({ audio: 'aac' });
    const { messages } = cut([sound]);
    assert.equal(messages.length, unitStarts(sound, testPids.audio).length);
    assert.ok(messages.every((m) => name(m) === 'audio!'));
  });

  it('hands out parts of the read, not copies', () => {
    const { messages } = cut([stream]);
    assert.ok(messages.every((m) => m.bytes.buffer === stream.buffer));
  });

  it('drops what is between packets and counts it', () => {
    const garbage = new Random(8).bytes(700).map((byte) => (byte === 0x47 ? 0 : byte));
    const dirty = concat(stream.subarray(0, 188 * 9), garbage, stream.subarray(188 * 9));
    for (const [how, reads] of cutsOf(dirty)) {
      const { bytes, stats } = cut(reads);
      assert.deepEqual([stats.skippedBytes, stats.syncLosses], [700, 1], how);
      assert.deepEqual(bytes, stream, how);
    }
  });

  it('finds the first packet of a read that begins inside one', () => {
    const { bytes, stats } = cut([stream.subarray(50)]);
    assert.deepEqual(bytes, stream.subarray(188));
    assert.equal(stats.skippedBytes, 138);
  });

  it('drops an incomplete packet at the end', () => {
    const { bytes, stats } = cut([stream.subarray(0, 188 * 7 + 30)]);
    assert.deepEqual([bytes.length, stats.skippedBytes], [188 * 7, 30]);
  });
});

describe('MessageCutter, what is not MPEG-TS', () => {
  const random = new Random(77);
  const cases: [string, Uint8Array[]][] = [
    ['text', [text('hello'), text('world')]],
    ['text that begins with the sync byte', [text('Good morning'), text('GPS: 52.1, 13.4'), text('G')]],
    ['a byte that could begin a packet, and no more', [text('G')]],
    ['long text', Array.from({ length: 30 }, (_, i) => text(`G${i} `.repeat(100)))],
    ['random bytes', Array.from({ length: 200 }, () => random.bytes(1 + random.below(900)))],
    ['many bytes', Array.from({ length: 4 }, () => random.bytes(65_536))],
    [
      'one packet by chance',
      [concat(Uint8Array.of(0x47, 0, 5, 0x10), random.bytes(200).fill(1)), random.bytes(500)],
    ],
    [
      'one packet exactly, then other',
      [concat(Uint8Array.of(0x47, 0, 5, 0x10), random.bytes(184)), text('no more')],
    ],
  ];
  for (const [what, reads] of cases) {
    it(`passes untouched: ${what}`, () => {
      const { messages, bytes, stats } = cut(reads);
      assert.deepEqual(bytes, concat(...reads));
      assert.equal(stats.skippedBytes, 0);
      if (stats.packets === 0) {
        assert.deepEqual(
          messages.map((m) => m.bytes.length),
          reads.map((read) => read.length),
        );
        assert.ok(messages.every((m) => name(m) === 'data!'));
      }
    });
  }

  it('is not mistaken for long: a stream that follows is cut as one', () => {
    const { messages, stats } = cut([text('a banner\n'), stream]);
    assert.equal(stats.format, 'mpegts');
    assert.deepEqual(messages.slice(0, 2).map(name), ['data!', 'video!']);
  });

  it('is believed after so many bytes', () => {
    const { stats } = cut([new Uint8Array(70_000), stream]);
    assert.equal(stats.format, 'other');
  });
});
