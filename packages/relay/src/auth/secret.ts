import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A new secret of 256 random bits. Only its hash is ever kept. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** SHA-256, hex. Enough for secrets that are random and long; a person's password would need more. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Compares two hashes in a time that says nothing about where they differ. */
export function sameHash(a: string, b: string): boolean {
  const x = Buffer.from(a);
  const y = Buffer.from(b);
  return x.length === y.length && timingSafeEqual(x, y);
}
