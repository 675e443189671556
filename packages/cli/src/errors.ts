/** Every code of {@link CliError}. `docs/reference/errors.md` explains each. */
export type CliErrorCode =
  /** Misuse: the command line, the file or the environment says something wrong. Exit code 2. */
  | 'misused'
  /** What was asked for could not be done. Exit code 1. */
  | 'failed';

/** Ends a command with words for the person at the terminal, and an exit code. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get exitCode(): 1 | 2 {
    return this.code === 'misused' ? 2 : 1;
  }
}
