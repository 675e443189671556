import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Relay } from '@perch/relay';

const TEN_YEARS_MS = 10 * 365 * 24 * 3_600_000;

/**
 * The token with which the agent of `perch up` publishes to its relay. Kept in `DIR/up-token`, so that a restart adds
 * none; made again where the relay does not know it any more.
 */
export async function uplinkToken(options: { data: string; topic: string; relay: Relay }): Promise<string> {
  const { data, topic, relay } = options;
  const path = join(data, 'up-token');
  const kept = await readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => '', // none yet, or not ours to read: a new one is made
  );
  const known = kept === '' ? undefined : await relay.findToken(kept);
  if (known?.topic === topic) return kept;
  const token = await relay.createToken({ topic, scope: ['write'], ttlMs: TEN_YEARS_MS });
  const fresh = `${path}.new`;
  await writeFile(fresh, `${token}\n`, { mode: 0o600 });
  await rename(fresh, path);
  return token;
}
