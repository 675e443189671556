/** What was looked at, and what was found. */
export interface Finding {
  readonly name: string;
  /** *missing* must be put right; *optional* only takes something away; *skipped* says nothing. */
  readonly state: 'ok' | 'missing' | 'optional' | 'skipped';
  readonly words: string;
  /** What to do about it. */
  readonly todo?: string;
}

const signs = { ok: '✓', missing: '✗', optional: '–', skipped: '·' } as const;

/** One finding a line, what to do below it. */
export function findingText({ name, state, words, todo }: Finding): string {
  return `${signs[state]} ${name.padEnd(12)} ${words}\n${todo === undefined ? '' : `${' '.repeat(15)}→ ${todo}\n`}`;
}
