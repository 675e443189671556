import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError, dataError, systemCode } from './errors.ts';

/**
 * The secret that callers from beyond loopback show, from `DIR/agent-token`; made at the first start that needs it.
 *
 * @throws {AgentError} `token-unreadable`, `data-not-writable`, `disk-full`.
 */
export async function loadToken(directory: string): Promise<{ path: string; token: string; isNew: boolean }> {
  const path = join(directory, 'agent-token');
  try {
    const token = (await readFile(path, 'utf8')).trim();
    if (token.length >= 16) return { path, token, isNew: false };
    throw new AgentError(
      'token-unreadable',
      `${path} holds no token of 16 characters or more: delete it to get a new one`,
    );
  } catch (error) {
    if (error instanceof AgentError) throw error;
    if (systemCode(error) !== 'ENOENT') throw dataError(path, error);
  }
  const token = randomBytes(32).toString('base64url');
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${token}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw dataError(path, cause);
  }
  return { path, token, isNew: true };
}
