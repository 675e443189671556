import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TopicMessage } from '@perch/hub';
import { limits } from '@perch/protocol';
import { FakeClock } from '@perch/testkit';
import { raw } from './framing.ts';
import { Outbox } from './outbox.ts';
import { SlowLine } from './uplink/testing/slow-line.ts';

/** What was sent, told by its first bytes. */
interface Sent {
  readonly kind: 'video' | 'audio';
  readonly number: number;
  readonly sentAt: number;
  readonly randomAccess: boolean;
}

const PICTURE_MS = 40;
const SOUND_MS = 20;
/** 2 Mbit/s of pictures, a key frame of eight times the others each second; 96 kbit/s of sound. */
const PICTURE_BYTES = 7_800;
const KEY_BYTES = 62_500;
const SOUND_BYTES = 240;
/** Bytes a second. */
const STREAM_RATE = 24 * PICTURE_BYTES + KEY_BYTES + (1000 / SOUND_MS) * SOUND_BYTES;

class Studio {
  readonly clock = new FakeClock();
  readonly sent: Sent[] = [];
  readonly arrived: (Sent & { readonly at: number })[] = [];
  readonly line: SlowLine;
  readonly outbox: Outbox;
  #sequence = 0;

  constructor(options: { rate: number; wayMs: number }) {
    const { clock } = this;
    this.line = new SlowLine({
      clock,
      ...options,
      onMessage: (data, at) => {
        const one = this.sent[Buffer.from(data.buffer, data.byteOffset).readUInt32BE(0)];
        if (one) this.arrived.push({ ...one, at });
      },
    });
    this.outbox = new Outbox({
      socket: this.line.socket,
      tcp: this.line.tcp,
      framing: raw,
      clock,
      pingPeriod: limits.uplinkPing,
      deadline: limits.uplinkDeadline,
      age: limits.uplinkAge,
      onSent: () => undefined,
    });
  }

  /** Sends and carries, so many seconds. */
  async run(seconds: number): Promise<void> {
    const end = this.clock.now() + seconds * 1000;
    while (this.clock.now() < end) {
      const at = this.clock.now();
      if (at % SOUND_MS === 0) this.#send('audio', at / SOUND_MS, SOUND_BYTES, false);
      if (at % PICTURE_MS === 0) {
        const number = at / PICTURE_MS;
        const isKey = number % 25 === 0;
        this.#send('video', number, isKey ? KEY_BYTES : PICTURE_BYTES, isKey);
      }
      this.clock.advance(5);
      // What the kernel says comes in a turn of its own.
      await Promise.resolve();
    }
  }

  of(kind: Sent['kind'], from = 0): readonly (Sent & { readonly at: number })[] {
    return this.arrived.filter((one) => one.kind === kind && one.at >= from);
  }

  #send(kind: Sent['kind'], number: number, size: number, randomAccess: boolean): void {
    const bytes = Buffer.alloc(size);
    bytes.writeUInt32BE(this.sent.length, 0);
    this.sent.push({ kind, number, sentAt: this.clock.now(), randomAccess });
    const mark = { class: kind, randomAccess };
    const message: TopicMessage = { bytes, text: false, mark, sequence: this.#sequence++, from: undefined };
    this.outbox.sendAll([message]);
  }
}

const late = ({ at, sentAt }: { readonly at: number; readonly sentAt: number }) => at - sentAt;
const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), 0);

/** Pictures that a decoder can show: from each random access point on as long as none is missing. */
function assertDecodable(pictures: readonly Sent[]): void {
  let last = Number.NaN;
  for (const { number, randomAccess } of pictures) {
    assert.ok(randomAccess || number === last + 1, `picture ${number} came after ${last}`);
    last = number;
  }
}

for (const [share, wayMs, leastSeen] of [
  [1 / 2, 5, 0.3],
  [1 / 2, 60, 0.3],
  [1 / 2, 150, 0.25],
  [3 / 10, 60, 0.05],
] as const) {
  test(`on a line that carries ${share} of the stream for a minute, ${wayMs} ms away, sound goes on and nothing is later than 2 s`, async (t) => {
    const studio = new Studio({ rate: 10 * STREAM_RATE, wayMs });
    await studio.run(5);
    assert.equal(studio.outbox.dropped.messages, 0);
    studio.line.rate = STREAM_RATE * share;
    await studio.run(60);
    const free = studio.clock.now();
    studio.line.rate = 10 * STREAM_RATE;
    await studio.run(5);

    const sound = studio.of('audio');
    const worst = most(studio.arrived.map(late));
    const pictures = studio.of('video');
    const back = studio.arrived.findLast((one) => late(one) > wayMs + 100)?.at ?? free;
    const seen = pictures.filter(({ at }) => at > 5_000 && at <= free).length / (60 * 25);
    t.diagnostic(
      `at most ${worst} ms late, sound at most ${most(sound.map(late))} ms, ` +
        `${(seen * 100).toFixed(0)} % of the pictures, live again after ${Math.max(0, back - free)} ms`,
    );
    assert.ok(worst <= 2_000, `${worst} ms late`);
    // Each bit of sound arrived, in order.
    assert.deepEqual(
      sound.map(({ number }) => number),
      sound.map((_, i) => i),
    );
    assert.equal(studio.outbox.dropped.byClass.audio, 0);
    assertDecodable(pictures);
    assert.ok(seen > leastSeen, `${seen}`);
    assert.ok(back - free <= 3_000, `${back - free} ms`);
    const late3 = studio.of('video', free + 3_000);
    assert.ok(late3.length >= 45, `${late3.length} pictures in the last two seconds`);
  });
}

test('a line that stops for ten seconds has nothing old to say when it goes on', async () => {
  const studio = new Studio({ rate: 10 * STREAM_RATE, wayMs: 20 });
  await studio.run(5);
  studio.line.rate = 0;
  await studio.run(10);
  assert.ok(studio.outbox.backlog <= limits.backlogBytes);
  const free = studio.clock.now();
  studio.line.rate = 10 * STREAM_RATE;
  await studio.run(5);
  // What was on its way when it stopped is old; what waited here is not.
  const old = studio.arrived.filter((one) => late(one) > 2_000 && one.sentAt > 6_000);
  assert.deepEqual(old, []);
  assertDecodable(studio.of('video'));
  assert.equal(
    most(studio.of('audio', free + 3_000).map(late)),
    most(studio.of('audio').slice(0, 50).map(late)),
  );
});

test('a line that carries all is given all, and no more than it needs waits in the network', async () => {
  const studio = new Studio({ rate: 1.3 * STREAM_RATE, wayMs: 30 });
  await studio.run(30);
  assert.equal(studio.outbox.dropped.messages, 0);
  assertDecodable(studio.of('video'));
  assert.ok(most(studio.arrived.map(late)) < 500);
});

test('one who waits for all to be read is told when it was, and not held longer than it wants', async () => {
  const studio = new Studio({ rate: 10 * STREAM_RATE, wayMs: 20 });
  await studio.run(1);
  let read = 0;
  const settled = studio.outbox.settled(limits.switchWait).then(() => {
    read = studio.clock.now();
  });
  const sent = studio.sent.length;
  while (studio.arrived.length < sent) {
    studio.clock.advance(5);
    await Promise.resolve();
  }
  assert.equal(read, 0);
  studio.clock.advance(100);
  await settled;
  studio.line.rate = 0;
  await studio.run(1);
  const never = studio.outbox.settled(limits.switchWait);
  studio.clock.advance(limits.switchWait);
  await never;
  const atTheEnd = studio.outbox.settled(limits.switchWait);
  studio.outbox.close();
  await atTheEnd;
});
