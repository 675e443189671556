/** One thing that was looked at. */
export interface Finding {
  /** What was looked at, such as `ffmpeg` or `DNS`. */
  readonly name: string;
  /** `bad`: something that was asked for will not work. `warn`: something that may be wanted will not. */
  readonly outcome: 'ok' | 'warn' | 'bad';
  /** What was seen. */
  readonly seen: string;
  /** What to do about it; a command where there is one. */
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

const signs = { ok: 'ok  ', warn: 'note', bad: 'BAD ' } as const;

/** Findings as lines for people. */
export function showFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings
    .map(({ name, outcome, seen, help }) => {
      const line = `${signs[outcome]}  ${name.padEnd(width)}  ${seen}`;
      return help === undefined ? `${line}\n` : `${line}\n${' '.repeat(width + 8)}→ ${help}\n`;
    })
    .join('');
}
