import { X509Certificate } from 'node:crypto';
import { AgentError } from '../errors.ts';
import type { Dialer } from '../uplink/dial.ts';
import { explain } from './asking.ts';
import { decodeChallenge } from './relay-answers.ts';

/**
 * Finds the certificate that a pin names: the relay shows it, or is asked for it. Nothing else of this first connection
 * is believed; with the certificate as authority the next one is verified like any other.
 *
 * @param options.pin SHA-256 of a certificate, 64 hex digits, with or without colons.
 * @returns the certificate, PEM.
 * @throws {AgentError} `relay-untrusted` where the relay has none such.
 * @throws {TypeError} where the pin is none.
 */
export async function pinnedCertificate(options: {
  readonly dialer: Dialer;
  /** `https://relay.example` */
  readonly relay: string;
  readonly pin: string;
  readonly now: number;
}): Promise<string> {
  const { dialer, relay, now } = options;
  const pin = options.pin.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(pin)) throw new TypeError('pin: 64 hex digits, as the app shows them');
  const url = `${relay}/api/v1/devices/challenge`;
  const { text, certificates } = await dialer
    .ask(url, { method: 'GET', unverified: true })
    .catch((error: unknown) => {
      throw explain(error, url, now);
    });
  const found = [...certificates, ...certificatesIn(trustOf(text))].find(
    ({ fingerprint256 }) => fingerprint256.replaceAll(':', '').toLowerCase() === pin,
  );
  if (found) return found.toString();
  const shown = certificates.map(({ fingerprint256 }) => fingerprint256).join(', ') || 'none';
  throw new AgentError(
    'relay-untrusted',
    `${new URL(relay).host} is not the relay that the pin names: somebody may be in between. It shows ${shown}`,
  );
}

function trustOf(text: string): string {
  try {
    return decodeChallenge(JSON.parse(text)).trust ?? '';
  } catch {
    return ''; // no relay, or none that says; it is found among those that are shown, or not at all
  }
}

function certificatesIn(pem: string): X509Certificate[] {
  try {
    return pem === '' ? [] : [new X509Certificate(pem)];
  } catch {
    return []; // no certificate, so not the one
  }
}
