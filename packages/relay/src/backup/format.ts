import type { Value } from '../storage/database.ts';

// A backup is text in lines, gzipped: the header, a line for each row, and how many rows there were.

/** What a reader must know first. */
export interface Header {
  /** Version of the tables, as the migrations count. */
  readonly tables: number;
  /** When it was made, ISO 8601. */
  readonly at: string;
}

/** A row, by column. */
export type RowValues = Readonly<Record<string, Value>>;

/** One line of a backup, understood. */
export type Line =
  | { readonly kind: 'header'; readonly header: Header }
  | { readonly kind: 'row'; readonly table: string; readonly row: RowValues }
  | { readonly kind: 'end'; readonly rows: number };

/** Version of what this file says. */
const FORMAT = 1;

export function encodeLine(line: Line): string {
  switch (line.kind) {
    case 'header':
      return `${JSON.stringify({ perch: 'backup', format: FORMAT, ...line.header })}\n`;
    case 'row':
      return `${JSON.stringify([line.table, line.row])}\n`;
    case 'end':
      return `${JSON.stringify({ rows: line.rows })}\n`;
  }
}

/** @throws {TypeError} where it is no line of a backup that this version knows. */
export function decodeLine(text: string): Line {
  const value: unknown = JSON.parse(text);
  if (Array.isArray(value)) {
    const [table, row] = value as unknown[];
    if (typeof table !== 'string' || !isRow(row)) throw new TypeError('a line is no row of a table');
    return { kind: 'row', table, row };
  }
  const { perch, format, tables, at, rows } = (value ?? {}) as Record<string, unknown>;
  if (typeof rows === 'number') return { kind: 'end', rows };
  if (perch !== 'backup') throw new TypeError('it is no backup of Perch');
  if (format !== FORMAT) throw new TypeError(`its format is ${String(format)}, this version knows ${FORMAT}`);
  if (!Number.isSafeInteger(tables) || typeof at !== 'string') throw new TypeError('its header is not whole');
  return { kind: 'header', header: { tables: tables as number, at } };
}

function isRow(row: unknown): row is RowValues {
  if (typeof row !== 'object' || row === null) return false;
  return Object.values(row).every(
    (value) => value === null || typeof value === 'string' || Number.isSafeInteger(value),
  );
}
