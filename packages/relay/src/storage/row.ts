import { RelayError } from '../errors.ts';

/** One row of an answer. Asks for a column say what they expect; anything else is damage. */
export class Row {
  readonly #columns: Readonly<Record<string, unknown>>;

  constructor(columns: Readonly<Record<string, unknown>>) {
    this.#columns = columns;
  }

  text(column: string): string {
    const value = this.#columns[column];
    if (typeof value === 'string') return value;
    throw this.#unexpected(column, 'text');
  }

  number(column: string): number {
    const value = this.#columns[column];
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    throw this.#unexpected(column, 'a whole number');
  }

  optionalText(column: string): string | undefined {
    return this.#isEmpty(column) ? undefined : this.text(column);
  }

  optionalNumber(column: string): number | undefined {
    return this.#isEmpty(column) ? undefined : this.number(column);
  }

  /** All of it, as it is: for copying. */
  values(): Readonly<Record<string, string | number | null>> {
    for (const [column, value] of Object.entries(this.#columns)) {
      const isValue = value === null || typeof value === 'string' || Number.isSafeInteger(value);
      if (!isValue) throw this.#unexpected(column, 'text, a whole number or nothing');
    }
    return this.#columns as Readonly<Record<string, string | number | null>>;
  }

  #isEmpty(column: string): boolean {
    return this.#columns[column] === null;
  }

  #unexpected(column: string, wanted: string): RelayError {
    const is = column in this.#columns ? `a ${typeof this.#columns[column]}` : 'not there';
    return new RelayError(
      'data-damaged',
      `The relay's database holds something else than the relay wrote: column ${column} must be ${wanted} and is ${is}. Put back a copy from before.`,
    );
  }
}
