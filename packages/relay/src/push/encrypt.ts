// RFC 8291, Message Encryption for Web Push, in one record of RFC 8188 (aes128gcm).
import { createCipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';

/** What a browser gives to have messages encrypted for it. Base64url, as `PushSubscription.toJSON()` has them. */
export interface BrowserKeys {
  /** Its P-256 point, uncompressed: 65 bytes. */
  readonly p256dh: string;
  /** 16 bytes that only it and we know. */
  readonly auth: string;
}

const SALT_BYTES = 16;
const POINT_BYTES = 65;
const AUTH_BYTES = 16;
/** RFC 8291 4: what a push service has to take as a whole. */
const MOST_BODY_BYTES = 4_096;
const RECORD_BYTES = MOST_BODY_BYTES;
/** Messages are filled up to a multiple of this, so that their length says little of what is in them. */
const STEP_BYTES = 512;

/**
 * Encrypts a message so that only the browser can read it: the push service in between cannot.
 *
 * @throws {TypeError} where the keys are no keys, or the text is longer than push services take.
 */
export function encrypt(text: string, { p256dh, auth }: BrowserKeys): Buffer {
  const theirs = Buffer.from(p256dh, 'base64url');
  const secret = Buffer.from(auth, 'base64url');
  if (secret.length !== AUTH_BYTES) throw new TypeError(`auth: it must be ${AUTH_BYTES} bytes`);
  if (theirs.length !== POINT_BYTES) throw new TypeError(`p256dh: it must be ${POINT_BYTES} bytes`);
  const ours = createECDH('prime256v1');
  const own = ours.generateKeys();
  const shared = agree(ours, theirs);

  // RFC 8291 3.4: the browser's secret goes in first, so that the two public keys alone open nothing.
  const context = Buffer.concat([Buffer.from('WebPush: info\0'), theirs, own]);
  const inputKey = derive(secret, shared, context, 32);
  const salt = randomBytes(SALT_BYTES);
  const key = derive(salt, inputKey, Buffer.from('Content-Encoding: aes128gcm\0'), 16);
  const nonce = derive(salt, inputKey, Buffer.from('Content-Encoding: nonce\0'), 12);

  // RFC 8188 2.1: salt, record size, length of the key id, and as that our public key.
  const header = Buffer.concat([salt, Buffer.alloc(4), Buffer.from([POINT_BYTES]), own]);
  header.writeUInt32BE(RECORD_BYTES, SALT_BYTES);
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  const body = Buffer.concat([header, cipher.update(padded(text)), cipher.final(), cipher.getAuthTag()]);
  if (body.length > MOST_BODY_BYTES) throw new TypeError('text: it is longer than a push may be');
  return body;
}

/** Whether these are keys that {@link encrypt} can use: what a browser gave is looked at once. */
export function areKeys(keys: BrowserKeys): boolean {
  try {
    encrypt('', keys);
    return true;
  } catch {
    return false; // of a wrong length, or no point of the curve
  }
}

/** @throws {TypeError} where that is no point of the curve. */
function agree(ours: ReturnType<typeof createECDH>, theirs: Buffer): Buffer {
  try {
    return ours.computeSecret(theirs);
  } catch (cause) {
    throw new TypeError('p256dh: it must be a point of P-256', { cause });
  }
}

/** RFC 5869, with SHA-256. */
const derive = (salt: Buffer, key: Buffer, info: Buffer, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, info, bytes));

/** RFC 8188 2: after the content of the last record comes 2, then zeros. */
function padded(text: string): Buffer {
  const content = Buffer.from(text);
  const record = Buffer.alloc(Math.ceil((content.length + 1) / STEP_BYTES) * STEP_BYTES);
  content.copy(record);
  record[content.length] = 2;
  return record;
}
