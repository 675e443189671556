import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { Intake, type Origin } from './intake.ts';
import { Encoder } from './testing/encoder.ts';
import { FakeFeed } from './testing/fakes.ts';

function setUp() {
  const feed = new FakeFeed({ name: 'v' });
  const foreign: string[] = [];
  let media = 0;
  const intake = new Intake({
    feed,
    onMedia: () => media++,
    onForeign: (bytes) => foreign.push(Buffer.from(bytes).toString()),
  });
  return { feed, foreign, intake, media: () => media };
}

const origin = (isFar = false): Origin => ({ publisher: {}, from: undefined, isFar });
/** What the feed was given: the fill of each unit, `t` for tables alone, `|` where it was interrupted. */
const fills = (feed: FakeFeed) =>
  feed.log
    .map((entry) => {
      if (entry.kind === 'interrupt') return '|';
      // The payload of a unit ends with its fill, a table packet with stuffing.
      const last = entry.bytes.at(-1) ?? 0;
      return last === 0xff ? 't' : String.fromCharCode(last);
    })
    .join('');
const A = 'a'.charCodeAt(0);
const B = 'b'.charCodeAt(0);

test('the first publisher is heard from its first byte', () => {
  const { intake, feed, media } = setUp();
  const [one, encoder] = [origin(), new Encoder('video')];
  intake.push(one, encoder.unit({ fill: A }), millis(0));
  assert.deepEqual([fills(feed), intake.isLive(millis(1_999)), media()], ['a', true, 1]);
  assert.equal(intake.isLive(millis(2_000)), false, 'silent for 2 s');
});

test('a new publisher takes over at its random access point, with its tables, and the old one is heard no more', () => {
  const { intake, feed, media } = setUp();
  const [one, two] = [origin(), origin()];
  const [old, young] = [new Encoder('video'), new Encoder('video', { start: 9_000_000 })];
  intake.push(one, old.unit({ key: true, fill: A }), millis(0));
  intake.push(two, young.tables(), millis(1));
  intake.push(two, young.unit({ fill: B }), millis(2));
  intake.push(one, old.unit({ fill: A }), millis(3));
  assert.doesNotMatch(fills(feed), /b|\|/);
  intake.push(two, young.unit({ key: true, fill: B }), millis(4));
  intake.push(one, old.unit({ key: true, fill: A }), millis(5));
  intake.push(two, young.unit({ fill: B }), millis(6));
  assert.equal(fills(feed), 'aa|tbb');
  assert.deepEqual(intake.oddities, [
    '2 publishers at once: streams carry one of them',
    'another publisher took over: 1 times',
  ]);
  assert.equal(media(), 1);
});

test('when the one that is heard ends the clock starts anew, and one that is still there goes on', () => {
  const { intake, feed } = setUp();
  const [one, two] = [origin(), origin()];
  const [old, young] = [new Encoder('video'), new Encoder('video')];
  intake.push(one, old.unit({ key: true, fill: A }), millis(0));
  intake.push(two, young.unit({ key: true, fill: B }), millis(1));
  intake.push(one, old.unit({ key: true, fill: A }), millis(2));
  intake.end(two.publisher, millis(3));
  assert.equal(intake.isLive(millis(3)), false);
  intake.push(one, old.unit({ fill: A }), millis(4));
  assert.equal(fills(feed), 'a|b|ta');
  intake.end(one.publisher, millis(5));
  assert.deepEqual([intake.isLive(millis(5)), intake.publishers], [false, 0]);
});

test('one that was replaced takes over again only where the other has been silent for 2 s', () => {
  const { intake, feed } = setUp();
  const [one, two] = [origin(), origin()];
  const [old, young] = [new Encoder('video'), new Encoder('video')];
  intake.push(one, old.unit({ key: true, fill: A }), millis(0));
  intake.push(two, young.unit({ key: true, fill: B }), millis(0));
  intake.push(one, old.unit({ key: true, fill: A }), millis(1_999));
  assert.match(fills(feed), /b$/);
  intake.push(one, old.unit({ key: true, fill: A }), millis(2_000));
  assert.match(fills(feed), /a$/);
});

test('what comes back from a destination is heard only while nobody publishes here', () => {
  const { intake, feed } = setUp();
  const [far, here] = [origin(true), origin()];
  const [echo, encoder] = [new Encoder('video'), new Encoder('video')];
  intake.push(far, echo.unit({ key: true, fill: B }), millis(0));
  intake.push(here, encoder.unit({ key: true, fill: A }), millis(1));
  intake.push(far, echo.unit({ key: true, fill: B }), millis(2));
  assert.equal(fills(feed), 'b|a');
});

test('what is no transport stream is handed back, and is no medium', () => {
  const { intake, feed, foreign } = setUp();
  const one = origin();
  for (const message of ['{"x":1}', '52.5', 'x']) intake.push(one, Buffer.from(message), millis(0));
  assert.deepEqual(foreign, ['{"x":1}', '52.5', 'x']);
  assert.deepEqual([feed.log.length, intake.isMedia, intake.isLive(millis(0))], [0, false, true]);
});

test('data beyond the budget is left out and told', () => {
  const { intake, feed } = setUp();
  intake.pushData(Buffer.alloc(100_000), millis(0));
  intake.pushData(Buffer.from('small'), millis(0));
  assert.deepEqual(
    feed.log.map(({ kind }) => kind),
    ['data'],
  );
  assert.match(intake.oddities.join(), /data messages left out, larger than 60000 bytes: 1/);
});
