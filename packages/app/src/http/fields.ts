/**
 * A JSON object from outside, field by field. A field that is missing or of another kind is what the reader says
 * in its place, so that a relay that is older or newer than the app never breaks a page.
 */
export class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    this.#fields = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  }

  /** Whether the field is there, and not null. */
  has(name: string): boolean {
    return this.#fields[name] !== undefined && this.#fields[name] !== null;
  }

  text(name: string, otherwise = ''): string {
    const value = this.#fields[name];
    return typeof value === 'string' ? value : otherwise;
  }

  maybeText(name: string): string | undefined {
    const value = this.#fields[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  number(name: string, otherwise = 0): number {
    return this.maybeNumber(name) ?? otherwise;
  }

  maybeNumber(name: string): number | undefined {
    const value = this.#fields[name];
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  }

  flag(name: string): boolean {
    return this.#fields[name] === true;
  }

  maybeFlag(name: string): boolean | undefined {
    const value = this.#fields[name];
    return typeof value === 'boolean' ? value : undefined;
  }

  /** A time in ISO 8601, as milliseconds since 1970. */
  time(name: string): number | undefined {
    const at = Date.parse(this.text(name));
    return Number.isNaN(at) ? undefined : at;
  }

  oneOf<T extends string>(name: string, known: readonly T[], otherwise: T): T {
    return known.find((word) => word === this.#fields[name]) ?? otherwise;
  }

  object(name: string): Fields {
    return new Fields(this.#fields[name]);
  }

  texts(name: string): string[] {
    return listOf(this.#fields[name]).filter((entry) => typeof entry === 'string');
  }

  numbers(name: string): number[] {
    return listOf(this.#fields[name]).filter((entry) => typeof entry === 'number');
  }

  /** The entries of a list, without those that `decode` has no use for. */
  list<T>(name: string, decode: (fields: Fields) => T | undefined): T[] {
    return decodeList(this.#fields[name], decode);
  }

  /** Names and values of an object that is a map. */
  entries(name: string): [string, unknown][] {
    return Object.entries(Object(this.#fields[name] ?? {}));
  }
}

/** The entries of a JSON list, without those that `decode` has no use for; of anything else none. */
export function decodeList<T>(value: unknown, decode: (fields: Fields) => T | undefined): T[] {
  return listOf(value).flatMap((entry) => {
    const decoded = decode(new Fields(entry));
    return decoded === undefined ? [] : [decoded];
  });
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
