/** Every code of {@link AgentError}. `docs/reference/errors.md` explains each. */
export type AgentErrorCode =
  | 'port-in-use'
  | 'listen-failed'
  | 'data-not-writable'
  | 'disk-full'
  | 'rules-corrupt'
  | 'relays-corrupt'
  | 'token-unreadable'
  | 'ca-unreadable'
  | 'identity-corrupt'
  | 'not-enrolled'
  | 'already-enrolled'
  | 'relay-unreachable'
  | 'relay-untrusted'
  | 'relay-refused'
  | 'clock-wrong'
  | 'bad-setting';

/** Why an agent could not start, or be enrolled. The message names what is wrong and what to do about it. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: AgentErrorCode;
  /** The HTTP status behind it, where there is one. */
  readonly status: number | undefined;

  constructor(code: AgentErrorCode, message: string, options: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.code = code;
    this.status = options.status;
  }
}

/** The `code` of a failed system call, such as `ENOSPC`, or `''`. */
export function systemCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** A file of the data directory could not be read or written: says which, why, and what to do. */
export function dataError(path: string, cause: unknown): AgentError {
  const code = systemCode(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AgentError(
      'disk-full',
      `no space left to write ${path}: free some, or choose another --data`,
      {
        cause,
      },
    );
  }
  const why = code === 'EACCES' || code === 'EPERM' ? 'no permission' : (cause as Error).message;
  return new AgentError(
    'data-not-writable',
    `cannot write ${path} (${why}): let this user write there, or choose another directory with --data`,
    { cause },
  );
}
