import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { Hub, type HubMark, type HubMessage } from '@perch/hub';
import { readWireHeader } from '@perch/protocol';
import { millis } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { makeReceiver } from '../../../../test/support/receiver.ts';
import { perchFraming } from './frames.ts';
import { Outlet } from './outlet.ts';

/** A socket whose kernel takes what the test lets it take. */
class SlowSocket extends Writable {
  /** Each write that reached the kernel, and how many buffers it was made of. */
  readonly writes: Buffer[][] = [];
  #blocked: (() => void) | undefined;
  isBlocked = false;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#take([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  /** The kernel takes what it was given, and one more write. */
  async release(): Promise<void> {
    const done = this.#blocked;
    this.#blocked = undefined;
    done?.();
    await new Promise((resolve) => setImmediate(resolve));
  }

  #take(buffers: Buffer[], done: () => void): void {
    this.writes.push(buffers);
    if (this.isBlocked) this.#blocked = done;
    else done();
  }
}

function setUp(limits: { bytes?: number; hardBytes?: number } = {}) {
  const clock = new FakeClock();
  const turns: (() => void)[] = [];
  const hub = new Hub({ clock, endOfTurn: (flush) => turns.push(flush) });
  const socket = new SlowSocket();
  const self = {};
  let overflows = 0;
  const webSocket = { readyState: 1 };
  const outlet = new Outlet({
    socket: socket as never,
    framing: perchFraming,
    speaksControl: true,
    self,
    webSocket,
    onOverflow: () => {
      overflows++;
      webSocket.readyState = 2;
    },
    limits: {
      bytes: limits.bytes ?? 100_000,
      age: millis(2000),
      hardBytes: limits.hardBytes ?? 400_000,
      confirmPeriod: millis(1000),
      confirmPeriodLate: millis(200),
    },
    clock,
  });
  const topic = hub.topic('x');
  topic.take(outlet);
  const publish = (kind: HubMark['class'], randomAccess: boolean, size = 10_000, from?: unknown) => {
    const message: HubMessage = {
      bytes: Buffer.alloc(size),
      text: false,
      mark: { class: kind, randomAccess },
    };
    topic.publish(message, from);
  };
  const turn = () => {
    for (const flush of turns.splice(0)) flush();
  };
  /** What the viewer would have got, as a client parses it: control, `!` for a ping, or class and sequence. */
  const heard = () => {
    const list: string[] = [];
    const receiver = makeReceiver();
    receiver.on('message', (data: Buffer, isBinary: boolean) => {
      if (!isBinary) return list.push(String(data));
      const { class: kind, randomAccess, sequence } = readWireHeader(data);
      return list.push(`${randomAccess ? kind.toUpperCase() : kind}${sequence}`);
    });
    receiver.on('ping', (data: Buffer) => {
      pings.push(data);
      list.push('!');
    });
    const pings: Buffer[] = [];
    for (const write of socket.writes) for (const buffer of write) receiver.write(buffer);
    return { list, pings };
  };
  return { clock, socket, outlet, self, topic, publish, turn, heard, overflows: () => overflows };
}

describe('an outlet', () => {
  it('in step writes a whole turn at once, the confirming ping in the same write', () => {
    const { socket, publish, turn, heard } = setUp();
    publish('video', true, 100);
    publish('video', false, 100);
    turn();
    assert.equal(socket.writes.length, 1);
    publish('video', false, 100);
    turn();
    assert.equal(socket.writes.length, 2);
    assert.equal(socket.writes[1]?.length, 1, 'one buffer: nothing is put together for this viewer');
    assert.deepEqual(heard().list, ['VIDEO0', 'video1', '!', 'video2']);
  });

  it('asks once a second, and every 200 ms while the answer is late', () => {
    const { clock, outlet, publish, turn, heard } = setUp();
    const pingsAfter = (ms: number) => {
      clock.advance(ms);
      publish('video', true, 10);
      turn();
      return heard().pings.length;
    };
    assert.equal(pingsAfter(0), 1);
    assert.equal(pingsAfter(100), 1);
    assert.equal(pingsAfter(100), 2, '200 ms without an answer');
    assert.equal(pingsAfter(200), 3);
    outlet.onPong(heard().pings.at(-1) as Buffer);
    assert.equal(pingsAfter(900), 3);
    assert.equal(pingsAfter(100), 4, 'a second after the last one');
  });

  it('counts what was sent until a pong confirms it, and takes no other pong for one', () => {
    const { outlet, publish, turn, heard } = setUp();
    publish('video', true, 1000);
    turn();
    const sent = outlet.backlog;
    assert.ok(sent > 1000);
    const [ping] = heard().pings;
    assert.ok(ping);
    const forged = Buffer.from(ping);
    forged.writeUInt8((forged.at(-1) as number) ^ 1, forged.length - 1);
    outlet.onPong(forged);
    outlet.onPong(Buffer.from('hello'));
    outlet.onPong(Buffer.alloc(0));
    assert.equal(outlet.backlog, sent);
    outlet.onPong(ping);
    assert.equal(outlet.backlog, 0);
  });

  it('does not give a publisher its own messages, also when others speak in the same turn', () => {
    const { self, publish, turn, heard } = setUp();
    publish('data', true, 10, self);
    publish('data', true, 10);
    publish('data', true, 10, self);
    turn();
    publish('data', true, 10, self);
    turn();
    assert.deepEqual(
      heard().list.filter((m) => m !== '!'),
      ['DATA1'],
    );
  });

  it('behind keeps references in order and catches up without loss', async () => {
    const { socket, publish, turn, heard } = setUp();
    socket.isBlocked = true;
    for (let i = 0; i < 6; i++) {
      publish('video', i === 0, 5_000);
      turn();
    }
    assert.ok(socket.writableLength < 20_000, 'the socket holds little; the rest are references');
    socket.isBlocked = false;
    await socket.release();
    await socket.release();
    assert.deepEqual(
      heard().list.filter((m) => m !== '!'),
      ['VIDEO0', 'video1', 'video2', 'video3', 'video4', 'video5'],
    );
  });

  it('too far behind goes on at the next random access point, keeps the sound, and says what it missed', async () => {
    const { socket, outlet, publish, turn, heard } = setUp();
    socket.isBlocked = true;
    for (let i = 0; i < 14; i++) {
      publish(i === 6 ? 'audio' : 'video', i === 0);
      turn();
    }
    publish('video', true, 100);
    publish('video', false, 100);
    turn();
    socket.isBlocked = false;
    await socket.release();
    await socket.release();
    const { list } = heard();
    const media = list.filter((m) => /^(video|audio)\d/i.test(m));
    assert.deepEqual(media, ['VIDEO0', 'video1', 'audio6', 'VIDEO14', 'video15']);
    const report = list.find((m) => m.includes('dropped'));
    assert.deepEqual(JSON.parse(report ?? '{}'), {
      type: 'dropped',
      messages: outlet.dropped.messages,
      bytes: outlet.dropped.bytes,
    });
    assert.equal(outlet.dropped.messages, 11);
  });

  it('that is never read costs no more than its budget', () => {
    const { socket, outlet, publish, turn } = setUp();
    // The kernel takes everything, as it does for a while; nobody confirms.
    for (let i = 0; i < 100; i++) {
      publish(i % 3 === 0 ? 'audio' : 'video', i % 10 === 1);
      turn();
    }
    assert.ok(outlet.backlog <= 100_000, `${outlet.backlog} bytes`);
    const sent = socket.writes.flat().reduce((n, buffer) => n + buffer.length, 0);
    assert.ok(sent <= 101_000, `${sent} bytes written`);
  });

  it('beyond the hard cap asks to be closed, and is silent from then on', () => {
    const { socket, publish, turn, overflows } = setUp({ bytes: 1_000_000, hardBytes: 50_000 });
    socket.isBlocked = true;
    for (let i = 0; i < 10; i++) {
      publish('video', true);
      turn();
    }
    assert.equal(overflows(), 1);
  });

  it('begins with the start group, outside its budget', () => {
    const { socket, outlet, publish, turn, heard } = setUp();
    outlet.start(Buffer.alloc(0), 0);
    assert.equal(socket.writes.length, 0, 'there may be none');
    const group = Buffer.concat([
      Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]),
      Buffer.alloc(70_000, 1),
    ]);
    group.fill(0, 10, 26);
    group[10] = 1;
    outlet.start(group, 1);
    assert.ok(outlet.backlog >= 70_000);
    for (let i = 0; i < 7; i++) {
      publish('video', i === 0);
      turn();
    }
    assert.equal(outlet.dropped.messages, 0);
    assert.equal(heard().list.filter((m) => /video/i.test(m)).length, 7);
  });

  it('can be told to begin with the next random access point', () => {
    const { outlet, publish, turn, heard } = setUp();
    outlet.awaitRandomAccess();
    publish('video', false, 10);
    publish('audio', false, 10);
    turn();
    publish('video', false, 10);
    publish('video', true, 10);
    publish('video', false, 10);
    turn();
    assert.deepEqual(
      heard().list.filter((m) => m !== '!'),
      ['VIDEO3', 'video4'],
    );
    assert.equal(outlet.dropped.messages, 0);
  });

  it('answers no more small talk than its peer reads', () => {
    const { socket, outlet } = setUp();
    socket.isBlocked = true;
    for (let i = 0; i < 10_000; i++) outlet.pong(Buffer.alloc(100));
    assert.ok(socket.writableLength < 70_000, `${socket.writableLength} bytes`);
  });
});
