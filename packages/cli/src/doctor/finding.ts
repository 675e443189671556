/** What was looked at, and what was found. */
export interface Finding {
  readonly name: string;
  /** *bad* must be put right; *warn* only takes something away. */
  readonly outcome: 'ok' | 'warn' | 'bad';
  readonly seen: string;
  /** What to do about it. */
  readonly help?: string;
}

export const ok = (name: string, seen: string): Finding => ({ name, outcome: 'ok', seen });
export const warn = (name: string, seen: string, help: string): Finding => ({
  name,
  outcome: 'warn',
  seen,
  help,
});
export const bad = (name: string, seen: string, help: string): Finding => ({
  name,
  outcome: 'bad',
  seen,
  help,
});

const labels = { ok: 'ok', warn: 'warn', bad: 'BAD' } as const;

/** One finding a line, what to do below it. */
export const showFindings = (findings: readonly Finding[]): string =>
  findings
    .map(
      ({ name, outcome, seen, help }) =>
        `${labels[outcome].padEnd(4)}  ${name.padEnd(12)} ${seen}\n${help === undefined ? '' : `${' '.repeat(19)}→ ${help}\n`}`,
    )
    .join('');
