/** Every code of {@link CameraError}. `docs/reference/errors.md` explains each. */
export type CameraErrorCode = 'camera-none' | 'camera-absent' | 'camera-unreachable';

/** Why a command was not handed to the camera program. The message says what to do. */
export class CameraError extends Error {
  override readonly name = 'CameraError';
  readonly code: CameraErrorCode;

  constructor(code: CameraErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
