import { loadIdentity, saveIdentity } from './stored-identity.ts';

/** What others than the agent may know of its identity: no key. */
export interface KeptIdentity {
  readonly device: string;
  readonly relays: readonly string[];
  /** The authority that signed its certificate, PEM. */
  readonly ca: string;
}

/** Reads the identity in an agent's directory; `undefined` where there is none. @throws {AgentError} `identity-corrupt`. */
export async function identityIn(data: string): Promise<KeptIdentity | undefined> {
  const stored = await loadIdentity(data);
  return stored && { device: stored.device, relays: stored.relays, ca: stored.ca };
}

/**
 * Tells an identity where its relay is now, for an agent that starts next.
 *
 * @param relay `http://127.0.0.1:8080`
 */
export async function setRelayIn(data: string, relay: string): Promise<void> {
  const stored = await loadIdentity(data);
  if (!stored || (stored.relays.length === 1 && stored.relays[0] === relay)) return;
  await saveIdentity(data, { ...stored, relays: [relay] });
}
