import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';

/** What an authenticator is asked; of the options of WebAuthn only what it looks at. */
export interface Asked {
  readonly challenge: string;
}

/**
 * A passkey made in software, as a browser and its authenticator together answer for it: ES256, no attestation
 * (https://www.w3.org/TR/webauthn-3/). Each field can be made wrong.
 */
export class Authenticator {
  readonly id = randomBytes(16);
  readonly #key: KeyObject;
  readonly #x: Buffer;
  readonly #y: Buffer;
  counter = 0;
  isVerified = true;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    this.#key = privateKey;
    this.#x = Buffer.from(x, 'base64url');
    this.#y = Buffer.from(y, 'base64url');
  }

  /** Answers `navigator.credentials.create`. */
  create(asked: Asked, origin: string): object {
    const { hostname } = new URL(origin);
    const id = Buffer.concat([Buffer.alloc(16), u16(this.id.length), this.id, this.#publicKey]);
    const authData = Buffer.concat([this.#authData(hostname, 0x40), id]);
    // CBOR: {"fmt": "none", "attStmt": {}, "authData": bytes}
    const attestationObject = Buffer.concat([
      Buffer.from([0xa3]),
      text('fmt'),
      text('none'),
      text('attStmt'),
      Buffer.from([0xa0]),
      text('authData'),
      Buffer.concat([Buffer.from([0x59]), u16(authData.length), authData]),
    ]);
    return this.#credential({
      clientDataJSON: clientData('webauthn.create', asked, origin).toString('base64url'),
      attestationObject: attestationObject.toString('base64url'),
      transports: ['internal'],
    });
  }

  /** Answers `navigator.credentials.get`. */
  get(asked: Asked, origin: string, user = 'owner'): object {
    this.counter++;
    const authData = this.#authData(new URL(origin).hostname, 0);
    const data = clientData('webauthn.get', asked, origin);
    const signer = createSign('sha256').update(authData).update(sha256(data));
    return this.#credential({
      clientDataJSON: data.toString('base64url'),
      authenticatorData: authData.toString('base64url'),
      signature: signer.sign(this.#key).toString('base64url'),
      userHandle: Buffer.from(user).toString('base64url'),
    });
  }

  #credential(response: object): object {
    const id = this.id.toString('base64url');
    return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response };
  }

  /** 6.1: hash of the relying party's id, flags, counter. */
  #authData(hostname: string, flags: number): Buffer {
    const present = 0x01 | (this.isVerified ? 0x04 : 0);
    return Buffer.concat([sha256(Buffer.from(hostname)), Buffer.from([present | flags]), u32(this.counter)]);
  }

  /** COSE (RFC 9053): {1: 2, 3: -7, -1: 1, -2: x, -3: y}. */
  get #publicKey(): Buffer {
    const head = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
    return Buffer.concat([Buffer.from(head), this.#x, Buffer.from([0x22, 0x58, 0x20]), this.#y]);
  }
}

const clientData = (type: string, { challenge }: Asked, origin: string): Buffer =>
  Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

const text = (word: string): Buffer => Buffer.concat([Buffer.from([0x60 + word.length]), Buffer.from(word)]);

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
