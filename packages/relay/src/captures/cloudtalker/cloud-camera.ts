import { type CameraCommand, type CloudState, cloudStateDefaults } from '@perch/protocol';
import type { Clock, Millis } from '@perch/runtime';
import type { CameraWay, Delivery } from '../../cameras/camera-way.ts';

export interface CloudCameraOptions {
  /** Says the whole state to the device. */
  readonly send: (state: CloudState) => void;
  /** Whether the camera is to be armed; `undefined`: nobody ever said. */
  readonly wanted: () => Promise<boolean | undefined>;
  /** The device said whether it is armed. `isHere`: it can be told from now on. */
  readonly onHeard: (isArmed: boolean, isHere: boolean) => void;
  readonly clock: Clock;
}

/**
 * The camera of one connection of a cloudtalker (COMPAT 4.4). Only what changes has an effect there, and it answers each
 * message with its state, which shows that it has it: what its camera program makes of it, it never says.
 *
 * `capture_asap` is raised for a film, and lowered only right before the next one: an unmodified cloudtalker films once
 * more when it is lowered, and the wire does not tell it from one that was put right. So the first film of a connection
 * is made once by both; the next ones are made once by who was put right, and twice by who was not.
 */
export class CloudCamera implements CameraWay {
  readonly #options: CloudCameraOptions;
  #isHeard = false;
  #isReady = false;
  #isClosed = false;
  /** What the device was told last. */
  #held: CloudState = cloudStateDefaults;
  #last: Promise<unknown> = Promise.resolve();
  #waiting: ((answer: CloudState | undefined) => void) | undefined;

  constructor(options: CloudCameraOptions) {
    this.#options = options;
  }

  /** It has said its first state and was told ours: it can be told more. */
  get isReady(): boolean {
    return this.#isReady && !this.#isClosed;
  }

  /** The device says how it is. The first time it is told how it is to be, all of it. */
  heard(state: CloudState): void {
    if (this.#isHeard) {
      this.#waiting?.(state);
      this.#options.onHeard(state.pir_armed, false);
      return;
    }
    this.#isHeard = true;
    void this.#greet(state);
  }

  tell(command: CameraCommand, within: Millis, _onDelivered: () => void): Promise<Delivery> {
    if (!this.isReady) return Promise.resolve({ kind: 'unsent' });
    const told = this.#last.then(() => this.#tell(command, within));
    this.#last = told;
    return told;
  }

  /** The connection is gone. */
  close(): void {
    this.#isClosed = true;
    this.#waiting?.(undefined);
  }

  async #greet(state: CloudState): Promise<void> {
    const { wanted, send, onHeard } = this.#options;
    // Where the database is away nothing is known: as it says it is, it stays.
    const isWanted = await wanted().catch(() => state.pir_armed);
    if (this.#isClosed) return;
    const { capture_asap } = state;
    this.#held = { ...cloudStateDefaults, capture_asap, pir_armed: isWanted ?? false };
    send(this.#held);
    this.#isReady = true;
    onHeard(state.pir_armed, true);
  }

  async #tell(command: CameraCommand, within: Millis): Promise<Delivery> {
    if (this.#isClosed) return { kind: 'unsent' };
    if (command !== 'capture') return this.#set('pir_armed', command === 'arm', within);
    if (this.#held.capture_asap) {
      const lowered = await this.#set('capture_asap', false, within);
      if (lowered.kind !== 'delivered') return lowered;
    }
    return this.#set('capture_asap', true, within);
  }

  /** Tells one of it. Resolves when the device says that it is so. */
  #set(name: 'pir_armed' | 'capture_asap', value: boolean, within: Millis): Promise<Delivery> {
    const { send, clock } = this.#options;
    if (this.#isClosed) return Promise.resolve({ kind: 'unknown' });
    this.#held = { ...this.#held, [name]: value };
    return new Promise((resolve) => {
      const end = (delivery: Delivery) => {
        late.cancel();
        this.#waiting = undefined;
        resolve(delivery);
      };
      const late = clock.after(within, () => end({ kind: 'unknown' }));
      this.#waiting = (answer) => {
        if (!answer) end({ kind: 'unknown' });
        else if (answer[name] === value) end({ kind: 'delivered' });
      };
      send(this.#held);
    });
  }
}
