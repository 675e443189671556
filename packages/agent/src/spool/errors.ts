/** Every code of {@link SpoolError}. `docs/reference/errors.md` explains each. */
export type SpoolErrorCode =
  | 'segment-missing'
  | 'segment-not-a-file'
  | 'segment-elsewhere'
  | 'segment-unreadable'
  | 'segment-empty'
  | 'segment-too-large'
  | 'segment-twice'
  | 'spool-full'
  | 'spool-failed'
  | 'spool-in-use'
  | 'spool-closed';

/** Why a segment was not taken, or the spool cannot work. The message names the file and what to do. */
export class SpoolError extends Error {
  override readonly name = 'SpoolError';
  readonly code: SpoolErrorCode;

  constructor(code: SpoolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
