import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessUnit, H264Config } from '@perch/mpegts';
import type { Decoder, DecoderOutput, Opened } from './decoder.ts';
import { Track } from './track.ts';

const unit = (id: number, randomAccess = false, config?: Partial<H264Config>): AccessUnit =>
  ({ pts: id, randomAccess, data: new Uint8Array(), config }) as unknown as AccessUnit;

const sized = (width: number): Partial<H264Config> => ({ codec: 'h264', codecString: 'avc1.42c01e', width });

function setUp(options: { beginsAnywhere?: boolean; refuse?: string } = {}) {
  const heard: string[] = [];
  const openings: { settle: () => void; output: DecoderOutput<number>; decoder: TestDecoder }[] = [];
  class TestDecoder implements Decoder {
    readonly got: number[] = [];
    closed = false;
    decode(given: AccessUnit): void {
      this.got.push(given.pts);
    }
    close(): void {
      this.closed = true;
    }
  }
  const track = new Track<number>({
    open: (_unit, output) =>
      new Promise<Opened>((resolve) => {
        const decoder = new TestDecoder();
        const opened: Opened = options.refuse
          ? { kind: 'refused', reason: options.refuse }
          : { kind: 'open', decoder };
        openings.push({ settle: () => resolve(opened), output, decoder });
      }),
    beginsAnywhere: options.beginsAnywhere ?? false,
    decoded: (result) => heard.push(`decoded ${result}`),
    refused: (reason) => heard.push(`refused: ${reason}`),
    broke: (error) => heard.push(`broke: ${error.message}`),
  });
  const opening = async (index: number) => {
    const found = openings[index];
    assert.ok(found, `no opening ${index}`);
    found.settle();
    await new Promise((resolve) => setImmediate(resolve));
    return found;
  };
  return { track, heard, opening, openings };
}

test('a picture begins at a random access point, and what comes while the decoder opens is not lost', async () => {
  const { track, opening } = setUp();
  assert.equal(track.feed(unit(1)), false);
  assert.equal(track.feed(unit(2, true)), true);
  assert.equal(track.feed(unit(3)), true);
  const { decoder } = await opening(0);
  track.feed(unit(4));
  assert.deepEqual(decoder.got, [2, 3, 4]);
});

test('sound begins anywhere', async () => {
  const { track, opening } = setUp({ beginsAnywhere: true });
  track.feed(unit(1));
  assert.deepEqual((await opening(0)).decoder.got, [1]);
});

test('a refusal is said once and ends it', async () => {
  const { track, heard, opening } = setUp({ refuse: 'no' });
  track.feed(unit(1, true));
  await opening(0);
  assert.equal(track.feed(unit(2, true)), false);
  track.restart();
  assert.equal(track.feed(unit(3, true)), false);
  assert.deepEqual(heard, ['refused: no']);
});

test('after a failure the next random access point opens another decoder', async () => {
  const { track, heard, opening } = setUp();
  track.feed(unit(1, true));
  const first = await opening(0);
  first.output.failed(new Error('bad bits'));
  assert.equal(first.decoder.closed, true);
  assert.equal(track.feed(unit(2)), false);
  track.feed(unit(3, true));
  assert.deepEqual((await opening(1)).decoder.got, [3]);
  assert.deepEqual(heard, ['broke: bad bits']);
});

test('a decoder that only ever fails is given up in words', async () => {
  const { track, heard, opening } = setUp();
  for (let i = 0; i < 3; i++) {
    track.feed(unit(i, true));
    (await opening(i)).output.failed(new Error('no such profile'));
  }
  assert.equal(track.feed(unit(9, true)), false);
  assert.match(heard.at(-1) ?? '', /^refused: This stream can’t be decoded here: no such profile/);
});

test('closing while a decoder opens closes that decoder', async () => {
  const { track, opening } = setUp();
  track.feed(unit(1, true));
  track.close();
  assert.equal((await opening(0)).decoder.closed, true);
});

test('a stream that becomes another gets another decoder, at a random access point and with nothing lost', async () => {
  const { track, opening, openings } = setUp();
  track.feed(unit(1, true, sized(640)));
  const { decoder: first } = await opening(0);
  // An equal one that comes again is the same stream.
  track.feed(unit(2, true, sized(640)));
  track.feed(unit(3, true, sized(1280)));
  track.feed(unit(4, false, sized(1280)));
  const { decoder: second } = await opening(1);
  assert.deepEqual([first.got, first.closed], [[1, 2], true]);
  assert.deepEqual([second.got, second.closed], [[3, 4], false]);
  assert.equal(openings.length, 2);
});

test('a stream that was refused is tried again when it becomes another', async () => {
  const { track, heard, opening } = setUp({ refuse: 'no' });
  track.feed(unit(1, true, sized(640)));
  await opening(0);
  assert.equal(track.feed(unit(2, true, sized(640))), false);
  assert.equal(track.feed(unit(3, true, sized(1280))), true);
  await opening(1);
  assert.deepEqual(heard, ['refused: no', 'refused: no']);
});
