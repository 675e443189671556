/** Every code of {@link RuleError}. `docs/reference/errors.md` explains each. */
export type RuleErrorCode =
  | 'bad-rule'
  | 'file-refused'
  | 'read-only'
  | 'api-is-local'
  | 'too-many'
  | 'not-saved';

/** Why a rule was not taken. Nothing has changed, neither in memory nor on disk. */
export class RuleError extends Error {
  override readonly name = 'RuleError';
  readonly code: RuleErrorCode;

  constructor(code: RuleErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
