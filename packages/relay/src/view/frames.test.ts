import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Batch, type TopicMessage } from '@perch/hub';
import { readWireHeader, WIRE_HEADER_BYTES } from '@perch/protocol';
import { millis } from '@perch/runtime';
import { makeReceiver } from '../../../../test/support/receiver.ts';
import { type Framing, frame, frameReplay, opcode, perchFraming, rawFraming } from './frames.ts';

const sizes = [0, 1, 109, 110, 125, 126, 127, 65_519, 65_520, 65_535, 65_536, 100_000];
const messages = sizes.map(
  (size, i): TopicMessage => ({
    bytes: Buffer.alloc(size, 0x61 + i),
    text: i % 3 === 0,
    mark: {
      randomAccess: i % 2 === 0,
      class: 'video',
      ...(i % 4 === 0 && { capturedAt: 1_700_000_000_000_000 + i }),
    },
    sequence: 2 ** 32 - 5 + i,
    from: undefined,
  }),
);
const batch = new Batch({ messages, byteLength: 0, at: millis(0), senders: [] });

/** What ws, which is somebody else's, understands of our frames. */
function parse(bytes: Buffer): { data: Buffer; isBinary: boolean }[] {
  const heard: { data: Buffer; isBinary: boolean }[] = [];
  const receiver = makeReceiver();
  receiver.on('message', (data: Buffer, isBinary: boolean) => heard.push({ data, isBinary }));
  receiver.on('error', (error) => {
    throw error;
  });
  receiver.write(bytes);
  return heard;
}

describe('frames', () => {
  it('of a raw viewer hold the payload as it came, text as text', () => {
    const heard = parse(batch.made(rawFraming));
    assert.deepEqual(
      heard.map(({ data, isBinary }) => [data.length, isBinary]),
      messages.map(({ bytes, text }) => [bytes.length, !text]),
    );
    for (const [i, { data }] of heard.entries()) assert.ok(data.equals(messages[i]?.bytes as Buffer));
  });

  it('of a perch.1 viewer hold header and payload', () => {
    const heard = parse(batch.made(perchFraming));
    for (const [i, { data, isBinary }] of heard.entries()) {
      const message = messages[i] as TopicMessage;
      assert.equal(isBinary, true);
      assert.ok(data.subarray(WIRE_HEADER_BYTES).equals(message.bytes as Buffer));
      assert.deepEqual(readWireHeader(data), {
        ...message.mark,
        sequence: message.sequence >>> 0,
        text: message.text,
        replay: false,
      });
    }
  });

  it('are the same whether a batch is framed at once or message by message, and as long as said', () => {
    for (const framing of [rawFraming, perchFraming] as Framing[]) {
      const alone = messages.map((message) => Buffer.concat([framing.head(message, false), message.bytes]));
      assert.ok(Buffer.concat(alone).equals(batch.made(framing)));
      for (const [i, message] of messages.entries()) assert.equal(framing.size(message), alone[i]?.length);
    }
  });

  it('of a start group carry the replay flag', () => {
    const heard = parse(frameReplay(messages, perchFraming));
    assert.ok(heard.every(({ data }) => readWireHeader(data).replay));
    assert.equal(heard.length, messages.length);
  });

  it('of control are whole frames of their own', () => {
    assert.deepEqual(frame(opcode.ping, Buffer.from('ab')), Buffer.from([0x89, 2, 0x61, 0x62]));
    assert.deepEqual(frame(opcode.text, Buffer.alloc(0)), Buffer.from([0x81, 0]));
  });
});
