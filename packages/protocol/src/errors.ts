/** Every code of {@link ProtocolError}. `docs/reference/errors.md` explains each. */
export type ProtocolErrorCode =
  | 'bad-wire-header'
  | 'bad-control'
  | 'bad-session-answer'
  | 'bad-agent-message'
  | 'bad-capture-message'
  | 'bad-capture-frame';

/** What a peer sent is not what this protocol says. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** WebSocket close codes as Perch uses them (RFC 6455 7.4). */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  policy: 1008,
  tooBig: 1009,
  internal: 1011,
  tryAgainLater: 1013,
  /** Not allowed: no token, or a wrong, used or expired code. */
  unauthorised: 4401,
  /** Another publisher took over. */
  replaced: 4409,
} as const;

/** Whether a peer that closed with `code` said that trying again at once is pointless (COMPAT V12). */
export const isRefusal = (code: number): boolean =>
  code === closeCodes.policy || code === closeCodes.tryAgainLater || (code >= 4400 && code <= 4499);
