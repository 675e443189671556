import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { findClap } from '../../../packages/cli/src/inspect/clap.ts';
import { startClap } from './support/clap.ts';
import { h264, mpeg1, type Studio, startStudio } from './support/studio.ts';

/** Both are encoded by processes of their own, which begin when they like. In ms. */
const MOST_OFFSET = 40;
const LEAST = 3;
/** So many claps pass while the clock of a new encoder is found: what it gives first may come late, on a busy machine. */
const FINDING = 2;

const together = { stream: 'stream/x', feeds: ['v', 'a'] };

/** Listens from now on until it has clapped often enough, and judges how far apart that was. */
async function judge(t: TestContext, studio: Studio, name: string, finding = 0): Promise<void> {
  const from = studio.received().length;
  for (;;) {
    await studio.record(1_000);
    const { offsetsMs = [] } = (await findClap([studio.received().subarray(from)])) ?? {};
    assert.ok(!t.signal.aborted, `${name}: only ${offsetsMs.length} claps`);
    if (offsetsMs.length < finding + LEAST) continue;
    t.diagnostic(`${name}: sound minus picture ${offsetsMs.join(' ')} ms`);
    const found = offsetsMs.slice(finding);
    assert.ok(
      found.every((offset) => Math.abs(offset) <= MOST_OFFSET),
      `${name}: ${found.join(' ')} ms`,
    );
    return;
  }
}

for (const [name, picture, sound] of [
  ['H.264 and AAC', h264, ['-c:a', 'aac']],
  ['MPEG-1 and MP2', mpeg1, ['-c:a', 'mp2']],
] as const) {
  test(`${name} of two encoders clap together, also after mute and after an encoder began anew`, async (t) => {
    const studio = await startStudio(t, ['v', 'a']);
    await using _picture = startClap('picture', `${studio.agent.url}/ts/v`, picture);
    await studio.record(1_500);
    {
      await using _beep = startClap('beep', `${studio.agent.url}/ts/a`, sound);
      await judge(t, studio, 'at first', FINDING);
      await studio.post('/api/streams', { stream: 'stream/x', feeds: ['v'] });
      await studio.record(1_500);
      await studio.post('/api/streams', together);
      await judge(t, studio, 'after mute');
    }
    await using _again = startClap('beep', `${studio.agent.url}/ts/a`, sound);
    await judge(t, studio, 'after a new encoder', FINDING);
  });
}
