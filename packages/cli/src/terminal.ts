import type { Logger } from '@perch/runtime';
import { type LogLevel, makeLogger } from './log.ts';

/** What a command sees of the world: its output, its environment. Tests pass their own. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: NodeJS.ProcessEnv;
}

/** What a command's action is given: the terminal, and where its exit code goes. */
export interface Run {
  readonly terminal: Terminal;
  exitCode: number;
}

/** What a person or a program asked for goes to standard output, everything else to standard error. */
export function loggerFor(terminal: Terminal, options: { level: LogLevel; json: boolean }): Logger {
  return makeLogger({ ...options, write: (line) => terminal.stderr.write(line) });
}

/** One JSON document a line. */
export const writeJson = (terminal: Terminal, value: unknown): void => {
  terminal.stdout.write(`${JSON.stringify(value)}\n`);
};

/** Columns, left-aligned, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
