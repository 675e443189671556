import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from '../bytes.ts';
import type { MessageMark } from '../message-cutter.ts';
import { demux } from '../testing/demux.ts';
import { type TestStreamOptions, testStream } from '../testing/streams.ts';
import { Combiner } from './combiner.ts';
import { TimedFeed } from './timed-feed.ts';

/** A stream in its pictures' pace: what is between two video (or audio) unit starts comes every 40 ms. */
function paced(options: TestStreamOptions): { bytes: Uint8Array; atMs: number }[] {
  const whole = testStream(options);
  const parts: { bytes: Uint8Array; atMs: number }[] = [];
  const lead = options.video ? 0x100 : 0x101;
  let start = 0;
  let atMs = 0;
  for (let at = 0; at < whole.length; at += 188) {
    const pid = (((whole[at + 1] ?? 0) & 0x1f) << 8) | (whole[at + 2] ?? 0);
    const unit = ((whole[at + 1] ?? 0) & 0x40) !== 0;
    if (at > start && unit && pid === lead) {
      parts.push({ bytes: whole.subarray(start, at), atMs });
      start = at;
      atMs += 40;
    }
  }
  parts.push({ bytes: whole.subarray(start), atMs });
  return parts;
}

function collect() {
  const messages: { bytes: Uint8Array; mark: MessageMark }[] = [];
  const combiner = new Combiner({ onMessage: (bytes, mark) => messages.push({ bytes, mark }) });
  return { combiner, messages, out: () => demux([concat(...messages.map(({ bytes }) => bytes))]) };
}

describe('a combiner with one feed', () => {
  for (const options of [
    { video: 'h264', audio: 'aac' },
    { video: 'mpeg1video', audio: 'mp2' },
    { video: 'mpeg2video', audio: 'mp3', bounded: false },
    { video: 'h264', audio: 'opus' },
  ] satisfies TestStreamOptions[]) {
    it(`passes every access unit of ${options.video} and ${options.audio} unchanged`, () => {
      const all = { ...options, pictures: 100, group: 10 };
      const feed = new TimedFeed({ name: 'camera' });
      const { combiner, out } = collect();
      combiner.setFeeds([feed], 1000);
      for (const { bytes, atMs } of paced(all)) {
        feed.push(bytes, 1000 + atMs);
        combiner.tick(1020 + atMs);
      }
      const before = demux([testStream(all)]);
      const after = out();
      assert.deepEqual(after.damage, []);
      assert.equal(after.units.length, before.units.length);
      for (const kind of ['video', 'audio'] as const) {
        const expected = before.units.filter((unit) => unit.class === kind);
        const actual = after.units.filter((unit) => unit.class === kind);
        assert.deepEqual(
          actual.map(({ data, randomAccess, codec }) => ({ data, randomAccess, codec })),
          expected.map(({ data, randomAccess, codec }) => ({ data, randomAccess, codec })),
        );
      }
      assert.deepEqual(feed.state.oddities, []);
    });
  }
});
