import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/browser';
import {
  browserSupportsWebAuthn,
  startAuthentication,
  startRegistration,
  WebAuthnError,
} from '@simplewebauthn/browser';
import { type Answer, ask, tell } from '../http/ask.ts';
import type { Problem } from '../http/problem.ts';

/** Why passkeys cannot be used on this page, in words; `undefined` where they can. */
export function passkeyObstacle(place: Pick<Location, 'hostname'> = location): string | undefined {
  if (/^[\d.]+$|:/.test(place.hostname)) {
    const advice = place.hostname === '127.0.0.1' ? 'Open http://localhost instead.' : 'Open it by its name.';
    return `Passkeys need a name in the address, not numbers. ${advice}`;
  }
  if (!globalThis.isSecureContext) return 'Passkeys need an https:// address.';
  return browserSupportsWebAuthn() ? undefined : 'This browser knows no passkeys.';
}

/** Signs in by a passkey. */
export async function signInByPasskey(): Promise<Answer<undefined>> {
  const options = await ask('/api/v1/sign-in/passkey/options', asRequestOptions, {
    method: 'POST',
    body: {},
  });
  if (!options.ok) return options;
  try {
    const response = await startAuthentication({ optionsJSON: options.value });
    return await tell('/api/v1/sign-in/passkey', { method: 'POST', body: { response } });
  } catch (error) {
    return { ok: false, problem: passkeyProblem(error) };
  }
}

/** Makes a passkey for whoever is signed in. @param name by which the person knows it later. */
export async function addPasskey(name: string): Promise<Answer<undefined>> {
  const options = await ask('/api/v1/me/passkeys/options', asCreationOptions, { method: 'POST', body: {} });
  if (!options.ok) return options;
  try {
    const response = await startRegistration({ optionsJSON: options.value });
    return await tell('/api/v1/me/passkeys', { method: 'POST', body: { name, response } });
  } catch (error) {
    return { ok: false, problem: passkeyProblem(error) };
  }
}

// The browser itself checks every field of these, so they go to it as they came.
const asRequestOptions = (value: unknown) => value as PublicKeyCredentialRequestOptionsJSON;
const asCreationOptions = (value: unknown) => value as PublicKeyCredentialCreationOptionsJSON;

/** What the browser says where no passkey was shown or made. */
export function passkeyProblem(error: unknown): Problem {
  const name = error instanceof Error ? error.name : '';
  if (error instanceof WebAuthnError && error.code === 'ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED') {
    return refused('There is a passkey of yours on this device already.');
  }
  if (name === 'InvalidStateError') return refused('There is a passkey of yours on this device already.');
  if (name === 'NotAllowedError' || name === 'AbortError') {
    return refused('No passkey was used. Try again, or choose another way.');
  }
  if (name === 'SecurityError') return refused('Passkeys do not work at this address of the relay.');
  return refused('This browser could not use a passkey. Choose another way.');
}

const refused = (words: string): Problem => ({ kind: 'refused', words });
