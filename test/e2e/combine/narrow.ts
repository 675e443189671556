import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Demuxer } from '@perch/mpegts';
import { FarEnd } from '../../conformance/vw-harness.ts';
import { openThrottle } from '../../support/throttle.ts';
import { h264, picture, startStudio, tone } from './support/studio.ts';

const MOST_DELAY = 2_000;
const BACK_WITHIN = 3_000;
/** What counts as live, in ms beyond what was usual before: an encoder's packet of sound alone holds 300 ms. */
const LIVE = 150;

interface Arrival {
  readonly class: string;
  readonly dts: number;
  readonly at: number;
}

/** Cuts a destination's line to half of what its stream needs, for so long. */
export async function narrow(t: TestContext, seconds: number): Promise<void> {
  const studio = await startStudio(t, ['v', 'a']);
  const server = await FarEnd.open(t);
  const throttle = await openThrottle(Number(new URL(server.url).port));
  t.after(() => throttle[Symbol.asyncDispose]());
  await studio.post('/api/destinations', {
    id: 'narrow',
    stream: 'stream/x',
    destination: `ws://127.0.0.1:${throttle.port}`,
  });
  const arrivals: Arrival[] = [];
  const demuxer = new Demuxer({
    onAccessUnit: ({ class: kind, dts }) =>
      arrivals.push({ class: kind, dts: dts / 90, at: performance.now() }),
  });
  (await server.arrival(0)).socket.on('message', (data: Buffer) => demuxer.push(data));
  const rate = ['-b:v', '2M', '-minrate', '2M', '-maxrate', '2M', '-bufsize', '200k'];
  studio.encode('v', [...picture, ...h264, ...rate, '-x264-params', 'nal-hrd=cbr']);
  studio.encode('a', [...tone, '-c:a', 'aac', '-b:a', '96k']);
  await studio.record(4_000);
  const cutAt = performance.now();
  throttle.rate = 2_100_000 / 8 / 2;
  await studio.record(seconds * 1000);
  const freeAt = performance.now();
  throttle.rate = Number.POSITIVE_INFINITY;
  await studio.record(4_000);

  const shortest = Math.min(...arrivals.map(({ at, dts }) => at - dts));
  const late = ({ at, dts }: Arrival) => at - dts - shortest;
  const usual = (kind: string) =>
    Math.max(
      ...arrivals.filter((one) => one.class === kind && one.at < cutAt && one.at > cutAt - 3_000).map(late),
    );
  const most = new Map(['video', 'audio'].map((kind) => [kind, usual(kind) + LIVE]));
  const worst = Math.max(...arrivals.filter(({ at }) => at > cutAt - 1_000).map(late));
  const sound = arrivals.filter((one) => one.class === 'audio');
  const soundGap = Math.max(...sound.slice(1).map(({ dts }, i) => dts - (sound[i] as Arrival).dts));
  const pictures = arrivals.filter((one) => one.class === 'video');
  const during = pictures.filter(({ at }) => at > cutAt && at < freeAt).length;
  const back =
    arrivals.findLast((one) => one.at > freeAt && late(one) > (most.get(one.class) ?? 0))?.at ?? freeAt;
  t.diagnostic(
    `half the rate for ${seconds} s: at most ${worst.toFixed(0)} ms late, longest step of sound ${soundGap.toFixed(0)} ms, ` +
      `${((during / seconds / 25) * 100).toFixed(0)} % of the pictures, live again after ${(back - freeAt).toFixed(0)} ms`,
  );
  assert.ok(worst <= MOST_DELAY, `${worst} ms late`);
  // One PES packet of ffmpeg holds several frames of 21 ms.
  assert.ok(soundGap < 30, `${soundGap} ms without sound`);
  assert.ok(during > 0);
  assert.ok(back - freeAt <= BACK_WITHIN);
  const last = pictures.filter(({ at }) => at > freeAt + BACK_WITHIN);
  assert.ok(last.length > 15, `${last.length} pictures in the last second`);
}
