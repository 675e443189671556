// What encoders and people send that is not as it should be: nothing throws, the rest goes on, and the figures say in
// words what is odd.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Demuxer } from '@perch/mpegts';
import { FakeClock } from '@perch/testkit';
import { feedMedia, streamStats } from '../api/media-stats.ts';
import { Switchboard } from '../ingest/switchboard.ts';
import { combining } from './combining.ts';
import { Streams } from './streams.ts';
import { Encoder, type EncoderOptions } from './testing/encoder.ts';

const mark = { randomAccess: false, class: 'data' } as const;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A stream of the feeds `names`, somebody who takes it, and what came to them. */
function setUp(...names: string[]) {
  const clock = new FakeClock();
  const switchboard = new Switchboard(clock);
  const streams = new Streams({ switchboard, clock, combining, pressure: () => undefined });
  const rule = { stream: 'stream/x', feeds: names };
  streams.setRules({ streams: new Map([['stream/x', rule]]), feeds: new Map() });
  const parts: Uint8Array[] = [];
  switchboard.join('stream/x', {
    take: ({ messages }) => parts.push(...messages.map(({ bytes }) => bytes)),
  });
  /** Sends a unit of each every 40 ms, the n-th one changed on its way, as publishers of their own. */
  const run = async (
    encoders: Record<string, Encoder>,
    units = 50,
    change: (bytes: Uint8Array, n: number) => Uint8Array = (bytes) => bytes,
  ) => {
    const inputs = Object.entries(encoders).map(
      ([feed, encoder]) => [switchboard.open(feed), encoder] as const,
    );
    for (let n = 0; n < units; n++) {
      for (const [input, encoder] of inputs) {
        const bytes = change(encoder.unit({ key: n % 10 === 0 }), n);
        input.publish({ bytes, text: false, mark }, input);
      }
      clock.advance(40);
    }
    await turn();
  };
  const units = () => {
    const counts: Record<string, number> = {};
    const demuxer = new Demuxer({
      onAccessUnit: ({ class: kind }) => {
        counts[kind] = (counts[kind] ?? 0) + 1;
      },
    });
    demuxer.push(Buffer.concat(parts));
    demuxer.flush();
    return counts;
  };
  return {
    run,
    units,
    feed: (name: string) => feedMedia(streams.intake(name)),
    stream: () => streamStats(rule, streams.get('stream/x'), switchboard, clock.now()),
  };
}

const video = (options: EncoderOptions = {}) => new Encoder('video', options);
/** As a scrambler would leave them: the tables in clear, payloads not (ISO/IEC 13818-1 2.4.3.3). */
const scrambled = (bytes: Uint8Array) => {
  const changed = Buffer.from(bytes);
  for (let packet = 0; packet < changed.length; packet += 188) {
    const pid = changed.readUInt16BE(packet + 1) & 0x1fff;
    if (pid === 0x100) changed.writeUInt8(changed.readUInt8(packet + 3) | 0x80, packet + 3);
  }
  return changed;
};

test('an encrypted feed is left out and named', async () => {
  const { run, units, feed, stream } = setUp('v');
  await run({ v: video() }, 50, scrambled);
  assert.deepEqual(units(), {});
  assert.match(feed('v').oddities.join(), /video on PID 0x100 is encrypted/);
  assert.deepEqual(
    stream().tracks.map(({ units }) => units),
    [0],
  );
});

test('of several programs the first is taken, and it is said', async () => {
  const { run, units, feed } = setUp('v');
  await run({ v: video({ programs: 1 }) });
  assert.equal(units().video, 50);
  assert.match(feed('v').oddities.join(), /several programs: 1 is taken, 2 is left out/);
});

test('a feed without a clock reference works like any other', async () => {
  const { run, units, feed } = setUp('v');
  await run({ v: video({ pcr: false }) });
  assert.equal(units().video, 50);
  assert.deepEqual(feed('v').oddities, []);
});

test('time stamps that run backwards are said, and every picture passes', async () => {
  const { run, units, feed } = setUp('v');
  const encoder = video();
  await run({ v: encoder }, 50, (bytes, n) => {
    if (n > 20) encoder.ticks -= 7_200;
    return bytes;
  });
  assert.equal(units().video, 50);
  assert.match(feed('v').oddities.join(), /stand still or run backwards/);
});

test('time stamps that stand still are said, and every picture passes', async () => {
  const { run, units, feed } = setUp('v');
  const encoder = video();
  await run({ v: encoder }, 50, (bytes) => {
    encoder.ticks = 126_000;
    return bytes;
  });
  assert.equal(units().video, 50);
  assert.match(feed('v').oddities.join(), /stand still or run backwards/);
});

test('time stamps that begin anew are counted as a restart, and every picture passes', async () => {
  const { run, units, feed } = setUp('v');
  const encoder = video({ start: 8_000_000 });
  await run({ v: encoder }, 50, (bytes, n) => {
    if (n === 24) encoder.ticks = 126_000;
    return bytes;
  });
  assert.equal(units().video, 50);
  assert.equal(feed('v').restarts, 1);
});

test('a feed that changes its codec in the middle goes on with the new one', async () => {
  const { run, units, stream } = setUp('x');
  await run({ x: video() });
  assert.deepEqual(
    stream().tracks.map(({ codec }) => codec),
    ['h264'],
  );
  const version = stream().pmtVersion;
  await run({ x: new Encoder('audio') }, 100);
  assert.deepEqual(
    stream().tracks.map(({ codec, class: kind }) => [kind, codec]),
    [['audio', 'mp2']],
  );
  assert.notEqual(stream().pmtVersion, version);
  assert.ok((units().audio ?? 0) > 0);
});

test('sound alone makes a stream', async () => {
  const { run, units, stream } = setUp('a');
  await run({ a: new Encoder('audio') });
  assert.ok((units().audio ?? 0) > 40);
  assert.equal(stream().pcrPid, stream().tracks[0]?.pid);
});

test('two feeds with video both pass, and it is said that players show one', async () => {
  const { run, units, stream } = setUp('v', 'w');
  await run({ v: video(), w: video() });
  assert.equal(units().video, 100);
  assert.deepEqual(stream().oddities, ['2 video tracks: most players show that of v alone']);
});

test('a feed that nobody publishes on is named', async () => {
  const { run, stream } = setUp('v', 'later');
  await run({ v: video() });
  assert.deepEqual(stream().oddities, ['later: nobody publishes on it']);
});

test('a rule from before that names a stream is shown as odd, and its other feeds pass', async () => {
  const { run, units, stream } = setUp('v', 'stream/x');
  await run({ v: video() });
  assert.equal(units().video, 50);
  assert.deepEqual(stream().oddities, ['stream/x is a stream and left out: name its feeds']);
});

test('64 feeds pass together', async () => {
  const names = Array.from({ length: 64 }, (_, i) => `f${i}`);
  const { run, units, stream } = setUp(...names);
  const encoders = names.map((name, i) => [name, i === 0 ? video() : new Encoder('audio')] as const);
  await run(Object.fromEntries(encoders), 30);
  assert.equal(units().video, 30);
  assert.equal(stream().tracks.length, 64);
});

test('noise, cut and lost packets never throw, and what is whole passes', async () => {
  const { run, units, feed } = setUp('v');
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 0x7fffffff;
    return seed;
  };
  await run({ v: video() }, 500, (bytes) => {
    const kind = random() % 4;
    const at = random() % bytes.length;
    if (kind === 0) return bytes.subarray(0, at);
    if (kind === 1)
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([random() & 0xff]), bytes.subarray(at)]);
    if (kind === 2) {
      const changed = Buffer.from(bytes);
      changed[at] = random() & 0xff;
      return changed;
    }
    return bytes;
  });
  assert.ok((units().video ?? 0) > 100);
  assert.ok(feed('v').losses > 0);
  assert.match(feed('v').oddities.join(), /bytes left out that belong to no packet: \d+/);
});
