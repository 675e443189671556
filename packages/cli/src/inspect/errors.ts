/** Why an input could not be inspected. */
export type InspectErrorCode =
  | 'inspect-no-such-file'
  | 'inspect-not-allowed'
  | 'inspect-not-a-file'
  | 'inspect-unreachable'
  | 'inspect-refused'
  | 'inspect-not-mpegts'
  | 'inspect-bad-input';

/** An input that could not be opened, or is no transport stream. The message says what to do. */
export class InspectError extends Error {
  override readonly name = 'InspectError';
  readonly code: InspectErrorCode;

  constructor(code: InspectErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}
