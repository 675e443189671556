/** Every code of {@link RuleError}. `docs/reference/errors.md` explains each. */
export type RuleErrorCode =
  | 'bad-rule'
  | 'file-refused'
  | 'no-such-rule'
  | 'read-only'
  | 'api-is-local'
  | 'too-many'
  | 'not-saved';

/** Each code as a status of HTTP. */
export const ruleStatuses: { readonly [K in RuleErrorCode]: number } = {
  'bad-rule': 400,
  'file-refused': 400,
  'no-such-rule': 404,
  'read-only': 409,
  'api-is-local': 403,
  'too-many': 507,
  'not-saved': 507,
};

/** Why a rule was not taken. Nothing has changed, neither in memory nor on disk. */
export class RuleError extends Error {
  override readonly name = 'RuleError';
  readonly code: RuleErrorCode;

  constructor(code: RuleErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
