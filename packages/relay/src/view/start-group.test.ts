import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Hub } from '@perch/hub';
import { WIRE_HEADER_BYTES } from '@perch/protocol';
import { FakeClock, Pictures } from '@perch/testkit';
import { perchFraming, rawFraming } from './frames.ts';
import { FramedStartGroup } from './start-group.ts';

function setUp() {
  const hub = new Hub({ clock: new FakeClock(), endOfTurn: () => undefined });
  const topic = hub.topic('x');
  const group = new FramedStartGroup({ mostBytes: 100_000 });
  topic.take(group);
  const pictures = new Pictures();
  const publish = (...messages: ReturnType<Pictures['key']>[]) => {
    for (const message of messages) topic.publish(message);
    topic.flush();
  };
  return { group, publish, pictures };
}

/** The messages in some WebSocket frames, each from its `skip`th byte on. */
function payloads(frames: Buffer, skip = 0): Buffer[] {
  const found = [];
  for (let at = 0; at < frames.length; ) {
    const short = frames[at + 1] as number;
    const head = short < 126 ? 2 : 4;
    const length = short < 126 ? short : frames.readUInt16BE(at + 2);
    found.push(frames.subarray(at + head + skip, at + head + length));
    at += head + length;
  }
  return found;
}

describe('what a new viewer gets first', () => {
  it('is the start group, a frame for each message, in the way of each kind of viewer', () => {
    const { group, publish, pictures } = setUp();
    const messages = [pictures.key(), pictures.sound(), pictures.next()];
    publish(...messages);
    assert.deepEqual([group.state, group.length], ['whole', 3]);
    const bytes = messages.map((message) => Buffer.from(message.bytes));
    assert.deepEqual(payloads(group.frames(rawFraming)), bytes);
    assert.deepEqual(payloads(group.frames(perchFraming), WIRE_HEADER_BYTES), bytes);
  });

  it('is nothing where there is no group', () => {
    const { group, publish, pictures } = setUp();
    publish(pictures.next());
    assert.equal(group.frames(rawFraming).length, 0);
  });

  it('is framed once for all who come between two messages', () => {
    const { group, publish, pictures } = setUp();
    publish(pictures.key());
    const frames = group.frames(rawFraming);
    assert.equal(group.frames(rawFraming), frames);
    publish(pictures.next());
    assert.notEqual(group.frames(rawFraming), frames);
  });

  it('is forgotten when nobody publishes: it would not be live', () => {
    const { group, publish, pictures } = setUp();
    publish(pictures.key());
    assert.ok(group.frames(rawFraming).length > 0);
    group.clear();
    assert.deepEqual([group.state, group.frames(rawFraming).length], ['none', 0]);
  });
});
