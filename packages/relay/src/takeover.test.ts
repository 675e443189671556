import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readWireHeader, WIRE_HEADER_BYTES, type WireHeader, writeWireHeader } from '@perch/protocol';
import { FakeClock, numbersOf, type PictureMessage, Pictures } from '@perch/testkit';
import { openRelay, Peer, read } from '../../../test/support/relay.ts';

const protocols = ['perch.1'];

/** A piece of video, or what else the header says, that is told by its text. */
function video(text: string, randomAccess = false, header: Partial<WireHeader> = {}): Buffer {
  const bytes = Buffer.alloc(WIRE_HEADER_BYTES + text.length);
  const mark = { randomAccess, class: 'video', sequence: 0, text: false, replay: false } as const;
  writeWireHeader(bytes, 0, { ...mark, ...header });
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
    second.send(video('a word', true, { class: 'data' }));
    await viewer.until(() => seen(viewer).length === 2);
    assert.equal(first.webSocket.readyState, first.webSocket.OPEN);
  });
});

describe('data of a second publisher', () => {
  it('takes the place of data', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    using first = await Peer.open(`${relay.ws}/in/x`, { protocols });
    using second = await Peer.open(`${relay.ws}/in/x`, { protocols });
    first.send(video('a word', true, { class: 'data' }));
    await viewer.until(() => seen(viewer).length === 1);
    second.send(video('another', true, { class: 'data' }));
    await viewer.until(() => seen(viewer).length === 2);
    assert.equal((await first.closed).code, 4409);
  });

  it('over /bi is heard beside that of the first, as ever', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using viewer = await Peer.open(`${relay.ws}/bi/x`, { protocols });
    using first = await Peer.open(`${relay.ws}/bi/x`, { protocols });
    using second = await Peer.open(`${relay.ws}/bi/x`, { protocols });
    first.send(video('a word', true, { class: 'data' }));
    second.send(video('another', true, { class: 'data' }));
    await viewer.until(() => seen(viewer).length === 2);
    assert.equal(first.webSocket.readyState, first.webSocket.OPEN);
  });
});

describe('between two publishers', () => {
  it('viewers hear nothing of a gap of less than 2 s', async () => {
    const clock = new FakeClock();
    await using relay = await openRelay({ open: ['**'], clock });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    using first = await Peer.open(`${relay.ws}/in/x`, { protocols });
    using second = await Peer.open(`${relay.ws}/in/x`, { protocols });
    first.send(video('a key', true));
    await viewer.until(() => seen(viewer).length === 1);
    second.send(video('b in the middle'));
    await second.settled();
    first.webSocket.close();
    await first.closed;
    clock.advance(1_900);
    second.send(video('b in the middle, too'));
    second.send(video('b key', true));
    await viewer.until(() => seen(viewer).length === 2);
    clock.advance(5_000);
    await viewer.settled();
    assert.deepEqual(seen(viewer), ['a key', 'b key']);
    assert.deepEqual(said(viewer), ['hello', 'waiting', 'live']);
  });

  it('a longer one is told, and its end', async () => {
    const clock = new FakeClock();
    await using relay = await openRelay({ open: ['**'], clock });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    using first = await Peer.open(`${relay.ws}/in/x`, { protocols });
    using second = await Peer.open(`${relay.ws}/in/x`, { protocols });
    first.send(video('a key', true));
    await viewer.until(() => seen(viewer).length === 1);
    first.webSocket.close();
    await first.closed;
    clock.advance(2_000);
    await viewer.until(() => said(viewer).length === 4);
    second.send(video('b key', true));
    await viewer.until(() => seen(viewer).length === 2);
    assert.deepEqual(said(viewer), ['hello', 'waiting', 'live', 'waiting', 'live']);
  });

  it('the same one comes back, and is heard from its next random access point on', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    {
      using first = await Peer.open(`${relay.ws}/in/x`, { protocols });
      first.send(video('a key', true));
      await viewer.until(() => seen(viewer).length === 1);
    }
    await viewer.until(() => said(viewer).length === 4);
    using again = await Peer.open(`${relay.ws}/in/x`, { protocols });
    again.send(video('a in the middle'));
    again.send(video('a key again', true));
    await viewer.until(() => seen(viewer).length === 2);
    assert.deepEqual(seen(viewer), ['a key', 'a key again']);
    assert.deepEqual(said(viewer), ['hello', 'waiting', 'live', 'waiting', 'live']);
  });

  it('one without random access points is heard after 2 s, where nobody else is', async () => {
    const clock = new FakeClock();
    await using relay = await openRelay({ open: ['**'], clock });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    {
      using first = await Peer.open(`${relay.ws}/in/x`, { protocols });
      first.send(video('a key', true));
      await viewer.until(() => seen(viewer).length === 1);
    }
    await viewer.until(() => said(viewer).length === 4);
    using second = await Peer.open(`${relay.ws}/in/x`, { protocols });
    second.send(video('b'));
    await second.settled();
    clock.advance(2_000);
    second.send(video('b goes on'));
    await viewer.until(() => seen(viewer).length === 2);
    assert.deepEqual(seen(viewer), ['a key', 'b goes on']);
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

  it('and then begins with its last group: nobody gets that twice, and all are told that it is a replay', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using publisher = await Peer.open(`${relay.ws}/in/x`, { protocols });
    publisher.send('{"type":"standby"}');
    const pictures = new Pictures();
    const group = [pictures.key(), pictures.next()];
    const live = pictures.next();
    const watched = (viewers: number) => `{"type":"watched","viewers":${viewers}}`;
    const got = (peer: Peer) =>
      peer.heard
        .filter((m): m is Buffer => typeof m !== 'string')
        .map((m) => [...numbersOf(m.subarray(WIRE_HEADER_BYTES)), readWireHeader(m).replay]);
    {
      using before = await Peer.open(`${relay.ws}/out/x`, { protocols });
      await publisher.until(() => publisher.heard.at(-1) === watched(1));
      for (const picture of group) publisher.send(message(picture, true));
      await before.until(() => got(before).length === 2);
    }
    await publisher.until(() => publisher.heard.at(-1) === watched(0));
    // At once, so that the relay might still think that what it has is live.
    using first = await Peer.open(`${relay.ws}/out/x`, { protocols });
    await publisher.until(() => publisher.heard.at(-1) === watched(1));
    for (const picture of group) publisher.send(message(picture, true));
    await first.until(() => got(first).length === 2);
    using second = await Peer.open(`${relay.ws}/out/x`, { protocols });
    publisher.send(message(live));
    const wanted = [
      [0, true],
      [1, true],
      [2, false],
    ];
    for (const viewer of [first, second]) {
      await viewer.until(() => got(viewer).length >= 3);
      assert.deepEqual(got(viewer), wanted);
    }
  });

  it('cannot say so once another has taken its place', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using first = await Peer.open(`${relay.ws}/in/x`, { protocols });
    first.send('{"type":"standby"}');
    await first.settled();
    using second = await Peer.open(`${relay.ws}/in/x`, { protocols });
    second.send('{"type":"standby"}');
    first.send('{"type":"standby"}');
    await first.closed;
    await second.settled();
    assert.equal(second.webSocket.readyState, second.webSocket.OPEN);
  });
});

/** A random access message that a start group is made of. */
const tablesAndKey = (): Buffer => message(new Pictures().key());

/** As a publisher sends it. */
function message({ bytes, mark }: PictureMessage, replay = false): Buffer {
  const whole = Buffer.alloc(WIRE_HEADER_BYTES + bytes.length);
  writeWireHeader(whole, 0, { ...mark, sequence: 0, text: false, replay });
  whole.set(bytes, WIRE_HEADER_BYTES);
  return whole;
}
