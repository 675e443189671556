import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '@perch/testkit';
import { type Batch, Hub, type HubMessage, type Taker } from './index.ts';

const message = (text: string): HubMessage => ({
  bytes: new TextEncoder().encode(text),
  text: true,
  mark: { randomAccess: true, class: 'data' },
});

class Listener implements Taker {
  readonly batches: Batch[] = [];
  take(batch: Batch): void {
    this.batches.push(batch);
  }
  get heard(): string[][] {
    return this.batches.map((batch) => batch.messages.map(({ bytes }) => new TextDecoder().decode(bytes)));
  }
}

function setUp() {
  const turns: (() => void)[] = [];
  const hub = new Hub({ clock: new FakeClock(), endOfTurn: (flush) => turns.push(flush) });
  /** The event loop turns. */
  const turn = () => {
    for (const flush of turns.splice(0)) flush();
  };
  return { hub, turn, turns };
}

describe('the hub', () => {
  it('hands each taker what came in one turn as one batch, which all share', () => {
    const { hub, turn } = setUp();
    const [a, b] = [new Listener(), new Listener()];
    hub.topic('x').take(a);
    hub.topic('x').take(b);
    hub.topic('x').publish(message('1'));
    hub.topic('x').publish(message('2'));
    assert.deepEqual(a.heard, []);
    turn();
    hub.topic('x').publish(message('3'));
    turn();
    assert.deepEqual(a.heard, [['1', '2'], ['3']]);
    assert.equal(a.batches[0], b.batches[0]);
    assert.equal(a.batches[0]?.byteLength, 2);
  });

  it('hands on a turn that brings much in parts that stay in the cache, in order and whole', () => {
    const { hub, turn } = setUp();
    const listener = new Listener();
    hub.topic('x').take(listener);
    const sizes = [200_000, 200_000, 600_000, 10, 20];
    sizes.forEach((size, i) => {
      hub.topic('x').publish({ ...message(''), bytes: new Uint8Array(size).fill(i) });
    });
    turn();
    assert.deepEqual(
      listener.batches.map((batch) => batch.messages.map(({ bytes, sequence }) => [bytes.length, sequence])),
      [
        [
          [200_000, 0],
          [200_000, 1],
        ],
        [[600_000, 2]],
        [
          [10, 3],
          [20, 4],
        ],
      ],
    );
    turn();
    assert.equal(listener.batches.length, 3);
  });

  it('asks for the end of a turn once, whatever is published', () => {
    const { hub, turns } = setUp();
    hub.topic('x').publish(message('1'));
    hub.topic('x').publish(message('2'));
    hub.topic('y').publish(message('3'));
    assert.equal(turns.length, 1);
  });

  it('keeps topics apart', () => {
    const { hub, turn } = setUp();
    const listener = new Listener();
    hub.topic('x').take(listener);
    hub.topic('y').publish(message('1'));
    turn();
    assert.deepEqual(listener.heard, []);
  });

  it('numbers the messages of a topic, so that a gap can be seen', () => {
    const { hub, turn } = setUp();
    const listener = new Listener();
    const topic = hub.topic('x');
    topic.take(listener);
    topic.publish(message('1'));
    topic.publish(message('2'));
    turn();
    assert.deepEqual(
      listener.batches[0]?.messages.map((m) => m.sequence),
      [0, 1],
    );
    assert.equal(topic.nextSequence, 2);
  });

  it('gives a newcomer exactly what is published after it came, also in the middle of a turn', () => {
    const { hub, turn } = setUp();
    const [early, late] = [new Listener(), new Listener()];
    const topic = hub.topic('x');
    topic.take(early);
    topic.publish(message('1'));
    const next = topic.nextSequence;
    topic.take(late);
    assert.equal(next, 1);
    topic.publish(message('2'));
    turn();
    assert.deepEqual(early.heard, [['1'], ['2']]);
    assert.deepEqual(late.heard, [['2']]);
  });

  it('says of a batch who published it, so that nobody need hear itself', () => {
    const { hub, turn } = setUp();
    const listener = new Listener();
    const me = {};
    const topic = hub.topic('x');
    topic.take(listener);
    topic.publish(message('mine'), me);
    topic.publish(message('another'), {});
    turn();
    const batch = listener.batches[0];
    assert.equal(batch?.isFrom(me), true);
    assert.equal(batch?.isFrom({}), false);
    assert.deepEqual(
      batch?.messages.map((m) => m.from === me),
      [true, false],
    );
  });

  it('lets a taker leave, also while a batch is handed round', () => {
    const { hub, turn } = setUp();
    const listener = new Listener();
    const topic = hub.topic('x');
    using _hold = topic.hold();
    const leaving = { take: () => handle[Symbol.dispose]() };
    const handle = topic.take(leaving);
    topic.take(listener);
    topic.publish(message('1'));
    turn();
    topic.publish(message('2'));
    turn();
    assert.deepEqual(listener.heard, [['1'], ['2']]);
    assert.deepEqual(topic.takers, [listener]);
  });

  it('puts what a taker publishes while it takes into the next turn', () => {
    const { hub, turn } = setUp();
    const listener = new Listener();
    const topic = hub.topic('x');
    let echoed = false;
    topic.take({
      take: () => {
        if (!echoed) topic.publish(message('echo'));
        echoed = true;
      },
    });
    topic.take(listener);
    topic.publish(message('1'));
    turn();
    assert.deepEqual(listener.heard, [['1']]);
    turn();
    assert.deepEqual(listener.heard, [['1'], ['echo']]);
  });

  it('forgets a topic when its last taker and holder have left', () => {
    const { hub } = setUp();
    const topic = hub.topic('x');
    const hold = topic.hold();
    const handle = topic.take(new Listener());
    handle[Symbol.dispose]();
    handle[Symbol.dispose]();
    assert.equal(hub.find('x'), topic);
    hold[Symbol.dispose]();
    assert.equal(hub.find('x'), undefined);
    assert.equal(hub.size, 0);
    assert.throws(() => topic.take(new Listener()), { name: 'TypeError', message: /topic x is gone/ });
  });

  it('refuses a taker that takes already', () => {
    const { hub } = setUp();
    const listener = new Listener();
    hub.topic('x').take(listener);
    assert.throws(() => hub.topic('x').take(listener), { name: 'TypeError' });
  });

  it('makes of a batch once what takers of one kind share', () => {
    const { hub, turn } = setUp();
    const listener = new Listener();
    hub.topic('x').take(listener);
    hub.topic('x').publish(message('1'));
    turn();
    let made = 0;
    const [length, half, third] = [1, 0.5, 1 / 3].map((factor) => ({
      make(batch: Batch) {
        made++;
        return batch.byteLength * factor;
      },
    }));
    const batch = listener.batches[0];
    assert.ok(batch && length && half && third);
    assert.equal(batch.made(length), 1);
    assert.equal(batch.made(half), 0.5);
    assert.equal(batch.made(third), 1 / 3);
    assert.equal(batch.made(length) + batch.made(half), 1.5);
    assert.equal(made, 3);
  });
});
