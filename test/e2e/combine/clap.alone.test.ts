import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Clap, findClap } from '../../../packages/cli/src/inspect/clap.ts';
import { startClap } from './support/clap.ts';
import { h264, mpeg1, startStudio } from './support/studio.ts';

/** Both are encoded by processes of their own, which begin when they like. In ms. */
const MOST_OFFSET = 40;

const together = { stream: 'stream/x', feeds: ['v', 'a'] };

function judge(t: TestContext, name: string, clap: Clap | undefined, least: number): void {
  assert.ok(clap, `${name}: no clap`);
  t.diagnostic(`${name}: ${clap.claps} claps, sound minus picture ${clap.offsetsMs.join(' ')} ms`);
  assert.ok(clap.claps >= least, `${clap.claps} claps`);
  assert.ok(Math.abs(clap.worstMs) <= MOST_OFFSET, `${name}: ${clap.worstMs} ms`);
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
      await studio.record(4_500);
      judge(t, 'at first', await findClap([studio.received()]), 3);
      await studio.post('/api/streams', { stream: 'stream/x', feeds: ['v'] });
      await studio.record(1_500);
      await studio.post('/api/streams', together);
      await studio.record(3_500);
      judge(t, 'after mute', await findClap([studio.received()]), 6);
    }
    await using _again = startClap('beep', `${studio.agent.url}/ts/a`, sound);
    await studio.record(4_500);
    judge(t, 'after a new encoder', await findClap([studio.received()]), 9);
  });
}
