import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Hub } from '@perch/hub';
import {
  findRandomAccess,
  MessageMarker,
  PACKET_BYTES,
  PacketWriter,
  writePat,
  writePes,
  writePmt,
} from '@perch/mpegts';
import { FakeClock } from '@perch/testkit';
import { rawFraming } from './frames.ts';
import { FramedStartGroup } from './start-group.ts';

const [PMT, VIDEO, AUDIO] = [0x1000, 0x100, 0x101];

/** A publisher that cuts its messages as the test likes; the marks are the relay's own. */
class Publisher {
  readonly #writer = new PacketWriter();
  tables(): Uint8Array {
    return Buffer.concat([
      this.#writer.section(0, writePat({ programs: [{ programNumber: 1, pmtPid: PMT }] })),
      this.#writer.section(
        PMT,
        writePmt({
          programNumber: 1,
          version: 0,
          pcrPid: VIDEO,
          descriptors: [],
          streams: [
            { streamType: 0x1b, pid: VIDEO, descriptors: [] },
            { streamType: 0x0f, pid: AUDIO, descriptors: [] },
          ],
        }),
      ),
    ]);
  }
  video(randomAccess: boolean, size = 500): Uint8Array {
    return this.#writer.pes(VIDEO, writePes({ streamId: 0xe0 }, Buffer.alloc(size, 0xaa)), { randomAccess });
  }
  audio(): Uint8Array {
    return this.#writer.pes(AUDIO, writePes({ streamId: 0xc0 }, Buffer.alloc(100, 0xbb)), {
      randomAccess: true,
    });
  }
}

function setUp(mostBytes = 100_000) {
  const hub = new Hub({ clock: new FakeClock(), endOfTurn: () => undefined });
  const topic = hub.topic('x');
  const group = new FramedStartGroup({ mostBytes });
  topic.take(group);
  const marker = new MessageMarker();
  const publish = (...parts: Uint8Array[]) => {
    const bytes = Buffer.concat(parts);
    topic.publish({ bytes, text: false, mark: marker.mark(bytes) });
    topic.flush();
  };
  /** The group's payload, frames' headers taken off. */
  const payload = () => {
    const frames = group.frames(rawFraming);
    const parts = [];
    for (let at = 0; at < frames.length; ) {
      const short = frames[at + 1] as number;
      const head = short < 126 ? 2 : 4;
      const length = short < 126 ? short : frames.readUInt16BE(at + 2);
      parts.push(frames.subarray(at + head, at + head + length));
      at += head + length;
    }
    return Buffer.concat(parts);
  };
  return { group, publish, payload, publisher: new Publisher() };
}

describe('the start group', () => {
  it('is PAT, PMT and everything since the last random access point', () => {
    const { group, publish, payload, publisher } = setUp();
    const tables = publisher.tables();
    publish(tables, publisher.video(true));
    publish(publisher.audio());
    publish(publisher.video(false));
    const second = [publisher.video(true), publisher.audio(), publisher.video(false)];
    for (const part of second) publish(part);
    assert.equal(group.state, 'whole');
    assert.equal(group.length, 3);
    assert.ok(payload().equals(Buffer.concat([tables, ...second])));
  });

  it('begins at the random access point itself, where a message holds the end of the old group too', () => {
    const { publish, payload, publisher } = setUp();
    const tables = publisher.tables();
    const [old, key, next] = [publisher.video(false), publisher.video(true), publisher.video(false)];
    // Cut in the middle of a packet, as a publisher without regard for packets does.
    const stream = Buffer.concat([tables, old, key, next]);
    const cut = tables.length + 100;
    publish(stream.subarray(0, cut));
    publish(stream.subarray(cut));
    assert.ok(payload().equals(Buffer.concat([tables, key, next])));
  });

  it('takes the tables from a message of their own', () => {
    const { group, publish, payload, publisher } = setUp();
    const tables = publisher.tables();
    const key = publisher.video(true);
    publish(tables);
    assert.equal(group.state, 'none');
    publish(key);
    assert.ok(payload().equals(Buffer.concat([tables, key])));
  });

  it('is not there for a topic that is no transport stream', () => {
    const { group, publish } = setUp();
    for (const text of ['{"json":1}', 'GPS: 52.5', '\x47']) publish(Buffer.from(text));
    assert.equal(group.state, 'none');
    assert.equal(group.frames(rawFraming).length, 0);
  });

  it('that grows too large is dropped until the next random access point', () => {
    const { group, publish, publisher } = setUp(5_000);
    publish(publisher.tables(), publisher.video(true));
    while (group.state === 'whole') publish(publisher.video(false));
    assert.equal(group.state, 'too-large');
    assert.equal(group.bytes, 0);
    publish(publisher.video(false));
    publish(publisher.video(true));
    assert.equal(group.state, 'whole');
  });

  it('is framed once for all who come between two messages', () => {
    const { group, publish, publisher } = setUp();
    publish(publisher.tables(), publisher.video(true));
    const frames = group.frames(rawFraming);
    assert.equal(group.frames(rawFraming), frames);
    publish(publisher.video(false));
    assert.notEqual(group.frames(rawFraming), frames);
  });

  it('is forgotten when nobody publishes: it would not be live', () => {
    const { group, publish, publisher } = setUp();
    publish(publisher.tables(), publisher.video(true));
    group.clear();
    assert.equal(group.state, 'none');
    publish(publisher.video(true));
    assert.equal(group.state, 'none', 'the tables were another publisher’s');
  });
});

describe('a random access point', () => {
  it('is found by its packet: unit start, flag and stream', () => {
    const publisher = new Publisher();
    const [audio, plain, key] = [publisher.audio(), publisher.video(false), publisher.video(true)];
    const bytes = Buffer.concat([audio, plain, key]);
    assert.equal(findRandomAccess(bytes, 'video'), audio.length + plain.length);
    assert.equal(findRandomAccess(bytes.subarray(PACKET_BYTES), 'audio'), 0);
    assert.equal(findRandomAccess(plain, 'video'), 0);
    assert.equal(findRandomAccess(Buffer.alloc(0), 'video'), 0);
  });
});
