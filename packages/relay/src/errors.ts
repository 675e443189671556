/** Every code of {@link RelayError}. `docs/reference/errors.md` explains each. */
export type RelayErrorCode =
  | 'port-in-use'
  | 'port-denied'
  | 'address-unavailable'
  | 'data-denied'
  | 'data-damaged'
  | 'data-locked'
  | 'data-newer'
  | 'disk-full'
  | 'database-unreachable'
  | 'database-denied'
  | 'storage-conflict'
  | 'storage-busy'
  | 'storage-closed'
  | 'storage-failed'
  | 'backup-exists'
  | 'backup-damaged'
  | 'state-exists'
  | 'certificate-unreadable'
  | 'certificate-invalid'
  | 'certificate-refused'
  | 'web-root-unreadable'
  | 'start-failed';

/** The relay cannot start, or cannot keep its state. The message names what is wrong and what to do. */
export class RelayError extends Error {
  override readonly name = 'RelayError';
  readonly code: RelayErrorCode;

  constructor(code: RelayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The system's name for an error (`EACCES` and the like), if it is one of the system's. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** An error of the file system in the data directory, as one of ours. */
export function dataError(error: unknown, path: string): RelayError {
  if (error instanceof RelayError) return error;
  const cause = { cause: error };
  switch (systemCode(error)) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new RelayError(
        'data-denied',
        `${path} cannot be written. Give this user the right to write there, or choose another directory with --data.`,
        cause,
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return new RelayError(
        'data-denied',
        `${path} is no directory, or lies in something that is none. Choose another directory with --data.`,
        cause,
      );
    case 'ENOENT':
      return new RelayError(
        'data-denied',
        `${path} lies in a directory that is not there. Make it, or choose another place with --data.`,
        cause,
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return new RelayError(
        'disk-full',
        `The disk with ${path} is full. Nothing that was kept is lost; make room and try again.`,
        cause,
      );
    default:
      return new RelayError('start-failed', `${path} cannot be used: ${String(error)}`, cause);
  }
}

/** An error of listening, as one of ours. @param flag that which says where to listen. */
export function listenError(error: unknown, host: string, port: number, flag = '--listen'): RelayError {
  if (error instanceof RelayError) return error;
  const cause = { cause: error };
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new RelayError(
        'port-in-use',
        `Port ${port} of ${host} is in use by another program. Stop that, or choose another port with ${flag} HOST:PORT.`,
        cause,
      );
    case 'EACCES':
      return new RelayError(
        'port-denied',
        `This user may not listen on port ${port}. Choose one from 1024 up with ${flag} HOST:PORT, or give the right (CAP_NET_BIND_SERVICE).`,
        cause,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new RelayError(
        'address-unavailable',
        `${host} is no address of this machine. Use 127.0.0.1, or 0.0.0.0 for all, with ${flag} HOST:PORT.`,
        cause,
      );
    default:
      return new RelayError('start-failed', `The relay cannot start: ${String(error)}`, cause);
  }
}
