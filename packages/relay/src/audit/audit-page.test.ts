import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

test('the reference page names everything that the audit writes down, and nothing else', () => {
  const source = readFileSync(join(import.meta.dirname, 'entry.ts'), 'utf8');
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/reference/audit.md'), 'utf8');
  const acts = [...(/export type Act =([^;]+);/.exec(source)?.[1]?.matchAll(/'([^']+)'/g) ?? [])];
  const named = [...(/^\| `what` \| (.+) \|$/m.exec(page)?.[1]?.matchAll(/`([^`]+)`/g) ?? [])];
  const words = (matches: RegExpExecArray[]) => matches.map(([, word]) => word).sort();
  assert.ok(acts.length > 5);
  assert.deepEqual(words(named), words(acts));
});
