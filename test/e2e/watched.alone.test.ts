// Agents, a relay and viewers, all real: nobody watches, somebody comes, another agent takes over.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Demuxer } from '@perch/mpegts';
import { PERCH_1, readWireHeader, WIRE_HEADER_BYTES } from '@perch/protocol';
import { openRelay, Peer, read } from '../support/relay.ts';
import { h264, type Studio, startStudio, tone } from './combine/support/studio.ts';

const protocols = [PERCH_1];

/** An agent that sends picture and sound of two encoders to the topic `x`. */
async function startSender(t: TestContext, relay: { ws: string }, size = '320x240'): Promise<Studio> {
  const studio = await startStudio(t, ['v', 'a']);
  studio.encode('v', ['-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25`, ...h264]);
  studio.encode('a', [...tone, '-c:a', 'aac']);
  // Its other destination is of a kind that always gets everything.
  await studio.record(1_500);
  await studio.post('/api/destinations', {
    id: 'relay',
    stream: 'stream/x',
    destination: `${relay.ws}/in/x`,
    protocol: PERCH_1,
  });
  return studio;
}

const destination = async (studio: Studio) => {
  // Seconds lie between two of these: a connection that is kept may be given up just as it is used again.
  const headers = { Connection: 'close' };
  const stats = (await (await fetch(`${studio.agent.url}/api/stats`, { headers })).json()) as {
    destinations: { id: string; viewers: number | null; messages: number; lastError?: string | null }[];
  };
  return stats.destinations.find(({ id }) => id === 'relay');
};

const topic = async (relay: { url: string }) =>
  ((await (await fetch(`${relay.url}/api/v1/streams`)).json()) as { viewers: number; waiting: boolean }[])[0];

/** Asks again until it is so. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

const messages = (viewer: Peer) =>
  viewer.heard
    .filter((m): m is Buffer => typeof m !== 'string')
    .map((bytes) => ({ ...readWireHeader(bytes), bytes: bytes.subarray(WIRE_HEADER_BYTES) }));
const said = (viewer: Peer) =>
  viewer.heard.filter((m) => typeof m === 'string').map((text) => (read(text) as { type: string }).type);

/** The times of the pictures that a viewer has, parted where their width changes, and what is wrong with its stream. */
function look(viewer: Peer) {
  const pictures: { width: number; ms: number }[] = [];
  const damage: string[] = [];
  const demuxer = new Demuxer({
    onAccessUnit: ({ config, pts }) =>
      config?.codec === 'h264' && pictures.push({ width: config.width, ms: pts / 90 }),
    onDamage: (one) => damage.push(JSON.stringify(one)),
  });
  demuxer.push(Buffer.concat(messages(viewer).map(({ bytes }) => bytes)));
  const runs: number[][] = [];
  for (const [i, { width, ms }] of pictures.entries()) {
    if (width !== pictures[i - 1]?.width) runs.push([]);
    runs.at(-1)?.push(ms);
  }
  return { runs, damage };
}

const areInStep = (times: readonly number[]) =>
  times.slice(1).every((time, i) => Math.abs(time - (times[i] as number) - 40) < 10);

test('while nobody watches nothing is sent; who comes has a picture within 400 ms, and each once', async (t) => {
  const relay = await openRelay({ open: ['**'] });
  t.after(() => relay.close());
  const studio = await startSender(t, relay);
  await until(async () => (await topic(relay))?.waiting === false);
  const before = (await destination(studio))?.messages;
  await studio.record(1_500);
  assert.deepEqual([before, (await destination(studio))?.messages], [0, 0]);

  // The second one comes the moment the first has gone.
  for (const visit of ['first', 'second']) {
    const began = performance.now();
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    await viewer.until(() => messages(viewer).some(({ class: kind }) => kind === 'video'));
    const took = performance.now() - began;
    t.diagnostic(`${visit} visit: a picture after ${took.toFixed(0)} ms`);
    assert.ok(took < 400, `${took} ms`);
    await viewer.until(() => messages(viewer).filter(({ replay }) => !replay).length > 60);
    const all = messages(viewer);
    assert.deepEqual([all[0]?.randomAccess, all[0]?.replay], [true, true]);
    const live = all.findIndex(({ replay }) => !replay);
    assert.ok(live > 0 && all.slice(live).every(({ replay }) => !replay), 'a replay, then what is live');
    assert.deepEqual(
      all.map(({ sequence }) => sequence - (all[0]?.sequence ?? 0)),
      all.map((_, i) => i),
    );
    const { runs, damage } = look(viewer);
    assert.deepEqual(damage, []);
    assert.equal(runs.length, 1);
    assert.ok(runs.every(areInStep), `each picture once: ${runs}`);
    assert.deepEqual(said(viewer), ['hello', 'live']);
  }
  await until(async () => (await destination(studio))?.viewers === 0);
});

test('another agent takes over: viewers miss no picture, and the first agent stays away', async (t) => {
  const relay = await openRelay({ open: ['**'] });
  t.after(() => relay.close());
  const first = await startSender(t, relay);
  using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
  await viewer.until(() => messages(viewer).length > 100);
  const second = await startSender(t, relay, '192x144');
  await until(async () => /took over/.test((await destination(first))?.lastError ?? ''));
  const count = messages(viewer).length;
  await viewer.until(() => messages(viewer).length > count + 100);
  const { runs, damage } = look(viewer);
  t.diagnostic(`${runs[0]?.length} pictures of the first, ${runs[1]?.length} of the second`);
  assert.deepEqual(damage, []);
  assert.equal(runs.length, 2);
  assert.ok(runs.every(areInStep), `each picture once: ${runs}`);
  assert.ok(!said(viewer).slice(2).includes('waiting'));
  assert.equal((await destination(second))?.viewers, 1);
});
