import { ProtocolError } from '../errors.ts';
import { captureLimits } from './limits.ts';

/** The fields of one text message, read one by one. Each reader throws {@link ProtocolError} `bad-capture-message`. */
export class Fields {
  readonly #record: Readonly<Record<string, unknown>>;
  readonly #of: string;

  /** @param of what it belongs to, for the words of an error. */
  constructor(record: Readonly<Record<string, unknown>>, of: string) {
    this.#record = record;
    this.#of = of;
  }

  /** The fields of a text message, and its type. */
  static ofMessage(text: string): { readonly type: string; readonly fields: Fields } {
    if (text.length > captureLimits.textBytes) {
      throw bad(`a text message has at most ${captureLimits.textBytes} characters`);
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw bad('a text message is a JSON object', cause);
    }
    if (!isRecord(value)) throw bad('a text message is a JSON object');
    if (typeof value.type !== 'string') throw bad('`type` must be a string');
    return { type: value.type, fields: new Fields(value, `${value.type} message`) };
  }

  has(name: string): boolean {
    return this.#record[name] !== undefined;
  }

  /** A whole number from `least` to `most`. */
  integer(name: string, least: number, most: number): number {
    const value = this.#record[name];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
      return value;
    throw this.#bad(name, `a whole number from ${least} to ${most}`);
  }

  /** Text that matches. `what`: in words what it must be. */
  text(name: string, pattern: RegExp, what: string): string {
    const value = this.#record[name];
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw this.#bad(name, what);
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const value = values.find((known) => known === this.#record[name]);
    if (value !== undefined) return value;
    throw this.#bad(name, `one of ${values.join(', ')}`);
  }

  /** Words for a person: cut where they are too long, without control characters. */
  words(name: string): string {
    const value = this.#record[name];
    if (typeof value !== 'string') throw this.#bad(name, 'text');
    return value.slice(0, captureLimits.reasonChars).replace(/\p{Cc}+/gu, ' ');
  }

  /** The fields of an object within. */
  within(name: string): Fields {
    const value = this.#record[name];
    if (isRecord(value)) return new Fields(value, `\`${name}\` of a ${this.#of}`);
    throw this.#bad(name, 'an object');
  }

  #bad(name: string, what: string): ProtocolError {
    return bad(`\`${name}\` of a ${this.#of} must be ${what}`);
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const bad = (message: string, cause?: unknown): ProtocolError =>
  new ProtocolError('bad-capture-message', message, cause === undefined ? undefined : { cause });
