import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Demuxer } from '@perch/mpegts';
import { WebSocket } from 'ws';
import { openRelay } from '../../support/relay.ts';
import { h264, picture, startStudio, tone } from './support/studio.ts';

/** What somebody who watches at one relay sees, and when. */
class Viewer {
  readonly units: { readonly key: string; readonly at: number }[] = [];
  continuity = 0;

  /** `kinds`: which access units are told. */
  constructor(socket: WebSocket) {
    const demuxer = new Demuxer({
      onAccessUnit: ({ class: kind, dts }) => {
        this.units.push({ key: `${kind} ${dts}`, at: performance.now() });
      },
    });
    socket.on('message', (data: Buffer) => demuxer.push(data));
    socket.on('error', () => undefined);
  }
}

/** Sends a live stream now to one relay, now to another, so often. */
export async function swapOften(t: TestContext, times: number): Promise<void> {
  const studio = await startStudio(t, ['v', 'a']);
  const relays = [await openRelay({ open: ['**'] }), await openRelay({ open: ['**'] })];
  const viewers = relays.map(({ ws }) => {
    const socket = new WebSocket(`${ws}/out/x`);
    t.after(() => socket.terminate());
    return new Viewer(socket);
  });
  t.after(async () => {
    for (const relay of relays) await relay.close();
  });
  // Random access points often, so that the test need not be long; at 25 pictures a second.
  studio.encode('v', [...picture, ...h264, '-g', '5']);
  studio.encode('a', [...tone, '-c:a', 'aac']);
  await studio.record(1_500);
  const go = (n: number) =>
    studio.post('/api/destinations', {
      id: 'moving',
      stream: 'stream/x',
      destination: `${relays[n % 2]?.ws}/in/x`,
    });
  await go(0);
  await studio.record(1_000);
  for (let i = 1; i <= times; i++) {
    await go(i);
    await settled(studio.agent.url);
  }
  await studio.record(1_000);

  const seen = viewers.flatMap(({ units }) => units).sort((a, b) => a.at - b.at);
  const pictures = seen.filter(({ key }) => key.startsWith('video'));
  const times27 = pictures.map(({ key }) => Number(key.slice(6)));
  const counts = new Map<string, number>();
  for (const { key } of seen) counts.set(key, (counts.get(key) ?? 0) + 1);
  const twice = [...counts.values()].filter((count) => count > 1).length;
  const sorted = times27.toSorted((a, b) => a - b);
  const missing = sorted.slice(1).filter((dts, i) => dts - (sorted[i] as number) > 1.6 * 3600).length;
  const gaps = pictures.slice(1).map(({ at }, i) => at - (pictures[i]?.at ?? at));
  gaps.sort((a, b) => a - b);
  const p99 = gaps[Math.floor(gaps.length * 0.99)] ?? Number.NaN;
  t.diagnostic(
    `${times} swaps: ${pictures.length} pictures, ${missing} missing, ${twice} units twice, ` +
      `gap between pictures p50 ${gaps[gaps.length >> 1]?.toFixed(1)} p99 ${p99.toFixed(1)} ms, most ${gaps.at(-1)?.toFixed(1)} ms`,
  );
  assert.ok(viewers.every(({ units }) => units.length > 0));
  assert.equal(missing, 0);
  assert.equal(twice, 0);
}

/** Resolves when the destination has moved. */
async function settled(url: string): Promise<void> {
  for (;;) {
    const { destinations } = (await (await fetch(`${url}/api/stats`)).json()) as {
      destinations: { id: string; state: string; moving: object | null }[];
    };
    const moved = destinations.find(({ id }) => id === 'moving');
    if (moved?.state === 'open' && !moved.moving) return;
  }
}
