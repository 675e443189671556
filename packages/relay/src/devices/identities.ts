import { verify, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { callerAddress } from '../auth/caller.ts';
import type { DeviceIdentity } from '../people/caller.ts';
import { authorization } from '../people/callers.ts';
import type { Verdict } from '../tls/ca.ts';
import type { DeviceAuthority } from './authority.ts';
import type { Challenges } from './challenges.ts';
import type { Devices } from './devices.ts';

const SCHEME = /^Perch-Device\s+/i;
/** A certificate takes some 700 characters, nonce and signature 160. */
const MOST_CHARS = 4_096;
/** What is signed says what for, so that no other signature of the key can stand in for it. */
const SIGNED = 'perch-device\n';

/** Who shows an identity: a device, or why it is none, in words for its owner. */
type Finding = DeviceIdentity | { readonly why: string } | undefined;

/**
 * Finds out which device asks: by the certificate of its TLS connection where this relay ends it, else by a challenge
 * that the certificate's key has signed: `Authorization: Perch-Device <certificate, DER>.<nonce>.<signature>`, each in
 * base64url, the signature being ECDSA with SHA-256 over `perch-device`, a line feed, and the nonce.
 */
export class Identities {
  readonly #devices: Devices;
  readonly #authority: DeviceAuthority;
  readonly #challenges: Challenges;
  /** Each request is looked at once: a nonce is spent then. */
  readonly #found = new WeakMap<IncomingMessage, Promise<Finding>>();
  readonly #reasons = new WeakMap<IncomingMessage, string>();

  constructor(options: { devices: Devices; authority: DeviceAuthority; challenges: Challenges }) {
    this.#devices = options.devices;
    this.#authority = options.authority;
    this.#challenges = options.challenges;
  }

  /** The device that asks; `undefined` where none does, or none that is enrolled here ({@link whyNot}). */
  async identify(request: IncomingMessage): Promise<DeviceIdentity | undefined> {
    let finding = this.#found.get(request);
    if (!finding) {
      finding = this.#look(request);
      this.#found.set(request, finding);
    }
    const found = await finding;
    if (!found || 'device' in found) return found;
    this.#reasons.set(request, found.why);
    return undefined;
  }

  /** Why an identity that was shown is not good. Known when {@link identify} has answered. */
  whyNot(request: IncomingMessage): string | undefined {
    return this.#reasons.get(request);
  }

  async #look(request: IncomingMessage): Promise<Finding> {
    const { authorization: shown = '' } = request.headers;
    if (SCHEME.test(shown)) return this.#lookAtSigned(shown.replace(SCHEME, ''), request);
    // Who brings a token speaks by that.
    if (authorization(request.headers) !== undefined) return undefined;
    const { socket } = request;
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    return certificate && this.#lookAtCertificate(certificate, request);
  }

  async #lookAtSigned(shown: string, request: IncomingMessage): Promise<Finding> {
    const [der = '', nonce = '', signature = '', ...more] = shown.split('.');
    const certificate = shown.length > MOST_CHARS || more.length > 0 ? undefined : readCertificate(der);
    if (!certificate) return { why: MALFORMED };
    if (!(await this.#challenges.isFresh(nonce))) return { why: STALE };
    if (!isSigned(certificate, nonce, signature)) return { why: UNSIGNED };
    const found = await this.#lookAtCertificate(certificate, request);
    // Last, so that only devices can fill the list of what was used.
    const isFirst = found && 'device' in found ? await this.#challenges.spend(nonce) : true;
    return isFirst ? found : { why: REPLAYED };
  }

  async #lookAtCertificate(certificate: X509Certificate, request: IncomingMessage): Promise<Finding> {
    const verdict = (await this.#authority.ca()).judge(certificate);
    if (verdict.kind !== 'valid') return { why: inWords(verdict) };
    const { serial, subject } = verdict;
    const device = await this.#devices.find(subject.commonName);
    if (!device)
      return { why: `the device ${subject.commonName} was removed here; enrol it again with a new code` };
    this.#devices.seen(device, callerAddress(request));
    // Without an end: what is open rests on the device, whose certificates come and go.
    return { device: device.id, household: device.household, certificateId: serial };
  }
}

function readCertificate(base64: string): X509Certificate | undefined {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64url'));
  } catch {
    return undefined; // no certificate
  }
}

function isSigned({ publicKey }: X509Certificate, nonce: string, signature: string): boolean {
  try {
    return verify('sha256', Buffer.from(SIGNED + nonce), publicKey, Buffer.from(signature, 'base64url'));
  } catch {
    return false; // a key that signs in no way that we know
  }
}

function inWords(verdict: Exclude<Verdict, { kind: 'valid' }>): string {
  switch (verdict.kind) {
    case 'foreign':
      return "the certificate is not one of this relay's devices; is this the relay that the device was enrolled at?";
    case 'not-yet':
      return `the device's certificate is good from ${dateOf(verdict.from)} on, which this relay's clock has not reached; set the relay's clock`;
    case 'expired':
      return `the device's certificate ended at ${dateOf(verdict.until)}; enrol the device again with a new code`;
  }
}

const dateOf = (ms: number): string => new Date(ms).toISOString();

const MALFORMED = 'Perch-Device: a certificate, a nonce and a signature are needed, parted by dots';
const STALE = 'the nonce is not one that this relay gave in the last minute; ask for a new one';
const UNSIGNED = "the signature is not that of the certificate's key";
const REPLAYED = 'the nonce has been used; ask for a new one';
