import { HASH_BYTES, type ScryptCost } from './scrypt.ts';

/** A password as it is kept: its hash, with what it takes to make the same again. */
export interface KeptPassword extends ScryptCost {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** `scrypt$17$8$1$SALT$HASH`, both in base64url. */
export const encodeKept = ({ cost, blockSize, parallel, salt, hash }: KeptPassword): string =>
  ['scrypt', cost, blockSize, parallel, salt.toString('base64url'), hash.toString('base64url')].join('$');

/** @returns `undefined` where it is something else, or would cost more than ours. */
export function decodeKept(text: string): KeptPassword | undefined {
  const match = /^scrypt\$(1[0-7])\$(8)\$(1)\$([\w-]{22})\$([\w-]{43})$/.exec(text);
  if (!match) return undefined;
  const hash = Buffer.from(match[5] as string, 'base64url');
  if (hash.length !== HASH_BYTES) return undefined;
  return {
    cost: Number(match[1]),
    blockSize: Number(match[2]),
    parallel: Number(match[3]),
    salt: Buffer.from(match[4] as string, 'base64url'),
    hash,
  };
}
