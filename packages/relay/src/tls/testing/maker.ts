import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, silentLogger } from '@perch/runtime';
import { parseDatabaseAddress } from '../../storage/address.ts';
import type { Database } from '../../storage/database.ts';
import { openDatabase } from '../../storage/open.ts';
import { Ca, newKeyPair } from '../ca.ts';
import type { ServerCertificate } from '../certificate.ts';

/** A directory for one test file; makes databases and certificates in it. */
export class Maker implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'perch-tls-'));
  #count = 0;

  /** @param url of a database; without it a new SQLite file. */
  database(url = `sqlite:${this.directory}/${++this.#count}.db`): Promise<Database> {
    return openDatabase({ address: parseDatabaseAddress(url, this.directory), logger: silentLogger });
  }

  /** A certificate of somebody's authority, with its key, good for so many days from the clock's now. */
  async certificate(clock: Clock, days: number, names = ['relay.example']): Promise<ServerCertificate> {
    await using database = await this.database();
    const ca = await Ca.open({
      ...{ database, name: 'somebody', title: 'Somebody', usage: 'server', clock },
      names,
    });
    const { publicKey, privateKey } = newKeyPair();
    const { pem } = await ca.issue({ subject: { commonName: 'relay' }, names, publicKey, days });
    return { cert: pem, key: privateKey };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
