import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readWireHeader, WIRE_HEADER_BYTES, type WireHeader, writeWireHeader } from '@perch/protocol';
import { FakeClock } from '@perch/testkit';
import { type Heard, openRelay, Peer, read } from '../../../test/support/relay.ts';

const protocols = ['perch.1'];

function perchMessage(payload: string, header: Partial<WireHeader> = {}): Buffer {
  const bytes = Buffer.alloc(WIRE_HEADER_BYTES + Buffer.byteLength(payload));
  writeWireHeader(bytes, 0, {
    randomAccess: true,
    class: 'data',
    sequence: 7,
    text: false,
    replay: false,
    ...header,
  });
  bytes.write(payload, WIRE_HEADER_BYTES);
  return bytes;
}

const parse = (bytes: Heard | undefined) => {
  assert.ok(Buffer.isBuffer(bytes));
  return { header: readWireHeader(bytes), payload: bytes.subarray(WIRE_HEADER_BYTES).toString() };
};
const controls = (peer: Peer) => peer.heard.filter((m) => typeof m === 'string').map((text) => read(text));
const binary = (peer: Peer) => peer.heard.filter((m) => typeof m !== 'string');

describe('perch.1', () => {
  it('greets, says that nobody publishes, and then that somebody does', async () => {
    const clock = new FakeClock({ wallMs: 1234 });
    await using relay = await openRelay({ open: ['**'], clock });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    using publisher = await Peer.open(`${relay.ws}/in/x`);
    publisher.send('hello');
    await viewer.hears(4);
    assert.deepEqual(controls(viewer), [
      { type: 'hello', topic: 'x', now: 1234 },
      { type: 'waiting' },
      { type: 'live' },
    ]);
    publisher.webSocket.close();
    await viewer.hears(5);
    assert.deepEqual(controls(viewer).at(-1), { type: 'waiting' });
  });

  it('gives raw messages a header: sequence, text or not, mark', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    using publisher = await Peer.open(`${relay.ws}/in/x`);
    publisher.send('text');
    publisher.send(Buffer.from('binary'));
    await viewer.hears(5);
    const [text, bytes] = binary(viewer).map(parse);
    assert.deepEqual(text, {
      header: { randomAccess: true, class: 'data', sequence: 0, text: true, replay: false },
      payload: 'text',
    });
    assert.deepEqual(bytes, {
      header: { randomAccess: true, class: 'data', sequence: 1, text: false, replay: false },
      payload: 'binary',
    });
  });

  it('carries a publisher’s mark on, gives its own sequence, and raw viewers get the payload', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    using plain = await Peer.open(`${relay.ws}/out/x`);
    using publisher = await Peer.open(`${relay.ws}/in/x`, { protocols });
    publisher.send(
      perchMessage('one', { class: 'video', randomAccess: false, capturedAt: 1_700_000_000_123_456 }),
    );
    publisher.send(perchMessage('two', { text: true }));
    assert.deepEqual(await plain.hears(2), [Buffer.from('one'), 'two']);
    await viewer.until(() => binary(viewer).length === 2);
    assert.deepEqual(parse(binary(viewer)[0]), {
      header: {
        randomAccess: false,
        class: 'video',
        sequence: 0,
        text: false,
        replay: false,
        capturedAt: 1_700_000_000_123_456,
      },
      payload: 'one',
    });
    assert.equal(parse(binary(viewer)[1]).header.sequence, 1);
  });

  it('tells a publisher how many watch, caches and the publisher itself not counted', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using publisher = await Peer.open(`${relay.ws}/in/x`, { protocols });
    using other = await Peer.open(`${relay.ws}/in/x`, { protocols });
    const watched = (peer: Peer) =>
      (controls(peer) as { type: string; viewers?: number }[])
        .filter((c) => c.type === 'watched')
        .map((c) => c.viewers);
    {
      using first = await Peer.open(`${relay.ws}/out/x`);
      using second = await Peer.open(`${relay.ws}/out/x`);
      assert.ok(first && second);
      await publisher.until(() => watched(publisher).includes(2));
    }
    for (const peer of [publisher, other]) {
      await peer.until(() => watched(peer).length === 5);
      assert.deepEqual(watched(peer), [0, 1, 2, 1, 0]);
    }
  });

  it('answers a ping with its clock, so that the other side learns the offset', async () => {
    const clock = new FakeClock({ wallMs: 5000 });
    await using relay = await openRelay({ open: ['**'], clock });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    viewer.send('{"type":"ping","t":17}');
    viewer.send('{"type":"of a later version"}');
    await viewer.hears(3);
    assert.deepEqual(controls(viewer)[2], { type: 'pong', t: 17, now: 5000 });
  });

  it('closes with 1002, and words, what breaks the protocol', async () => {
    await using relay = await openRelay({ open: ['**'] });
    const bad: [string | Buffer, RegExp][] = [
      ['no JSON', /JSON/],
      ['{"type":"ping"}', /`t`/],
      [Buffer.from('short'), /16 bytes/],
      [Buffer.alloc(20), /version 0/],
    ];
    for (const [message, words] of bad) {
      using peer = await Peer.open(`${relay.ws}/in/x`, { protocols });
      peer.send(message);
      const { code, reason } = await peer.closed;
      assert.equal(code, 1002);
      assert.match(reason, words);
    }
    using peer = await Peer.open(`${relay.ws}/in/x`, { protocols });
    const invalid = perchMessage('xx', { text: true });
    invalid[WIRE_HEADER_BYTES] = 0xff;
    peer.send(invalid);
    assert.match((await peer.closed).reason, /UTF-8/);
  });
});

describe('silence', () => {
  /** A WebSocket that answers nothing by itself: ws without automatic pongs. */
  const pings = (peer: Peer) => {
    let count = 0;
    peer.webSocket.on('ping', () => count++);
    return () => count;
  };

  it('is met with a ping after 54 s, and a peer that answers stays', async () => {
    const clock = new FakeClock();
    await using relay = await openRelay({ open: ['**'], clock });
    using viewer = await Peer.open(`${relay.ws}/out/x`);
    const pinged = pings(viewer);
    for (let minute = 0; minute < 5; minute++) {
      clock.advance(54_000);
      await new Promise((resolve) => viewer.webSocket.once('ping', resolve));
      await viewer.settled();
      clock.advance(1_000);
    }
    assert.equal(viewer.webSocket.readyState, 1);
    assert.equal(pinged(), 5);
  });

  it('of 60 s, pongs included, means that a viewer is gone', async () => {
    const clock = new FakeClock();
    await using relay = await openRelay({ open: ['**'], clock });
    using viewer = await Peer.open(`${relay.ws}/out/x`);
    // A half-open connection: what we send goes nowhere.
    viewer.webSocket.pause();
    clock.advance(61_000);
    viewer.webSocket.resume();
    assert.equal((await viewer.closed).code, 1006);
    const { viewers } = JSON.parse(await (await fetch(`${relay.url}/api/v1/streams`)).text())[0] ?? {
      viewers: 0,
    };
    assert.equal(viewers, 0);
  });

  it('of 30 s means that a publisher is gone, and viewers hear of it', async () => {
    const clock = new FakeClock();
    await using relay = await openRelay({ open: ['**'], clock });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    using publisher = await Peer.open(`${relay.ws}/in/x`);
    publisher.send('hello');
    await viewer.hears(4);
    publisher.webSocket.pause();
    clock.advance(1_000);
    clock.advance(31_000);
    await viewer.until(() => controls(viewer).length === 4);
    assert.deepEqual(controls(viewer).at(-1), { type: 'waiting' });
    assert.equal(viewer.webSocket.readyState, 1);
  });
});
