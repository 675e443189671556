import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { millis } from '@perch/runtime';
import fc from 'fast-check';
import type { HubMark } from './message.ts';
import { TakerQueue } from './queue.ts';

/** `I` random access video, `p` other video, `a` sound, `d` data; with a number to tell them apart. */
interface Named {
  readonly name: string;
  readonly mark: HubMark;
}
const marks: Record<string, HubMark> = {
  I: { randomAccess: true, class: 'video' },
  p: { randomAccess: false, class: 'video' },
  a: { randomAccess: false, class: 'audio' },
  A: { randomAccess: true, class: 'audio' },
  d: { randomAccess: true, class: 'data' },
};
const named = (name: string): Named => ({ name, mark: marks[name[0] as string] as HubMark });
const at = millis;

/** Budget 800 bytes, of which the last 100 are for sound; 1000 ms; hard cap 2000. */
function setUp() {
  const onTheWay = {
    bytes: 0,
    allBytes: 0,
    owedSince: undefined as number | undefined,
    age: (now: number) => 0 * now,
  };
  onTheWay.age = (now) => (onTheWay.owedSince === undefined ? 0 : now - onTheWay.owedSince);
  const queue = new TakerQueue<Named>({ limits: { bytes: 800, age: at(1000), hardBytes: 2000 }, onTheWay });
  const offer = (names: string, size = 100, now = 0) =>
    names.split(' ').map((name) => queue.offer(named(name), size, at(now)));
  const rest = (now = 0) => {
    const names = [];
    for (let entry = queue.shift(at(now)); entry; entry = queue.shift(at(now)))
      names.push(entry.message.name);
    return names.join(' ');
  };
  const send = (bytes: number) => {
    onTheWay.bytes = bytes;
    onTheWay.allBytes = bytes;
  };
  return { queue, offer, rest, send, onTheWay };
}

describe('the queue of a slow taker', () => {
  it('keeps order within the budget and drops nothing', () => {
    const { queue, offer, rest } = setUp();
    offer('I1 p2 a3 p4 a5 p6 p7');
    assert.equal(queue.bytes, 700);
    assert.equal(rest(), 'I1 p2 a3 p4 a5 p6 p7');
    assert.deepEqual(queue.dropped, { messages: 0, bytes: 0 });
    assert.equal(queue.report(), undefined);
  });

  it('lets sound overtake what has waited for a quarter of a second', () => {
    const { offer, rest } = setUp();
    offer('I1 p2 a3 p4 a5');
    assert.equal(rest(300), 'a3 a5 I1 p2 p4');
  });

  it('drops to the newest random access point that waits, and keeps the sound', () => {
    const { queue, offer, rest } = setUp();
    offer('p1 a2 p3 I4 p5 a6 p7 p8');
    assert.equal(queue.isSkipping, false);
    assert.equal(rest(), 'a2 I4 p5 a6 p7 p8');
    assert.deepEqual(queue.report(), { messages: 2, bytes: 200 });
    assert.equal(queue.report(), undefined);
  });

  it('drops all video where no random access point waits, up to the next one', () => {
    const { queue, offer, rest } = setUp();
    offer('I1 p2 p3 a4 p5 p6 p7 p8');
    assert.equal(queue.isSkipping, true);
    assert.deepEqual(offer('p9 a10'), ['dropped', 'queued']);
    assert.deepEqual(offer('I11 p12'), ['queued', 'queued']);
    assert.equal(queue.isSkipping, false);
    assert.equal(rest(), 'a4 a10 I11 p12');
  });

  it('begins anew with a random access point that comes when it is full', () => {
    const { queue, offer, rest } = setUp();
    offer('p1 p2 p3 p4 p5 p6 a7 I8 p9');
    assert.equal(queue.isSkipping, false);
    assert.equal(rest(), 'a7 I8 p9');
  });

  it('keeps the last eighth of the budget for sound', () => {
    const { queue, offer, send } = setUp();
    send(690);
    assert.deepEqual(offer('I1'), ['dropped']);
    assert.deepEqual(offer('a2'), ['queued']);
    assert.equal(queue.straight(at(0)) >= 1, false);
  });

  it('drops the oldest sound when there is nothing else left to drop', () => {
    const { queue, offer, rest } = setUp();
    offer('a1 a2 a3 a4 a5 a6 a7 a8 a9');
    assert.equal(queue.isSkipping, false);
    assert.equal(rest(), 'a2 a3 a4 a5 a6 a7 a8 a9');
  });

  it('drops the oldest of a topic that has only data', () => {
    const { queue, offer, rest } = setUp();
    offer('d1 d2 d3 d4 d5 d6 d7 d8');
    assert.equal(rest(), 'd2 d3 d4 d5 d6 d7 d8');
    assert.deepEqual(queue.dropped, { messages: 1, bytes: 100 });
  });

  it('counts what it drops by class', () => {
    const { queue, offer } = setUp();
    offer('I1 p2 d3 a4 a5 a6 a7 a8 a9 a10 a11 a12');
    assert.deepEqual(queue.droppedByClass, { video: 2, audio: 1, data: 1 });
    assert.equal(queue.dropped.messages, 4);
  });

  it('begins anew once it was cleared, whatever it had left out', () => {
    const { queue, offer, rest, send } = setUp();
    send(700);
    offer('I1 p2');
    assert.equal(queue.isSkipping, true);
    send(0);
    queue.clear();
    offer('p3');
    assert.equal(rest(), 'p3');
  });

  it('counts what waits when its taker is lost', () => {
    const { queue, offer } = setUp();
    offer('I1 a2');
    queue.discard();
    assert.deepEqual([queue.length, queue.bytes, queue.dropped], [0, 0, { messages: 2, bytes: 200 }]);
    assert.deepEqual(queue.droppedByClass, { video: 1, audio: 1, data: 0 });
  });

  it('keeps pictures less long than sound where it is told so', () => {
    let pictureAge = 1000;
    const onTheWay = { bytes: 0, allBytes: 0, age: () => 0 };
    const queue = new TakerQueue<Named>({
      limits: { bytes: 800, age: at(1000), hardBytes: 2000, pictureAge: () => at(pictureAge) },
      onTheWay,
    });
    const offer = (name: string, now: number) => queue.offer(named(name), 10, at(now));
    offer('I1', 0);
    pictureAge = 300;
    assert.deepEqual([offer('a2', 400), offer('p3', 400)], ['queued', 'dropped']);
    assert.deepEqual([offer('a4', 500), offer('I5', 500)], ['queued', 'queued']);
    assert.deepEqual(queue.droppedByClass, { video: 2, audio: 0, data: 0 });
  });

  it('drops data before sound', () => {
    const { offer, rest } = setUp();
    offer('a1 d2 a3 d4 a5 a6 a7 a8 a9');
    assert.equal(rest(), 'a1 a3 d4 a5 a6 a7 a8 a9');
  });

  it('counts what is on the way', () => {
    const { queue, offer, send } = setUp();
    send(600);
    assert.deepEqual(offer('I1 p2'), ['queued', 'dropped']);
    assert.equal(queue.backlog, 600);
    assert.equal(queue.isSkipping, true);
  });

  it('takes any one message when it is empty, unless too much is on the way', () => {
    const { queue, offer, send, rest } = setUp();
    assert.deepEqual(offer('I1', 1500), ['queued']);
    assert.equal(rest(), 'I1');
    send(350);
    assert.deepEqual(offer('I2', 1500), ['queued']);
    rest();
    send(351);
    assert.deepEqual(offer('I3', 1500), ['dropped']);
    assert.deepEqual(offer('I4', 100), ['queued']);
    rest();
    send(900);
    assert.deepEqual(offer('I5', 10), ['dropped']);
    assert.equal(queue.length, 0);
  });

  it('stops the picture while a confirmation is late, and lets sound go on', () => {
    const { queue, offer, onTheWay } = setUp();
    onTheWay.owedSince = 0;
    assert.deepEqual(offer('I1 a2', 10, 1001), ['dropped', 'queued']);
    assert.equal(queue.straight(at(1001)) >= 10, false);
    onTheWay.owedSince = undefined;
    assert.deepEqual(offer('p3 I4', 10, 1002), ['dropped', 'queued']);
  });

  it('drops what has waited too long', () => {
    const { offer, rest } = setUp();
    offer('I1 a2', 10, 0);
    offer('a3', 10, 900);
    offer('a4', 10, 1100);
    assert.equal(rest(), 'a3 a4');
  });

  it('says when the hard cap is passed', () => {
    const { offer, onTheWay } = setUp();
    onTheWay.allBytes = 1900;
    assert.deepEqual(offer('a1 a2'), ['queued', 'overflow']);
  });

  it('lets a taker in step go past it', () => {
    const { queue, offer, rest } = setUp();
    assert.equal(queue.straight(at(0)) >= 700, true);
    assert.equal(queue.straight(at(0)) >= 701, false);
    offer('d1', 1);
    assert.equal(queue.straight(at(0)) >= 1, false);
    rest();
    assert.equal(queue.straight(at(0)) >= 1, true);
  });

  it('whatever is offered, stays within its budget, in order, and never begins video but at a random access point', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom('I', 'p', 'a', 'd'), size: fc.integer({ min: 1, max: 300 }) }),
      fc.record({ shift: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ wait: fc.integer({ min: 1, max: 700 }) }),
      fc.record({ onTheWay: fc.integer({ min: 0, max: 900 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { queue, send, onTheWay } = setUp();
        let now = 0;
        let n = 0;
        let offered = 0;
        let out = 0;
        let lastOut = -1;
        let lastVideoOffered = -1;
        const shift = () => {
          const entry = queue.shift(at(0));
          if (!entry) return;
          const { name, mark } = entry.message;
          const number = Number(name.slice(1));
          assert.ok(number > lastOut, 'in order');
          lastOut = number;
          out++;
          if (mark.class !== 'video') return;
          // A gap in video is followed by a random access point.
          const missing = videos.filter((v) => v > lastVideoOffered && v < number);
          if (missing.length > 0) assert.ok(mark.randomAccess, `${name} after a gap`);
          lastVideoOffered = number;
        };
        const videos: number[] = [];
        for (const one of steps) {
          if ('wait' in one) now += one.wait;
          else if ('onTheWay' in one) send(one.onTheWay);
          else if ('shift' in one) for (let i = 0; i < one.shift; i++) shift();
          else {
            if (one.kind === 'I' || one.kind === 'p') videos.push(n);
            offered++;
            const before = queue.length;
            queue.offer(named(`${one.kind}${n++}`), one.size, at(now));
            const alone = queue.length === 1 && before === 0;
            assert.ok(alone || queue.length === 0 || onTheWay.bytes + queue.bytes <= 800 + 300);
          }
        }
        while (queue.length > 0) shift();
        assert.equal(queue.bytes, 0);
        assert.equal(out + queue.dropped.messages, offered, 'everything went out or was counted');
      }),
      { numRuns: 500 },
    );
  });
});
