import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { registrationOf } from '../psi/descriptors.ts';
import { Rig } from '../testing/rig.ts';
import { TimedFeed } from './timed-feed.ts';

describe('a message that is no MPEG-TS', () => {
  it('becomes a unit of a private stream that is due when the picture is that was taken then', () => {
    const rig = new Rig();
    const picture = rig.feed('picture', { codec: 'h264', group: 10 });
    const values = new TimedFeed({ name: 'values' });
    rig.set([picture, { feed: values }]);
    rig.run(2000);
    const texts = Array.from({ length: 50 }, (_, i) => new TextEncoder().encode(`{"volts":${i}}`));
    const pushed: number[] = [];
    for (const text of texts) {
      values.pushData(text, rig.nowMs);
      pushed.push(picture.encoder.units);
      rig.run(40);
    }
    rig.run(100);
    const { out } = rig;
    assert.deepEqual(out.damage, []);
    const stream = out.programs.at(-1)?.streams.find((one) => one.class === 'data');
    assert.ok(stream);
    assert.deepEqual([stream.streamType, registrationOf(stream.descriptors)], [0x06, 'PRCH']);
    const units = out.units.filter((unit) => unit.class === 'data');
    assert.deepEqual(
      units.map(({ data }) => data),
      texts,
    );
    const pictures = out.units.filter((unit) => unit.class === 'video');
    for (const [i, { pts }] of units.entries()) {
      const shown = pictures[(pushed[i] ?? 0) - 1]?.pts ?? 0;
      assert.ok(Math.abs(pts - shown) <= 50 * 90, `${(pts - shown) / 90} ms`);
    }
  });

  it('of every length comes back whole, and one that is too long is refused in words', () => {
    const rig = new Rig();
    const values = new TimedFeed({ name: 'values' });
    rig.set([{ feed: values }]);
    const sizes = [1, 100, 169, 170, 171, 184, 5000, 65_519];
    for (const size of sizes) {
      rig.nowMs += 10;
      values.pushData(new Uint8Array(size).fill(size), rig.nowMs);
    }
    values.pushData(new Uint8Array(65_520), rig.nowMs);
    assert.deepEqual(
      rig.out.units.map(({ data }) => data.length),
      sizes,
    );
    assert.match(values.state.oddities.join(), /more than 65519 bytes/);
  });
});
