import { createECDH, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';

/** https://github.com/web-push-libs/encrypted-content-encoding: somebody else's half of RFC 8188 and 8291. It has no types. */
const ece = createRequire(import.meta.url)('http_ece') as {
  decrypt(body: Buffer, keys: { version: 'aes128gcm'; privateKey: unknown; authSecret: string }): Buffer;
};

/** What a browser is to who sends it pushes: keys, and an address at its maker's push service. */
export class TestBrowser {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
  readonly #ecdh = createECDH('prime256v1');

  constructor(endpoint: string) {
    this.endpoint = endpoint;
    const p256dh = this.#ecdh.generateKeys().toString('base64url');
    this.keys = { p256dh, auth: randomBytes(16).toString('base64url') };
  }

  /** As `PushSubscription.toJSON()`. */
  get subscription() {
    return { endpoint: this.endpoint, expirationTime: null, keys: this.keys };
  }

  /** Decrypts what its push service brought. @throws where it is not for this browser. */
  read(body: Buffer): string {
    const keys = { version: 'aes128gcm', privateKey: this.#ecdh, authSecret: this.keys.auth } as const;
    return ece.decrypt(body, keys).toString();
  }
}
