import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');

/** Error class → its codes, read from the sources. */
function codesInSources(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of globSync('packages/*/src/**/*.ts', { cwd: root })) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, name, body] of text.matchAll(/export type (\w+Error)Code =([^;]+);/g)) {
      found.set(
        name as string,
        [...(body as string).matchAll(/'([^']+)'/g)].map(([, code]) => code as string),
      );
    }
  }
  return found;
}

/** Error class → its codes, read from the reference page. */
function codesInPage(): Map<string, string[]> {
  const page = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8');
  return new Map(
    page
      .split(/^## /m)
      .slice(1)
      .map((section) => [
        /`(\w+)`/.exec(section)?.[1] ?? '',
        [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, code]) => code as string),
      ]),
  );
}

test('the reference page lists every error code, and no other', () => {
  const sources = codesInSources();
  assert.ok(sources.size >= 5, 'the sources were found');
  const sorted = (codes: Map<string, string[]>) =>
    Object.fromEntries([...codes].map(([name, list]) => [name, [...list].sort()] as const).sort());
  assert.deepEqual(sorted(codesInPage()), sorted(sources));
});
