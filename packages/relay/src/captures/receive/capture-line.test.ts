import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FRAME_HEADER_BYTES, type FromDevice, PERCH_CAPTURES_1, writeFrameHeader } from '@perch/protocol';
import { openRelay, Peer, read } from '../../../../../test/support/relay.ts';
import { TestDevice } from '../../devices/testing/test-device.ts';

const capture = { id: 'film-1', trigger: 'pir', timestamp: 1_795_000_000 } as const;
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function frame(stream: number, offset: number, bytes: Uint8Array): Buffer {
  const message = Buffer.alloc(FRAME_HEADER_BYTES + bytes.byteLength);
  writeFrameHeader(message, { stream, offset });
  message.set(bytes, FRAME_HEADER_BYTES);
  return message;
}

const offer = (stream: number, bytes: Uint8Array, more: object = {}): FromDevice => ({
  ...{ type: 'offer', stream, capture, segment: 0, extension: 'mp4' },
  ...{ size: bytes.byteLength, sha256: hashOf(bytes) },
  ...more,
});

/** A relay and a device of it. */
async function home() {
  const relay = await openRelay();
  const device = await TestDevice.enrol(relay.url, await relay.createEnrolmentCode('yard'));
  const connect = async () => {
    const peer = await Peer.open(`${relay.ws}/agent/captures`, {
      protocols: [PERCH_CAPTURES_1],
      headers: await device.authorization(relay.url),
    });
    assert.deepEqual(JSON.parse(String((await peer.hears(1))[0])), {
      type: 'hello',
      window: 8 * 1024 * 1024,
      streams: 16,
    });
    let heard = 1;
    return {
      peer,
      say: (message: FromDevice) => peer.send(JSON.stringify(message)),
      bytes: (stream: number, offset: number, bytes: Uint8Array) => peer.send(frame(stream, offset, bytes)),
      /** The next message that is no `received`. */
      async next(): Promise<unknown> {
        for (;;) {
          const message = read(String((await peer.hears(heard + 1))[heard++]));
          if ((message as { type: string }).type !== 'received') return message;
        }
      },
      [Symbol.dispose]: () => peer[Symbol.dispose](),
    };
  };
  const films = join(relay.data, 'captures', 'films', device.id, capture.id);
  return { relay, device, connect, films, [Symbol.asyncDispose]: () => relay.close() };
}

describe('a device that brings films', () => {
  it('is promised a segment when it is on the disk, and again without a byte when it asks again', async () => {
    await using at = await home();
    using line = await at.connect();
    const bytes = randomBytes(600_000);
    line.say(offer(1, bytes));
    assert.deepEqual(await line.next(), { type: 'send', stream: 1, offset: 0 });
    line.bytes(1, 0, bytes.subarray(0, 300_000));
    line.bytes(1, 300_000, bytes.subarray(300_000));
    assert.deepEqual(await line.next(), { type: 'persisted', stream: 1, sha256: hashOf(bytes) });
    const [file = ''] = readdirSync(at.films);
    assert.deepEqual(readFileSync(join(at.films, file)), bytes);
    line.say(offer(2, bytes));
    assert.deepEqual(await line.next(), { type: 'persisted', stream: 2, sha256: hashOf(bytes) });
    assert.equal(readdirSync(at.films).length, 1);
  });

  it('goes on from the byte at which it was cut', async () => {
    await using at = await home();
    const bytes = randomBytes(500_000);
    {
      using line = await at.connect();
      line.say(offer(1, bytes));
      await line.next();
      line.bytes(1, 0, bytes.subarray(0, 300_001));
      await line.peer.until(() => line.peer.heard.some((said) => String(said).includes('"offset":300001')));
    }
    using line = await at.connect();
    line.say(offer(9, bytes));
    assert.deepEqual(await line.next(), { type: 'send', stream: 9, offset: 300_001 });
    line.bytes(9, 300_001, bytes.subarray(300_001));
    assert.deepEqual(await line.next(), { type: 'persisted', stream: 9, sha256: hashOf(bytes) });
  });

  it('is promised what a power cut left in place, and nothing of it goes on arriving', async () => {
    await using at = await home();
    using line = await at.connect();
    const bytes = randomBytes(1_000);
    line.say(offer(1, bytes));
    await line.next();
    line.bytes(1, 0, bytes.subarray(0, 600));
    const arriving = join(at.relay.data, 'captures', 'arriving');
    assert.equal(readdirSync(arriving).length, 1);
    line.say({ type: 'withdraw', stream: 1 });
    // Both names of the file came through.
    mkdirSync(at.films, { recursive: true });
    writeFileSync(join(at.films, `0-${hashOf(bytes).slice(0, 32)}.mp4`), bytes);
    line.say(offer(2, bytes));
    assert.deepEqual(await line.next(), { type: 'persisted', stream: 2, sha256: hashOf(bytes) });
    assert.deepEqual(readdirSync(arriving), []);
  });

  it('is not given the beginning of another file of the same name: what came of that is kept apart', async () => {
    await using at = await home();
    const [before, now] = [randomBytes(500_000), randomBytes(500_000)];
    {
      using line = await at.connect();
      line.say(offer(1, before));
      await line.next();
      line.bytes(1, 0, before.subarray(0, 300_001));
      await line.peer.until(() => line.peer.heard.some((said) => String(said).includes('"offset":300001')));
    }
    using line = await at.connect();
    line.say(offer(2, now));
    assert.deepEqual(await line.next(), { type: 'send', stream: 2, offset: 0 });
    line.bytes(2, 0, now);
    assert.deepEqual(await line.next(), { type: 'persisted', stream: 2, sha256: hashOf(now) });
    const [file = ''] = readdirSync(at.films);
    assert.deepEqual(readFileSync(join(at.films, file)), now);
  });

  it('is asked again for bytes that are not what it offered, and refused when they never are', async () => {
    await using at = await home();
    using line = await at.connect();
    const bytes = randomBytes(1_000);
    line.say(offer(1, bytes));
    await line.next();
    for (let i = 0; i < 3; i++) {
      line.bytes(1, 0, randomBytes(1_000));
      assert.equal(((await line.next()) as { type: string }).type, 'again');
    }
    line.bytes(1, 0, randomBytes(1_000));
    assert.equal(((await line.next()) as { type: string }).type, 'refused');
    assert.equal(existsSync(at.films), false);
    line.say(offer(2, bytes));
    assert.deepEqual(await line.next(), { type: 'send', stream: 2, offset: 0 });
    line.bytes(2, 0, bytes);
    assert.equal(((await line.next()) as { type: string }).type, 'persisted');
    // Another file under the same number is not what was promised.
    line.say(offer(3, randomBytes(5)));
    assert.deepEqual(await line.next(), {
      ...{ type: 'refused', stream: 3, after: 86_400_000 },
      reason: 'another file with this number of this film is here already',
    });
  });

  it('withdraws one segment for a more urgent one, and nothing is lost', async () => {
    await using at = await home();
    using line = await at.connect();
    const [first, second] = [randomBytes(300_000), randomBytes(10)];
    line.say(offer(1, first));
    await line.next();
    line.bytes(1, 0, first.subarray(0, 270_000));
    line.say({ type: 'withdraw', stream: 1 });
    // On its way when the stream ended.
    line.bytes(1, 270_000, first.subarray(270_000, 280_000));
    line.say(offer(2, second, { segment: 1 }));
    assert.deepEqual(await line.next(), { type: 'send', stream: 2, offset: 0 });
    line.bytes(2, 0, second);
    assert.equal(((await line.next()) as { type: string }).type, 'persisted');
    line.say(offer(3, first));
    const { offset } = (await line.next()) as { offset: number };
    assert.ok(offset <= 270_000, `${offset}`);
    line.bytes(3, offset, first.subarray(offset));
    assert.deepEqual(await line.next(), { type: 'persisted', stream: 3, sha256: hashOf(first) });
  });

  it('hears that events are in the database, however often it tells them', async () => {
    await using at = await home();
    using line = await at.connect();
    const events: FromDevice[] = [
      { type: 'event', id: 'a', event: { kind: 'alarm', timestamp: 5, capture, gpio: 7 } },
      { type: 'event', id: 'a', event: { kind: 'alarm', timestamp: 5, capture, gpio: 7 } },
      { type: 'event', id: 'b', event: { kind: 'lost', capture, segment: 0, reason: 'no room' } },
      { type: 'event', id: 'c', event: { kind: 'end', capture, segments: 1 } },
      { type: 'event', id: 'd', event: { kind: 'alarm', timestamp: 6 } },
    ];
    for (const event of events) line.say(event);
    const noted = [];
    for (const _ of events) noted.push(await line.next());
    assert.deepEqual(
      noted.map((message) => JSON.stringify(message)).sort(),
      ['a', 'a', 'b', 'c', 'd'].map((id) => JSON.stringify({ type: 'noted', id })),
    );
  });

  it('is told why its connection ends', async () => {
    await using at = await home();
    const ends = async (
      code: number,
      reason: RegExp,
      act: (line: Awaited<ReturnType<typeof at.connect>>) => void,
    ) => {
      using line = await at.connect();
      act(line);
      const closed = await line.peer.closed;
      assert.equal(closed.code, code, closed.reason);
      assert.match(closed.reason, reason);
    };
    const bytes = randomBytes(1_000);
    await ends(1002, /JSON object/, (line) => line.peer.send('{'));
    await ends(1002, /nobody offered stream 5/, (line) => line.bytes(5, 0, bytes));
    await ends(1002, /before they were asked for/, (line) => {
      line.say(offer(1, bytes));
      line.bytes(1, 0, bytes);
    });
    await ends(1002, /is used again/, (line) => {
      line.say(offer(1, bytes));
      line.say(offer(1, bytes));
    });
    await ends(1008, /more segments/, (line) => {
      for (let i = 0; i < 17; i++) line.say(offer(i, bytes, { segment: i }));
    });
    using line = await at.connect();
    line.say(offer(1, bytes));
    await line.next();
    line.bytes(1, 5, bytes.subarray(5));
    assert.match((await line.peer.closed).reason, /from 5, not from 0/);
  });

  it('has one connection: the newer takes the place of the older', async () => {
    await using at = await home();
    using older = await at.connect();
    using _newer = await at.connect();
    assert.equal((await older.peer.closed).code, 4409);
  });

  it('is let go politely when the relay stops', async () => {
    const at = await home();
    using line = await at.connect();
    line.say(offer(1, randomBytes(9)));
    await line.next();
    await at.relay.close();
    assert.equal((await line.peer.closed).code, 1013);
  });
});
