import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type AccessUnit, Demuxer } from '@perch/mpegts';
import { h264, picture, startStudio, tone } from './support/studio.ts';

/** Mutes and unmutes a live stream so often, as a host's page would. */
export async function muteOften(t: TestContext, times: number): Promise<void> {
  const studio = await startStudio(t, ['v', 'a']);
  studio.encode('v', [...picture, ...h264]);
  studio.encode('a', [...tone, '-c:a', 'aac']);
  await studio.record(2_000);
  const sent = await countOf(studio.agent.url);
  for (let i = 0; i < times; i++) {
    await studio.post('/api/streams', { stream: 'stream/x', feeds: i % 2 === 0 ? ['v'] : ['v', 'a'] });
  }
  if (times % 2 === 1) await studio.post('/api/streams', { stream: 'stream/x', feeds: ['v', 'a'] });
  await studio.record(2_000);
  const units: AccessUnit[] = [];
  let continuity = 0;
  const demuxer = new Demuxer({
    onAccessUnit: (unit) => units.push({ ...unit, data: Uint8Array.from(unit.data) }),
    onDamage: ({ kind }) => {
      if (kind === 'continuity') continuity += 1;
    },
  });
  demuxer.push(studio.received());
  demuxer.flush();
  const pictures = units.filter((unit) => unit.class === 'video');
  const steps = pictures.slice(1).map((unit, i) => (unit.dts - (pictures[i] as AccessUnit).dts) / 90);
  const longest = Math.max(...steps);
  t.diagnostic(
    `${times} changes: ${pictures.length} pictures, longest step ${longest.toFixed(1)} ms, ` +
      `${continuity} continuity errors, ${studio.far.arrivals.length} connection(s)`,
  );
  assert.ok(sent > 0);
  assert.equal(continuity, 0);
  // 25 pictures a second: one that is missing makes a step of 80 ms.
  assert.ok(longest < 70, `${longest} ms`);
  assert.equal(studio.far.arrivals.length, 1);
  assert.ok(units.some((unit) => unit.class === 'audio'));
}

async function countOf(url: string): Promise<number> {
  const stats = (await (await fetch(`${url}/api/stats`)).json()) as { streams: { messages: number }[] };
  return stats.streams[0]?.messages ?? 0;
}
