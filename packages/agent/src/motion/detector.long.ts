// How often the detector is wrong, over many seeds and all sensitivities: prints a table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './testing/scene.ts';
import { moving, quiet } from './testing/scenes.ts';
import { watch } from './testing/watch.ts';

const SEEDS = 20;
const SENSITIVITIES = [1, 3, 5, 7, 10];
/** The default must be right in all but so many of a hundred scenes. */
const DEFAULT = 5;
const MOST_WRONG = 0.01;

test('at the default sensitivity false alarms and misses are rare', (t) => {
  const wrong = new Map(SENSITIVITIES.map((sensitivity) => [sensitivity, { falseAlarms: 0, misses: 0 }]));
  for (const each of [...quiet, ...moving]) {
    const row = new Map(
      SENSITIVITIES.map((sensitivity) => [sensitivity, { falseAlarms: 0, misses: 0, ms: 0 }]),
    );
    for (let seed = 1; seed <= SEEDS; seed++) {
      const pictures = [...new Scene(each.scene(seed)).pictures(20_000)];
      for (const [sensitivity, sums] of row) {
        const { falseAlarms, isMissed, seenAfter } = watch(pictures, each, sensitivity);
        sums.falseAlarms += falseAlarms > 0 ? 1 : 0;
        sums.misses += isMissed ? 1 : 0;
        sums.ms += seenAfter ?? 0;
      }
    }
    const words = [...row].map(([sensitivity, { falseAlarms, misses, ms }]) => {
      const sums = wrong.get(sensitivity);
      if (sums) {
        sums.falseAlarms += falseAlarms;
        sums.misses += misses;
      }
      const seen = each.moves && misses < SEEDS ? `, after ${Math.round(ms / (SEEDS - misses))} ms` : '';
      return `${sensitivity}: ${each.moves ? `${misses} missed${seen}` : `${falseAlarms} false`}`;
    });
    t.diagnostic(`${each.name}: ${words.join('; ')}`);
  }
  const scenes = SEEDS * (quiet.length + moving.length);
  for (const [sensitivity, sums] of wrong)
    t.diagnostic(`sensitivity ${sensitivity}: ${sums.falseAlarms} false, ${sums.misses} missed of ${scenes}`);
  const { falseAlarms = 0, misses = 0 } = wrong.get(DEFAULT) ?? {};
  assert.ok(falseAlarms + misses <= MOST_WRONG * scenes, `${falseAlarms} false alarms, ${misses} missed`);
});
