import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from './bytes.ts';
import { MessageCutter, type MessageMark } from './message-cutter.ts';
import { MessageMarker } from './message-marker.ts';
import { isRandomAccess, isUnitStart, pidOf } from './packet/packet.ts';
import { Random } from './testing/random.ts';
import { testPids, testStream } from './testing/streams.ts';

const stream = testStream({ video: 'mpeg1video', audio: 'mp2', pictures: 40 });
const marksOf = (messages: Iterable<Uint8Array>): MessageMark[] => {
  const marker = new MessageMarker();
  return Array.from(messages, (message) => {
    const copy = message.slice();
    const mark = marker.mark(copy);
    copy.fill(0xa5);
    return mark;
  });
};

/** Where video random access points begin. */
const points: number[] = [];
for (let at = 0; at < stream.length; at += 188) {
  if (pidOf(stream, at) === testPids.video && isUnitStart(stream, at) && isRandomAccess(stream, at))
    points.push(at);
}

describe('MessageMarker', () => {
  it('agrees with the cutter on what the cutter cut', () => {
    const messages: Uint8Array[] = [];
    const expected: MessageMark[] = [];
    const cutter = new MessageCutter({
      onMessage(bytes, mark) {
        messages.push(bytes);
        expected.push(mark);
      },
    });
    for (let at = 0; at < stream.length; at += 1316) cutter.push(stream.subarray(at, at + 1316));
    cutter.end();
    assert.deepEqual(marksOf(messages), expected);
  });

  it('marks exactly the messages in which a random access point begins, wherever they are cut', () => {
    const random = new Random(5);
    for (let round = 0; round < 30; round++) {
      const messages: Uint8Array[] = [];
      const expected: boolean[] = [];
      for (let at = 0; at < stream.length; ) {
        const end = Math.min(stream.length, at + 400 + random.below(3000));
        messages.push(stream.subarray(at, end));
        // A header of which only the first five bytes are in the message cannot be told.
        const begins = points.some((point) => point >= at && point + 6 <= end);
        expected.push(begins);
        at = end;
      }
      assert.deepEqual(
        marksOf(messages).map((mark) => mark.randomAccess),
        expected,
      );
    }
  });

  it('lets a viewer begin with any message that is not MPEG-TS', () => {
    const random = new Random(6);
    const foreign = ['{"a":1}', 'Go', ''].map((text) => new TextEncoder().encode(text));
    const marks = marksOf([...foreign, random.bytes(500), random.bytes(100_000)]);
    assert.ok(marks.slice(0, 2).every((mark) => mark.randomAccess && mark.class === 'data'));
    assert.ok(marks.slice(3).every((mark) => mark.randomAccess && mark.class === 'data'));
  });

  it('finds its place again after lost bytes', () => {
    const messages = [];
    for (let at = 0; at < stream.length; at += 2000) messages.push(stream.subarray(at, at + 2000));
    messages.splice(3, 1);
    const marks = marksOf(messages);
    assert.ok(marks.slice(4).some((mark) => mark.class === 'video' && mark.randomAccess));
    assert.ok(marks.slice(4).every((mark) => mark.class !== 'data'));
  });

  it('finds its place again inside a message', () => {
    const [first = 0, second = 0] = points;
    const broken = concat(stream.subarray(0, first + 20), stream.subarray(first + 60));
    const [mark] = marksOf([concat(broken.subarray(0, second + 4000))]);
    assert.deepEqual([mark?.class, mark?.randomAccess], ['video', true]);
  });

  it('marks every audio unit start where there is no video', () => {
    const sound = testStream({ audio: 'mp2' });
    const cut = [];
    for (let at = 0; at < sound.length; at += 188) cut.push(sound.subarray(at, at + 188));
    for (const [i, mark] of marksOf(cut).entries()) {
      const at = i * 188;
      const isSound = pidOf(sound, at) === testPids.audio;
      assert.deepEqual(
        [mark.class, mark.randomAccess],
        [isSound ? 'audio' : 'data', isSound && isUnitStart(sound, at)],
      );
    }
  });
});
