/** Longest name of a person, a passkey or a household, in characters. */
export const NAME_CHARS = 64;

/** A name as it is kept: without blanks at its ends, single ones inside. @returns `undefined` where it is none. */
export function cleanName(text: string): string | undefined {
  const name = text.normalize('NFC').replace(/\s+/g, ' ').trim();
  const isName = name !== '' && [...name].length <= NAME_CHARS && !/[\p{Cc}\p{Cf}@]/u.test(name);
  return isName ? name : undefined;
}

/** What two names have in common that are the same to people. */
export const nameKey = (name: string): string => name.normalize('NFKC').toLowerCase();

/** What {@link cleanName} takes, in words. */
export const NAME_RULE = `a name has 1 to ${NAME_CHARS} characters, none of them @`;

/**
 * Whom somebody means who signs in: `Anna` of the first household, `Anna@lab` of another.
 *
 * @returns both as keys, see {@link nameKey}; `household` absent: the first.
 */
export function parseSignInName(text: string): { readonly user: string; readonly household?: string } {
  const [user = '', household, ...more] = text.split('@').map((part) => nameKey(cleanName(part) ?? ''));
  // Nobody has a name without letters.
  if (more.length > 0) return { user: '' };
  return household === undefined ? { user } : { user, household };
}
