import { createHash, randomBytes } from 'node:crypto';

/** A new secret of 256 random bits. Only its hash is ever kept. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/**
 * SHA-256, hex. Enough for secrets that are random and long; a person's password would need more. Looked up as it is:
 * how long that takes says something about the hash, from which nobody comes back to the secret.
 */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');
