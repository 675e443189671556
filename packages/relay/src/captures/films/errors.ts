/**
 * `tool`: ffmpeg is not there. `media`: the files cannot be made into that. `nothing`: there is nothing to show.
 * `busy`: too much waits. `stopped`: the relay stops, or it took too long.
 */
export type FilmErrorCode = 'tool' | 'media' | 'nothing' | 'busy' | 'stopped';

/** A film, or a picture of it, cannot be made. The message says why, and what to do. */
export class FilmError extends Error {
  override readonly name = 'FilmError';
  readonly code: FilmErrorCode;

  constructor(code: FilmErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export const STOPPED = new FilmError('stopped', 'it was not made: the relay stops, or it took too long');
