import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const launcher = new URL('../bin/launch.js', import.meta.url);

test('what Perch starts in keeps its young generation small, whatever is made in it', () => {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    let kept = [];
    for (let i = 0; i < 3e6; i++) {
      kept.push({ i });
      if (kept.length > 2e5) kept = [];
    }
    console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size);`;
  const youngBytes = (...flags: string[]) =>
    Number(execFileSync(process.execPath, [...flags, '--input-type=module', '--eval', script]));
  assert.ok(youngBytes('--import', launcher.href) <= 4 * 2 ** 20);
  assert.ok(youngBytes() > 4 * 2 ** 20, 'without it V8 lets it grow, so there is something to hold back');
});
