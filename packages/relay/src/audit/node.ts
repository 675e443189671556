import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataError, RelayError, systemCode } from '../errors.ts';
import { giveToOwnerOfDirectory } from '../storage/owner.ts';

/**
 * The name of this relay among those that share a database: random, made once, kept in `DIR/node`. It says whose chain
 * of the audit is whose.
 *
 * @throws {RelayError} where the file cannot be written, or holds something else.
 */
export function nodeOf(data: string): string {
  const path = join(data, 'node');
  const kept = read(path) ?? make(path) ?? read(path);
  if (kept !== undefined && /^[0-9a-f]{16}$/.test(kept)) return kept;
  throw new RelayError(
    'data-damaged',
    `${path} does not hold what the relay wrote. Put back a copy from before, or remove it: the relay then begins a new chain in its audit.`,
  );
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw dataError(error, path);
  }
}

/** @returns the new name, or `undefined` where another process was as quick. */
function make(path: string): string | undefined {
  const node = randomBytes(8).toString('hex');
  const fresh = `${path}.${node}`;
  try {
    writeFileSync(fresh, `${node}\n`, { mode: 0o600, flush: true });
    giveToOwnerOfDirectory(fresh);
    linkSync(fresh, path);
    return node;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return undefined;
    throw dataError(error, path);
  } finally {
    rmSync(fresh, { force: true });
  }
}
