import { ProtocolError } from '../errors.ts';
import { channelLimits } from './limits.ts';

/** What a field must be, with the words for one that is not. */
export interface Shape<T> {
  readonly words: string;
  readonly fits: (value: unknown) => value is T;
}

/** A message as it came: a JSON object of which nothing is known but its type. */
export class Fields {
  readonly #record: Readonly<Record<string, unknown>>;
  /** What it is about. */
  readonly type: string;

  /** @throws {ProtocolError} `bad-agent-message` where the text is no JSON object with a type, or nested too deep. */
  constructor(text: string) {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw bad('a message is a JSON object', { cause });
    }
    if (!isRecord(value)) throw bad('a message is a JSON object');
    if (typeof value.type !== 'string') throw bad('`type` must be a string');
    if (!isShallow(value, channelLimits.jsonDepth)) {
      throw bad(`JSON is nested deeper than ${channelLimits.jsonDepth} levels`);
    }
    this.#record = value;
    this.type = value.type;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#record, name);
  }

  /** @throws {ProtocolError} `bad-agent-message` that names the field. */
  read<T>(name: string, shape: Shape<T>): T {
    const value = this.has(name) ? this.#record[name] : undefined;
    if (shape.fits(value)) return value;
    throw bad(`\`${name}\` of a message \`${this.type.slice(0, 40)}\` must be ${shape.words}`);
  }
}

const bad = (words: string, options?: ErrorOptions) => new ProtocolError('bad-agent-message', words, options);

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether JSON is nested at most so deep: deeper than some thousand levels it could not be written again. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1));
}

/** A string of at most so many characters. */
export const text = (most: number): Shape<string> => ({
  words: `a string of at most ${most} characters`,
  fits: (value): value is string => typeof value === 'string' && value.length <= most,
});

export const whole: Shape<number> = {
  words: 'a whole number from 0 up',
  fits: (value): value is number => Number.isSafeInteger(value) && (value as number) >= 0,
};

export const amount: Shape<number> = {
  words: 'a number',
  fits: (value): value is number => typeof value === 'number' && Number.isFinite(value),
};

export const truth: Shape<boolean> = {
  words: 'true or false',
  fits: (value) => typeof value === 'boolean',
};

export const oneOf = <T extends string>(words: readonly T[]): Shape<T> => ({
  words: `one of ${words.join(', ')}`,
  fits: (value): value is T => words.some((word) => word === value),
});

export const present: Shape<unknown> = {
  words: 'there',
  fits: (value): value is unknown => value !== undefined,
};

export const record: Shape<Readonly<Record<string, unknown>>> = {
  words: 'a JSON object',
  fits: isRecord,
};

/** A list of at most so many, each of one shape. */
export const listOf = <T>(shape: Shape<T>, most: number): Shape<readonly T[]> => ({
  words: `a list of at most ${most}, each ${shape.words}`,
  fits: (value): value is readonly T[] =>
    Array.isArray(value) && value.length <= most && value.every((each) => shape.fits(each)),
});
