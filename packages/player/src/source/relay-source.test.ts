import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeControl, encodeControl, PERCH_1, WIRE_HEADER_BYTES, writeWireHeader } from '@perch/protocol';
import { FakeClock } from '@perch/testkit';
import { type Arrival, RelaySource } from './relay-source.ts';
import { TestSocket } from './testing-socket.ts';

function setUp(token?: string) {
  const clock = new FakeClock();
  const sockets: TestSocket[] = [];
  const source = new RelaySource({
    url: 'wss://relay.example/out/cam',
    token: () => token,
    openSocket: (url, protocols) => {
      const socket = new TestSocket(url, protocols);
      sockets.push(socket);
      return socket;
    },
    fetch: () => Promise.reject(new Error('not asked')),
    clock,
  });
  const arrivals: Arrival[] = [];
  source.events.on('arrival', (arrival) => arrivals.push(arrival));
  const socket = async (index: number): Promise<TestSocket> => {
    await new Promise((resolve) => setImmediate(resolve)); // the address is found asynchronously
    const found = sockets[index];
    assert.ok(found, `no dial ${index}`);
    return found;
  };
  return { clock, source, arrivals, sockets, socket };
}

function message(
  payload: number[],
  header: { replay: boolean; capturedAt?: number; text?: boolean },
): ArrayBuffer {
  const bytes = new Uint8Array(WIRE_HEADER_BYTES + payload.length);
  writeWireHeader(bytes, 0, {
    randomAccess: false,
    class: 'video',
    sequence: 1,
    text: header.text ?? false,
    replay: header.replay,
    ...(header.capturedAt === undefined ? {} : { capturedAt: header.capturedAt }),
  });
  bytes.set(payload, WIRE_HEADER_BYTES);
  return bytes.buffer;
}

test('with perch.1 each arrival tells what the header says', async () => {
  const { source, arrivals, socket } = setUp();
  source.start();
  const first = await socket(0);
  assert.deepEqual(first.offered, [PERCH_1]);
  first.open(PERCH_1);
  first.receive(message([1, 2], { replay: true, capturedAt: 5_000_000 }));
  first.receive(message([3], { replay: false }));
  first.receive(message([4], { replay: false, text: true }));
  assert.deepEqual(
    arrivals.map(({ bytes, replay, capturedAt }) => ({ bytes: [...bytes], replay, capturedAt })),
    [
      { bytes: [1, 2], replay: true, capturedAt: 5_000 },
      { bytes: [3], replay: false, capturedAt: undefined },
    ],
  );
  assert.equal(source.transport, 'websocket, perch.1');
  await source.close();
});

test('a token goes in the handshake, behind what is to be spoken', async () => {
  const { source, socket } = setUp('secret');
  source.start();
  const first = await socket(0);
  assert.deepEqual(first.offered, [PERCH_1, 'null', 'bearer.secret']);
  first.end();
  assert.deepEqual((await socket(1)).offered, ['null', 'bearer.secret']);
  await source.close();
});

test('a relay that knows no subprotocol is dialled again at once without', async () => {
  const { source, arrivals, socket, clock } = setUp();
  source.start();
  (await socket(0)).end();
  const second = await socket(1);
  assert.deepEqual(second.offered, []);
  second.open();
  second.receive(Uint8Array.of(71, 1).buffer);
  second.receive('beside the stream');
  assert.deepEqual([...(arrivals[0]?.bytes ?? [])], [71, 1]);
  assert.equal(source.transport, 'websocket');
  // And so for good: what once worked is what is dialled.
  clock.advance(10_000);
  second.end();
  assert.deepEqual((await socket(2)).offered, []);
  await source.close();
});

test('a relay that is away is not taken for one without subprotocol for ever', async () => {
  const { source, socket, clock } = setUp();
  source.start();
  (await socket(0)).end();
  (await socket(1)).end();
  clock.advance(2_000);
  assert.deepEqual((await socket(2)).offered, [PERCH_1]);
  await source.close();
});

test('ping and pong tell the clock offset; a line without pongs is given up', async () => {
  const { source, socket, clock, sockets } = setUp();
  source.start();
  const first = await socket(0);
  first.open(PERCH_1);
  const ping = decodeControl(first.sent[0] as string);
  assert.equal(ping?.type, 'ping');
  clock.advance(20);
  first.receive(
    encodeControl({ type: 'pong', t: ping?.type === 'ping' ? ping.t : 0, now: clock.wall() + 490 }),
  );
  assert.equal(source.wall.offset, 500);
  assert.equal(source.wall.roundTrip, 20);
  clock.advance(12_000);
  await socket(1);
  assert.equal(first.readyState, 3);
  assert.equal(sockets.length, 2);
  await source.close();
});

test('a damaged message is counted and the next is taken', async () => {
  const { source, arrivals, socket } = setUp();
  source.start();
  const first = await socket(0);
  first.open(PERCH_1);
  first.receive(Uint8Array.of(9, 9).buffer);
  first.receive('{');
  first.receive(message([1], { replay: false }));
  assert.equal(source.received.damagedMessages, 2);
  assert.equal(arrivals.length, 1);
  await source.close();
});

test('what the relay says about the publisher is passed on', async () => {
  const { source, socket } = setUp();
  const heard: boolean[] = [];
  source.events.on('publisher', (present) => heard.push(present));
  source.start();
  const first = await socket(0);
  first.open(PERCH_1);
  first.receive(encodeControl({ type: 'waiting' }));
  first.receive(encodeControl({ type: 'live' }));
  first.receive(encodeControl({ type: 'dropped', messages: 7, bytes: 100 }));
  assert.deepEqual(heard, [false, true]);
  assert.equal(source.received.droppedMessages, 7);
  await source.close();
});

test('closing leaves no timer', async () => {
  const { source, socket, clock } = setUp();
  source.start();
  (await socket(0)).open(PERCH_1);
  await source.close();
  assert.equal(clock.pending, 0);
});
