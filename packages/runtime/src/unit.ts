/** A number that carries its unit in its type, so that seconds are never added to milliseconds by mistake. */
export type Unit<U extends string> = number & { readonly __unit: U };

/** Milliseconds, fractions allowed. */
export type Millis = Unit<'ms'>;

/** Names a plain number as milliseconds. */
export const millis = (value: number): Millis => value as Millis;
