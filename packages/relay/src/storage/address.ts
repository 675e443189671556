import { join, resolve } from 'node:path';

/** Where a database is. */
export type DatabaseAddress =
  | { readonly kind: 'sqlite'; readonly path: string }
  | {
      readonly kind: 'postgres';
      /** With user name and password: never show it. */
      readonly url: string;
      /** The same without password and options, for people. */
      readonly place: string;
    };

const HELP = 'must be sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE';

/**
 * Understands `--database`. Without it the database is `perch.db` in the data directory.
 *
 * @throws {TypeError} that says what it must be. The text itself may hold a password and is not repeated.
 */
export function parseDatabaseAddress(text: string | undefined, data: string): DatabaseAddress {
  if (text === undefined) return { kind: 'sqlite', path: join(data, 'perch.db') };
  if (text.startsWith('sqlite:')) {
    const path = text.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
    if (path === '' || path.startsWith(':') || path.includes('\0')) throw new TypeError(`database: ${HELP}`);
    return { kind: 'sqlite', path: resolve(path) };
  }
  const url = URL.parse(text);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || url.pathname.length < 2) {
    throw new TypeError(`database: ${HELP}`);
  }
  const user = url.username === '' ? '' : `${url.username}@`;
  return { kind: 'postgres', url: text, place: `postgres://${user}${url.host}${url.pathname}` };
}
