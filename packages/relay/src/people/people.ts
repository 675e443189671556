import type { Clock } from '@perch/runtime';
import type { Database } from '../storage/database.ts';
import { Households } from './households.ts';
import { Passkeys } from './passkey/passkeys.ts';
import { type Hashing, HashProcess } from './password/hasher.ts';
import { Passwords } from './password/passwords.ts';
import { PasswordTable } from './password-table.ts';
import { Users } from './users.ts';

/** Who the people of this relay are, and by what they show who they are. */
export class People implements AsyncDisposable {
  readonly households: Households;
  readonly users: Users;
  readonly passkeys: Passkeys;
  readonly passwordTable: PasswordTable;
  readonly passwords: Passwords;

  /** @param options.hashing makes the hashes of passwords; ours from now on. Default: a process of its own. */
  constructor(options: { database: Database; clock: Clock; hashing?: Hashing }) {
    this.households = new Households(options);
    this.users = new Users(options);
    this.passkeys = new Passkeys(options);
    this.passwordTable = new PasswordTable(options);
    this.passwords = new Passwords({ hashing: options.hashing ?? new HashProcess() });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.passwords[Symbol.asyncDispose]();
  }
}
