import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError, dataError, systemCode } from '../errors.ts';
import { replaceFile } from '../replace-file.ts';

/** Who a device is, as it is kept: one file, so that key and certificate always belong together. */
export interface StoredIdentity {
  /** Its id at the relay: what it publishes is under it. */
  readonly device: string;
  /** What people called it when it was enrolled. */
  readonly name: string;
  /** Addresses of the relays that it was enrolled at, the best first: `https://relay.example`. */
  readonly relays: readonly string[];
  /** PKCS #8, PEM. It never leaves this machine. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
  /** The authority of the devices' certificates, PEM. */
  readonly ca: string;
  /** Who signed the relay's own certificate, PEM, where no public authority did. */
  readonly trust?: string;
  /** Directory that gets `cert.pem` and `key.pem` for older programs. */
  readonly legacy?: string;
}

const fileOf = (data: string): string => join(data, 'identity.json');

/**
 * Reads `DIR/identity.json`.
 *
 * @returns `undefined` where the device was not enrolled.
 * @throws {AgentError} `identity-corrupt`, `data-not-writable`.
 */
export async function loadIdentity(data: string): Promise<StoredIdentity | undefined> {
  const path = fileOf(data);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined;
    throw dataError(path, cause);
  }
  try {
    return decode(JSON.parse(text));
  } catch (cause) {
    throw new AgentError(
      'identity-corrupt',
      `${path} cannot be understood (${(cause as Error).message}): put back a copy, or take it away and enrol the device again with a new code`,
      { cause },
    );
  }
}

/**
 * Keeps an identity in the place of the one before, for its owner's eyes only. When it resolves it is on the disk.
 *
 * @throws {AgentError} `data-not-writable`, `disk-full`: then the one before is still there.
 */
export async function saveIdentity(data: string, identity: StoredIdentity): Promise<void> {
  await write(fileOf(data), `${JSON.stringify({ version: 1, ...identity }, null, 2)}\n`);
  if (identity.legacy !== undefined) {
    // The certificate last: whoever waits for it finds its key.
    await write(join(identity.legacy, 'key.pem'), identity.key);
    await write(join(identity.legacy, 'cert.pem'), identity.certificate);
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await replaceFile(path, text);
  } catch (cause) {
    throw dataError(path, cause);
  }
}

function decode(value: unknown): StoredIdentity {
  const { version, ...rest } = (value ?? {}) as Record<string, unknown>;
  if (version !== 1) throw new TypeError(`its version is ${JSON.stringify(version)}, this program knows 1`);
  const { relays } = rest;
  if (!Array.isArray(relays) || relays.length === 0) throw new TypeError('it has no relays');
  return {
    device: text(rest, 'device'),
    name: text(rest, 'name'),
    relays: relays.map(String),
    key: text(rest, 'key'),
    certificate: text(rest, 'certificate'),
    ca: text(rest, 'ca'),
    ...(rest.trust !== undefined && { trust: text(rest, 'trust') }),
    ...(rest.legacy !== undefined && { legacy: text(rest, 'legacy') }),
  };
}

function text(from: Record<string, unknown>, key: string): string {
  const value = from[key];
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(`it has no ${key}`);
}
