import { type CameraCommand, type CameraState, cameraLimits } from '@perch/protocol';
import { Backoff, type Clock, Emitter, type Logger, type Millis, millis, type Timer } from '@perch/runtime';
import { type CameraAddress, sendDatagram } from './datagram.ts';
import { CameraError } from './errors.ts';

/** The camera program, and whether it was armed last. */
export interface CameraOptions {
  /** Where it listens. Without it there is nobody to tell. */
  readonly address?: CameraAddress;
  /** The agent follows a list of films, which obeys also where there is no camera program. */
  readonly hasList?: boolean;
  /** What was last known, from an earlier run. */
  readonly wasArmed: boolean | undefined;
  /** Keeps what is known now, over restarts. */
  readonly keep: (isArmed: boolean) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What films on this device itself, where there is no camera program. */
export interface OwnFilming {
  /** Whether it watches anything. */
  isOn(): boolean;
  /** Begins a film. @returns whether there was anything to film. */
  film(): boolean;
}

/** What happened to a camera. */
export interface CameraNews {
  /** What {@link Camera.state} says is another. */
  changed: undefined;
}

/**
 * Tells the camera program what to do: one datagram a command, exactly `{"command":"arm"}`, `{"command":"disarm"}` or
 * `{"command":"capture"}` (COMPAT 4.3). Commands go one after the other. It remembers whether the camera was armed, also
 * where nobody listened: a list of files is taken only while it was not disarmed, and the camera program is told again
 * after 1, 2, 4 … 30 s until somebody listens. A `capture` is never made later. Ends with `close`.
 */
export class Camera {
  readonly news = new Emitter<CameraNews>();
  readonly #options: CameraOptions;
  #isArmed: boolean | undefined;
  /** What the camera program was told last; undefined where it may know nothing. */
  #told: boolean | undefined;
  #problem: string | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #retry: Timer | undefined;
  readonly #pauses = new Backoff({
    first: cameraLimits.handOver,
    most: cameraLimits.handOverMost,
    jitter: 0,
  });
  #isClosed = false;
  #own: OwnFilming | undefined;

  constructor(options: CameraOptions) {
    this.#options = options;
    this.#isArmed = options.wasArmed;
  }

  /** Whether it was armed or disarmed last; undefined where nobody ever said. */
  get isArmed(): boolean | undefined {
    return this.#isArmed;
  }

  /** What there is to see. */
  get state(): CameraState {
    return {
      camera: 'camera',
      armed: this.#isArmed ?? null,
      told: this.#told ?? (this.#ownFilms ? this.#isArmed : undefined) ?? null,
      problem: this.#problem ?? null,
      zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    };
  }

  /** Without a camera program, this one films when it is asked for. Until the handle is let go. */
  filmBy(own: OwnFilming): Disposable {
    this.#own = own;
    return {
      [Symbol.dispose]: () => {
        if (this.#own === own) this.#own = undefined;
      },
    };
  }

  /** Tells the camera program what was last known: it may have been started with the agent, and know nothing. */
  handOver(): void {
    const { address, hasList } = this.#options;
    if ((address || hasList) && this.#isArmed !== undefined) this.#handOverSoon(millis(0));
  }

  /**
   * Resolves when the command was handed over.
   *
   * @throws {CameraError} where there is no camera program, or nobody listens. What is to hold is remembered all the same.
   */
  tell(command: CameraCommand): Promise<void> {
    return this.#next(() => this.#tell(command));
  }

  /** Tells nothing more by itself. Resolves when what was to be told is. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    await this.#last;
  }

  #next(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {
      // whoever asked hears of it
    });
    return done;
  }

  async #tell(command: CameraCommand): Promise<void> {
    if (command !== 'capture') {
      const isArmed = command === 'arm';
      this.#retry?.cancel();
      this.#pauses.reset();
      if (this.#isArmed !== isArmed) {
        this.#isArmed = isArmed;
        await this.#options.keep(isArmed);
      }
    }
    await this.#send(command);
  }

  async #send(command: CameraCommand): Promise<void> {
    const { address, clock, logger } = this.#options;
    try {
      if (address) await sendDatagram(JSON.stringify({ command }), address, clock);
      else this.#filmHere(command);
    } catch (error) {
      const { message } = error as Error;
      // The same again and again is one line.
      if (message !== this.#problem)
        logger.warn('a command was not handed to the camera program', { command, error: message });
      // Who does not listen now begins anew when it does.
      this.#show({ told: address ? undefined : this.#told, problem: message });
      if (address && this.#isArmed !== undefined) this.#handOverSoon(this.#pauses.next());
      throw error;
    }
    logger.info('a command was handed to the camera program', { command });
    const told = command === 'capture' ? this.#told : command === 'arm';
    this.#show({ told, problem: undefined });
    // Somebody listens again.
    if (address && this.#isArmed !== undefined && told !== this.#isArmed) this.#handOverSoon(millis(0));
  }

  get #ownFilms(): boolean {
    return !this.#options.address && this.#own?.isOn() === true;
  }

  #filmHere(command: CameraCommand): void {
    if (command !== 'capture' && this.#options.hasList) return;
    if (!this.#own || !this.#ownFilms) throw noCamera();
    if (command === 'capture' && !this.#own.film()) throw nothingToFilm();
  }

  #handOverSoon(pause: Millis): void {
    this.#retry?.cancel();
    if (this.#isClosed) return;
    this.#retry = this.#options.clock.after(pause, () => {
      this.#next(() => this.#handOver()).catch(() => {
        // it is tried again
      });
    });
  }

  async #handOver(): Promise<void> {
    if (this.#isClosed || this.#isArmed === undefined || this.#told === this.#isArmed) return;
    await this.#send(this.#isArmed ? 'arm' : 'disarm');
    this.#pauses.reset();
  }

  #show({ told, problem }: { told: boolean | undefined; problem: string | undefined }): void {
    this.#told = told;
    this.#problem = problem;
    this.news.emit('changed', undefined);
  }
}

const noCamera = () =>
  new CameraError(
    'camera-none',
    'this agent knows no camera program: give --cam_addr or --cam_sock, or turn motion on for a feed',
  );

const nothingToFilm = () =>
  new CameraError('camera-absent', 'no picture comes in on the feeds that are watched for motion: start one');
