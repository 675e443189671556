import { randomInt } from 'node:crypto';
import { hashSecret } from '../auth/secret.ts';

/** Crockford's base 32: what people read aloud and type without mistakes. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A new code that enrols a device, such as `K7QM-2WXN`: 40 random bits, enough for the minutes that it lives. */
export function newEnrolmentCode(): string {
  const four = () => Array.from({ length: 4 }, () => LETTERS.charAt(randomInt(LETTERS.length))).join('');
  return `${four()}-${four()}`;
}

/** What is kept of a code. However somebody typed it, and whether he took a 0 for an O, it is the same. */
export const hashEnrolmentCode = (typed: string): string =>
  hashSecret(typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1'));
