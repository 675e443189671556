import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readWireHeader, WIRE_HEADER_BYTES, writeWireHeader } from '@perch/protocol';
import { FakeClock, Pictures } from '@perch/testkit';
import { openRelay, Peer, read } from '../../../test/support/relay.ts';

const protocols = ['perch.1'];

/** A piece of video that is told by its text. */
function video(text: string, randomAccess = false): Buffer {
  const bytes = Buffer.alloc(WIRE_HEADER_BYTES + text.length);
  writeWireHeader(bytes, 0, { randomAccess, class: 'video', sequence: 0, text: false, replay: false });
  bytes.write(text, WIRE_HEADER_BYTES);
  return bytes;
}

const said = (peer: Peer) =>
  peer.heard.filter((m) => typeof m === 'string').map((text) => (read(text) as { type: string }).type);
const seen = (peer: Peer) =>
  peer.heard
    .filter((m): m is Buffer => typeof m !== 'string')
    .map((bytes) => bytes.subarray(WIRE_HEADER_BYTES).toString());

describe('a second publisher', () => {
  it('takes over at its first random access point; viewers stay and miss nothing, the first is told', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    using first = await Peer.open(`${relay.ws}/in/x`, { protocols });
    first.send(video('a key', true));
    await viewer.until(() => seen(viewer).length === 1);
    using second = await Peer.open(`${relay.ws}/in/x`, { protocols });
    second.send(video('b in the middle'));
    first.send(video('a goes on'));
    await viewer.until(() => seen(viewer).includes('a goes on'));
    second.send(video('b key', true));
    second.send(video('b goes on'));
    await viewer.until(() => seen(viewer).includes('b goes on'));
    assert.equal((await first.closed).code, 4409);
    assert.ok(said(first).includes('replaced'));
    assert.deepEqual(seen(viewer), ['a key', 'a goes on', 'b key', 'b goes on']);
    // It never heard that nobody published in between.
    assert.deepEqual(said(viewer), ['hello', 'waiting', 'live']);
  });

  it('takes over at once while nobody watches', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using first = await Peer.open(`${relay.ws}/in/x`, { protocols });
    first.send('{"type":"standby"}');
    first.send(video('a key', true));
    using second = await Peer.open(`${relay.ws}/in/x`, { protocols });
    second.send('{"type":"standby"}');
    assert.equal((await first.closed).code, 4409);
    assert.equal(second.webSocket.readyState, second.webSocket.OPEN);
  });

  it('without a subprotocol joins the first, as ever', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    using first = await Peer.open(`${relay.ws}/in/x`, { protocols });
    using second = await Peer.open(`${relay.ws}/in/x`);
    first.send(video('a key', true));
    second.send(Buffer.from('plain'));
    first.send(video('a goes on'));
    await viewer.until(() => viewer.heard.length === 6);
    assert.equal(first.webSocket.readyState, first.webSocket.OPEN);
  });

  it('of data only joins the first', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    using first = await Peer.open(`${relay.ws}/in/x`, { protocols });
    using second = await Peer.open(`${relay.ws}/in/x`, { protocols });
    first.send(video('a key', true));
    const data = video('a word', true);
    writeWireHeader(data, 0, { ...readWireHeader(data), class: 'data' });
    second.send(data);
    await viewer.until(() => seen(viewer).length === 2);
    assert.equal(first.webSocket.readyState, first.webSocket.OPEN);
  });
});

describe('a publisher that waits until somebody watches', () => {
  it('makes the topic live', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using publisher = await Peer.open(`${relay.ws}/in/x`, { protocols });
    publisher.send('{"type":"standby"}');
    await publisher.settled();
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    await viewer.until(() => said(viewer).includes('live'));
    assert.ok(!said(viewer).includes('waiting'));
  });

  it('has its old pictures forgotten, so that a newcomer gets none that are not live', async () => {
    const clock = new FakeClock();
    await using relay = await openRelay({ open: ['**'], clock });
    using publisher = await Peer.open(`${relay.ws}/in/x`, { protocols });
    const tables = tablesAndKey();
    publisher.send(tables);
    {
      using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
      await viewer.until(() => viewer.heard.some((m) => typeof m !== 'string'));
    }
    await publisher.until(() => publisher.heard.at(-1) === '{"type":"watched","viewers":0}');
    clock.advance(600);
    using late = await Peer.open(`${relay.ws}/out/x`, { protocols });
    publisher.send(video('now', true));
    await late.until(() => seen(late).length > 0);
    assert.deepEqual(seen(late), ['now']);
  });
});

/** A random access message that a start group is made of. */
function tablesAndKey(): Buffer {
  const { bytes } = new Pictures().key();
  const message = Buffer.alloc(WIRE_HEADER_BYTES + bytes.length);
  writeWireHeader(message, 0, {
    randomAccess: true,
    class: 'video',
    sequence: 0,
    text: false,
    replay: false,
  });
  message.set(bytes, WIRE_HEADER_BYTES);
  return message;
}
