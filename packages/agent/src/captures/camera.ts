import type { CameraCommand } from '@perch/protocol';
import type { Clock, Logger } from '@perch/runtime';
import { type CameraAddress, sendDatagram } from './datagram.ts';
import { CameraError } from './errors.ts';

/** The camera program, and whether it was armed last. */
export interface CameraOptions {
  /** Where it listens. Without it there is nobody to tell. */
  readonly address?: CameraAddress;
  /** What was last known, from an earlier run. */
  readonly wasArmed: boolean | undefined;
  /** Keeps what is known now, over restarts. */
  readonly keep: (isArmed: boolean) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Tells the camera program what to do: one datagram a command, exactly `{"command":"arm"}`, `{"command":"disarm"}` or
 * `{"command":"capture"}` (COMPAT 4.3). Commands go one after the other. It remembers whether the camera was armed, also
 * where nobody listened: a list of files is taken only while it was not disarmed.
 */
export class Camera {
  readonly #options: CameraOptions;
  #isArmed: boolean | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: CameraOptions) {
    this.#options = options;
    this.#isArmed = options.wasArmed;
  }

  /** Whether it was armed or disarmed last; undefined where nobody ever said. */
  get isArmed(): boolean | undefined {
    return this.#isArmed;
  }

  /**
   * Resolves when the command was handed over.
   *
   * @throws {CameraError} where there is no camera program, or nobody listens. What is to hold is remembered all the same.
   */
  tell(command: CameraCommand): Promise<void> {
    const told = this.#last.then(() => this.#tell(command));
    this.#last = told.catch(() => {
      // whoever asked hears of it
    });
    return told;
  }

  async #tell(command: CameraCommand): Promise<void> {
    const { address, clock, logger, keep } = this.#options;
    if (command !== 'capture' && this.#isArmed !== (command === 'arm')) {
      this.#isArmed = command === 'arm';
      await keep(this.#isArmed);
    }
    if (!address)
      throw new CameraError(
        'camera-none',
        'this agent knows no camera program: give --cam_addr or --cam_sock',
      );
    try {
      await sendDatagram(JSON.stringify({ command }), address, clock);
    } catch (error) {
      logger.warn('a command was not handed to the camera program', {
        command,
        error: (error as Error).message,
      });
      throw error;
    }
    logger.info('a command was handed to the camera program', { command });
  }
}
