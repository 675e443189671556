import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Millis, millis } from '@perch/runtime';

// RFC 7519 (claims) and RFC 7515 (signature, compact form), as far as the older systems' tokens go: one shared secret,
// HMAC. Written here because Node has the HMAC, the whole is shorter than the use of a library, and it answers at once:
// a token that is a connection's first message is judged before the second one is looked at.

/** What a token that holds says. */
export interface Claims {
  readonly [name: string]: unknown;
  /** `exp`, on the wall clock. */
  readonly expires: Millis;
}

/** `why` ends a sentence that begins with "the token": it is for whoever holds the token. */
export type JwtVerdict =
  | { readonly kind: 'valid'; readonly claims: Claims }
  | { readonly kind: 'invalid'; readonly why: string };

/** RFC 7518 3.2. Nothing else is taken: neither `none` nor a public key's algorithm. */
const hashes: Readonly<Record<string, string>> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' };

/** A longer one is not looked at. */
const MOST_CHARS = 8_192;

/** Whether a text has the shape of a token: three parts in base64url, parted by dots. The last is empty with `none`. */
export const looksLikeJwt = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);

/**
 * Judges a token: its shape, its signature, and then whether it is its time.
 *
 * @param options.now on the wall clock; a token must have `exp`, and it is obeyed to the millisecond.
 */
export function verifyJwt(options: { token: string; secret: string | Uint8Array; now: Millis }): JwtVerdict {
  const { token, secret, now } = options;
  if (secret.length === 0) throw new TypeError('secret: an empty one would let everybody in');
  if (token.length > MOST_CHARS) return invalid(`has more than ${MOST_CHARS} characters`);
  if (!looksLikeJwt(token)) return invalid('is no JWT: it has not three parts in base64url');
  const [header = '', payload = '', signature = ''] = token.split('.');

  const { alg, crit } = parse(header) ?? {};
  const hash = typeof alg === 'string' && Object.hasOwn(hashes, alg) ? hashes[alg] : undefined;
  if (!hash) return invalid(`is signed by ${name(alg)}: only HS256, HS384 and HS512 are taken`);
  // RFC 7515 4.1.11: what must be understood and is not makes it invalid.
  if (crit !== undefined) return invalid('demands an extension (crit) that is not known here');
  const right = createHmac(hash, secret).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== right.length || !timingSafeEqual(given, right)) {
    return invalid('is not signed with our secret');
  }

  const claims = parse(payload);
  if (!claims) return invalid('has no JSON object as its claims');
  for (const claim of ['exp', 'nbf', 'iat']) {
    if (claims[claim] !== undefined && !isDate(claims[claim])) return invalid(`has no number in ${claim}`);
  }
  if (!isDate(claims.exp)) return invalid('has no exp: it must say when it ends');
  const expires = millis(claims.exp * 1000);
  if (expires <= now) return invalid(`has expired at ${iso(expires)}; it is ${iso(now)} here`);
  if (isDate(claims.nbf) && claims.nbf * 1000 > now) {
    return invalid(`is not valid before ${iso(claims.nbf * 1000)}; it is ${iso(now)} here`);
  }
  return { kind: 'valid', claims: { ...claims, expires } };
}

/** The audiences of a token: `aud` is a text or a list of texts (RFC 7519 4.1.3). */
export function audiences({ aud }: Claims): readonly string[] {
  const list = Array.isArray(aud) ? aud : [aud];
  return list.filter((entry) => typeof entry === 'string' && entry !== '');
}

const invalid = (why: string): JwtVerdict => ({ kind: 'invalid', why });

function parse(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // no JSON: the caller says what was expected
  }
}

/** RFC 7519 2, NumericDate: seconds since 1970, within what a date can be. */
const isDate = (value: unknown): value is number => typeof value === 'number' && Math.abs(value) <= 8.64e12;

const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** What a token calls its algorithm, short enough to be repeated to it. */
const name = (alg: unknown): string =>
  typeof alg === 'string' && /^[\w-]{1,16}$/.test(alg) ? `"${alg}"` : 'nothing that is known';
