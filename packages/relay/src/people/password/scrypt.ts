import { scryptSync } from 'node:crypto';

// RFC 7914. With N = 2^17 and r = 8 one hash takes 128 MiB, which is what makes guessing dear:
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt

/** What a hash costs: N is 2 to the power of `cost`. */
export interface ScryptCost {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallel: number;
}

export const USUAL_COST: ScryptCost = { cost: 17, blockSize: 8, parallel: 1 };
export const HASH_BYTES = 32;

/** The hash of a password. Takes its time, on this very thread. */
export function scrypt(password: string, salt: Buffer, { cost, blockSize, parallel }: ScryptCost): Buffer {
  const memory = 128 * 2 ** cost * blockSize;
  return scryptSync(password, salt, HASH_BYTES, {
    N: 2 ** cost,
    r: blockSize,
    p: parallel,
    maxmem: memory + 32 * 1024 * 1024,
  });
}
