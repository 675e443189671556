import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from './bytes.ts';
import { MessageMarker } from './message-marker.ts';
import { StartGroup, type StartMessage } from './start-group.ts';
import { TestPublisher } from './testing/publisher.ts';

function setUp(mostBytes = 100_000) {
  const group = new StartGroup({ mostBytes });
  const marker = new MessageMarker();
  const publish = (...parts: Uint8Array[]): StartMessage => {
    const bytes = concat(...parts);
    const message = { bytes, text: false, mark: marker.mark(bytes) };
    group.add(message);
    return message;
  };
  const payload = () => concat(...group.messages.map(({ bytes }) => bytes));
  return { group, publish, payload, publisher: new TestPublisher() };
}

describe('a start group', () => {
  it('is PAT, PMT and everything since the last random access point', () => {
    const { group, publish, payload, publisher } = setUp();
    const tables = publisher.tables();
    publish(tables, publisher.video(true));
    publish(publisher.audio());
    publish(publisher.video(false));
    const second = [publisher.video(true), publisher.audio(), publisher.video(false)];
    for (const part of second) publish(part);
    assert.equal(group.state, 'whole');
    assert.equal(group.messages.length, 3);
    assert.deepEqual(payload(), concat(tables, ...second));
    assert.equal(group.bytes, payload().length);
  });

  it('begins at the random access point itself, where a message holds the end of the old group too', () => {
    const { publish, payload, publisher } = setUp();
    const tables = publisher.tables();
    const [old, key, next] = [publisher.video(false), publisher.video(true), publisher.video(false)];
    // Cut in the middle of a packet, as a publisher without regard for packets does.
    const stream = concat(tables, old, key, next);
    const cut = tables.length + 100;
    publish(stream.subarray(0, cut));
    publish(stream.subarray(cut));
    assert.deepEqual(payload(), concat(tables, key, next));
  });

  it('keeps messages as they are, but for tables that a random access point lacks', () => {
    const { group, publish, publisher } = setUp();
    const brings = publish(publisher.tables(), publisher.video(true));
    const next = publish(publisher.video(false));
    assert.deepEqual([group.messages[0] === brings, group.messages[1] === next], [true, true]);
    const lacks = publish(publisher.video(true));
    assert.notEqual(group.messages[0], lacks);
    assert.deepEqual(group.messages[0]?.mark, lacks.mark);
  });

  it('takes the tables from a message of their own', () => {
    const { group, publish, payload, publisher } = setUp();
    const [tables, key] = [publisher.tables(), publisher.video(true)];
    publish(tables);
    assert.equal(group.state, 'none');
    publish(key);
    assert.deepEqual(payload(), concat(tables, key));
  });

  it('is not there for a topic that is no transport stream, nor for text', () => {
    const { group, publish, publisher } = setUp();
    for (const text of ['{"json":1}', 'GPS: 52.5', '\x47']) publish(new TextEncoder().encode(text));
    group.add({ bytes: publisher.tables(), text: true, mark: { randomAccess: true, class: 'data' } });
    assert.equal(group.state, 'none');
    assert.deepEqual(group.messages, []);
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

  it('is forgotten with its tables, which were another publisher’s', () => {
    const { group, publish, publisher } = setUp();
    publish(publisher.tables(), publisher.video(true));
    group.clear();
    assert.equal(group.state, 'none');
    publish(publisher.video(true));
    assert.equal(group.state, 'none');
  });
});
