import type { Clock } from '@perch/runtime';
import type { Database } from '../storage/database.ts';
import { Households } from './households.ts';
import { Passkeys } from './passkey/passkeys.ts';
import { HashProcess } from './password/hasher.ts';
import { Passwords } from './password/passwords.ts';
import { USUAL_COST } from './password/scrypt.ts';
import { PasswordTable } from './password-table.ts';
import { Users } from './users.ts';

const LEAST_COST = 10;

/** Who the people of this relay are, and by what they show who they are. */
export class People implements AsyncDisposable {
  readonly households: Households;
  readonly users: Users;
  readonly passkeys: Passkeys;
  readonly passwordTable: PasswordTable;
  readonly passwords: Passwords;

  /**
   * @param options.passwordCost N of scrypt is 2 to the power of this.
   * @throws {TypeError} where that is not 10 to 17.
   */
  constructor(options: { database: Database; clock: Clock; passwordCost?: number | undefined }) {
    this.households = new Households(options);
    this.users = new Users(options);
    this.passkeys = new Passkeys(options);
    this.passwordTable = new PasswordTable(options);
    const { passwordCost = USUAL_COST.cost } = options;
    if (!(passwordCost >= LEAST_COST && passwordCost <= USUAL_COST.cost)) {
      throw new TypeError(`passwordCost: ${LEAST_COST} to ${USUAL_COST.cost}`);
    }
    const cost = { ...USUAL_COST, cost: passwordCost };
    this.passwords = new Passwords({ hashing: new HashProcess(), cost });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.passwords[Symbol.asyncDispose]();
  }
}
