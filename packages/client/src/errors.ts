/** Every code of {@link ClientError}. `docs/reference/errors.md` explains each. */
export type ClientErrorCode =
  | 'session-refused'
  | 'session-unreachable'
  | 'dial-failed'
  | 'dial-timeout'
  | 'not-authorised'
  | 'connection-lost';

/** Why a connection to a relay could not be made, or ended. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;
  /** The HTTP status or WebSocket close code behind it, where there is one. */
  readonly status: number | undefined;

  constructor(code: ClientErrorCode, message: string, options: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.code = code;
    this.status = options.status;
  }
}
