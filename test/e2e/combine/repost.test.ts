import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Demuxer } from '@perch/mpegts';
import { openRelay, Peer } from '../../support/relay.ts';
import { h264, picture, startStudio, tone } from './support/studio.ts';

const TIMES = 12;

// vw's clients post their rules again whenever they start.
for (const protocol of [undefined, 'perch.1'] as const) {
  test(`a destination that is posted ${TIMES} times with the same address (${protocol ?? 'plain'}) arrives once, in order and whole`, async (t) => {
    const studio = await startStudio(t, ['v', 'a']);
    const relay = await openRelay({ open: ['**'] });
    t.after(() => relay.close());
    const told = await Peer.open(`${relay.ws}/out/x`, { protocols: ['perch.1'] });
    const viewer = await Peer.open(`${relay.ws}/out/x`);
    t.after(() => {
      told.webSocket.terminate();
      viewer.webSocket.terminate();
    });
    const units: string[] = [];
    const damage: string[] = [];
    const demuxer = new Demuxer({
      onAccessUnit: ({ class: kind, dts }) => units.push(`${kind} ${dts}`),
      onDamage: ({ kind }) => damage.push(kind),
    });
    viewer.webSocket.on('message', (data: Buffer) => demuxer.push(data));
    studio.encode('v', [...picture, ...h264, '-g', '10']);
    studio.encode('a', [...tone, '-c:a', 'aac']);
    await studio.record(1_500);
    const rule = { id: 'again', stream: 'stream/x', destination: `${relay.ws}/in/x` };
    for (let i = 0; i <= TIMES; i++) {
      await studio.post('/api/destinations', { ...rule, ...(protocol && { protocol }) });
      await moved(studio.agent.url);
      // More than a group: from then on there is something to miss.
      if (i === 0) await viewer.hears(40);
    }
    await studio.record(500);

    const times = units.filter((unit) => unit.startsWith('video')).map((unit) => Number(unit.slice(6)));
    const steps = times.slice(1).map((dts, i) => dts - (times[i] as number));
    t.diagnostic(
      `${times.length} pictures, steps of ${Math.min(...steps)} to ${Math.max(...steps)}, ${damage.length} damages`,
    );
    assert.ok(times.length > TIMES * 5);
    assert.ok(
      steps.every((step) => step > 0 && step < 1.6 * 3600),
      'in order, none missing',
    );
    assert.equal(new Set(units).size, units.length);
    assert.deepEqual(damage, []);
    const said = told.heard.filter((one) => typeof one === 'string').map((one) => JSON.parse(one).type);
    assert.deepEqual(said.slice(said.indexOf('live')), ['live']);
  });
}

/** Resolves when the destination is open and no other is being made. */
async function moved(url: string): Promise<void> {
  for (;;) {
    const { destinations } = (await (await fetch(`${url}/api/stats`)).json()) as {
      destinations: { id: string; state: string; moving: object | null }[];
    };
    const one = destinations.find(({ id }) => id === 'again');
    if (one?.state === 'open' && !one.moving) return;
  }
}
