import {
  cameraLimits,
  channelLimits,
  type DeviceState,
  readCameraState,
  type StateItem,
} from '@perch/protocol';
import { type Clock, type Logger, millis, type Timer } from '@perch/runtime';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../storage/database.ts';
import type { Camera, Command } from './camera.ts';
import { CameraBook, type Said, type Step, type Wish } from './camera-book.ts';
import type { CameraWay, Delivery } from './camera-way.ts';
import { DeviceQueues } from './device-queues.ts';
import type { Schedule } from './schedule.ts';

export interface CamerasOptions {
  readonly database: Database;
  /** The way to a device that is connected to this relay. */
  readonly wayTo: (device: string) => CameraWay | undefined;
  readonly audit: Pick<Audit, 'done'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** All that there is to show of a camera. */
export interface CameraSight {
  readonly camera: Camera | undefined;
  /** The newest first. */
  readonly commands: readonly Command[];
}

/**
 * The cameras of all devices: what they are to be, by hand and by schedule, and the commands that make it so. A command
 * is delivered once, by the relay that the device is connected to, in the order in which they were asked; `arm` and
 * `disarm` whenever the device comes back, `capture` within half a minute or not at all. Ends with `close`.
 */
export class Cameras implements AsyncDisposable {
  readonly #options: CamerasOptions;
  readonly #book: CameraBook;
  readonly #queues = new DeviceQueues();
  readonly #watchers = new Map<string, Set<() => void>>();
  /** Items of devices' state that were looked at. */
  readonly #heard = new WeakSet<StateItem>();
  /** The last `arm` or `disarm` that is on its way, by device: one goes after the other. */
  readonly #switching = new Map<string, Promise<void>>();
  readonly #timer: Timer;
  #polling: Promise<void> | undefined;
  #isOutOfTouch = false;
  /** The number of the latest change that watchers know of. */
  #seen: number | undefined;

  constructor(options: CamerasOptions) {
    this.#options = options;
    this.#book = new CameraBook(options);
    this.#timer = options.clock.every(cameraLimits.pollPeriod, () => void this.poll());
  }

  /** Writes down what somebody wants, and has it delivered if the device is here. @returns the command as it begins. */
  ask(wish: Wish): Promise<Command> {
    const { device } = wish;
    return this.#queues.next(device, () => this.#ask(wish));
  }

  async show(device: string): Promise<CameraSight> {
    const [camera, commands] = await Promise.all([
      this.#book.find(device),
      this.#book.commands(device, cameraLimits.commandsShown),
    ]);
    return { camera, commands };
  }

  /** Whether a camera is to be armed; `undefined`: nobody ever said. */
  async wanted(device: string): Promise<boolean | undefined> {
    return (await this.#book.find(device))?.wanted;
  }

  /** Sets or takes away a schedule; one that is on says at once what the camera is to be. */
  async setSchedule(device: string, household: string, schedule: Schedule | undefined): Promise<void> {
    await this.#book.setSchedule(device, household, schedule);
    this.#tell(device);
    await this.#queues.next(device, () => this.#deliverWaiting(device));
  }

  /** A device's agent has told its state. @param isFirst for the first time on this connection. */
  heard(device: string, household: string, { cameras: [item] }: DeviceState, isFirst: boolean): void {
    const state = readCameraState(item);
    if (!item || !state || (!isFirst && this.#heard.has(item))) return;
    this.#heard.add(item);
    const { told, problem, zone, armed } = state;
    const said = { known: told ?? undefined, problem: problem ?? undefined, zone };
    this.#later(device, async () => {
      await this.#noteSaid(device, household, said);
      if (isFirst) await this.#cameBack(device, household, armed ?? undefined);
    });
  }

  /** A cloudtalker has said how its camera is. @param isHere it can be told from now on. */
  heardCloud(device: string, household: string, isArmed: boolean, isHere: boolean): void {
    this.#later(device, async () => {
      await this.#noteSaid(device, household, { known: isArmed, problem: undefined, zone: undefined });
      if (isHere) await this.#deliverWaiting(device);
    });
  }

  /** Calls back whenever what {@link show} says may have changed, wherever that was. */
  watch(device: string, onNews: () => void): Disposable {
    const watchers = this.#watchers.get(device) ?? new Set();
    this.#watchers.set(device, watchers);
    const watcher = () => onNews();
    watchers.add(watcher);
    return {
      [Symbol.dispose]: () => {
        watchers.delete(watcher);
        if (watchers.size === 0 && this.#watchers.get(device) === watchers) this.#watchers.delete(device);
      },
    };
  }

  /** Does what is due, and looks what other relays were asked. A failure is in the log, once. */
  poll(): Promise<void> {
    this.#polling ??= this.#poll()
      .then(() => {
        this.#isOutOfTouch = false;
      })
      .catch((error: Error) => {
        if (!this.#isOutOfTouch)
          this.#options.logger.error('it cannot be seen what cameras are to do; they stay as they are', {
            error: error.message,
          });
        this.#isOutOfTouch = true;
      })
      .finally(() => {
        this.#polling = undefined;
      });
    return this.#polling;
  }

  /** Delivers nothing more. Resolves when what is known is written down. Idempotent. */
  async close(): Promise<void> {
    this.#timer.cancel();
    await this.#polling;
    await this.#queues.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ask(wish: Wish): Promise<Command> {
    const way = this.#options.wayTo(wish.device);
    const command = await this.#book.ask(wish, { isOurs: way !== undefined });
    if (way) this.#send(command, way);
    this.#tell(wish.device);
    return command;
  }

  async #noteSaid(device: string, household: string, said: Said): Promise<void> {
    await this.#book.noteSaid(device, household, said);
    this.#tell(device);
  }

  /** A device is here (again): what waits is delivered, and what it is to be, if it says otherwise. */
  async #cameBack(device: string, household: string, isArmed: boolean | undefined): Promise<void> {
    await this.#deliverWaiting(device);
    const wanted = await this.wanted(device);
    if (wanted === undefined || wanted === isArmed || this.#switching.has(device)) return;
    await this.#ask({ device, household, command: wanted ? 'arm' : 'disarm', by: { kind: 'relay' } });
  }

  async #deliverWaiting(device: string): Promise<void> {
    if (!this.#options.wayTo(device)) return;
    for (const waiting of await this.#book.waiting(device)) {
      const command = this.#isTooLate(waiting) ? undefined : await this.#book.claim(waiting.id);
      if (!command) continue;
      const way = this.#options.wayTo(device);
      if (way) this.#send(command, way);
      else await this.#book.putBack(command);
    }
  }

  /** Sends a command that is ours to deliver; what becomes of it is written down as it is known. */
  #send(command: Command, way: CameraWay): void {
    const { device } = command;
    if (command.command === 'capture') {
      this.#queues.track(this.#deliver(command, way));
      return;
    }
    const before = this.#switching.get(device);
    const done = before ? before.then(() => this.#deliver(command, way)) : this.#deliver(command, way);
    const settled = done.finally(() => {
      if (this.#switching.get(device) === settled) this.#switching.delete(device);
    });
    this.#switching.set(device, settled);
    this.#queues.track(settled);
  }

  async #deliver(command: Command, way: CameraWay): Promise<void> {
    const life = command.command === 'capture' ? this.#lifeOf(command) : channelLimits.requestTime;
    const within = millis(Math.min(channelLimits.requestTime, life));
    const outcome = await way.tell(command.command, within, () =>
      this.#queues.track(this.#note(command, 'delivered')),
    );
    await this.#settle(command, outcome);
  }

  async #settle(command: Command, outcome: Delivery): Promise<void> {
    switch (outcome.kind) {
      case 'handed':
      case 'delivered':
        return this.#note(command, outcome.kind);
      case 'failed':
        return this.#note(command, { failed: outcome.why });
      case 'unknown':
        // To be armed twice is to be armed; filmed twice is not what was asked.
        if (command.command === 'capture') return this.#note(command, { failed: UNKNOWN });
        return this.#putBack(command);
      case 'unsent':
        return this.#putBack(command);
    }
  }

  async #note(command: Command, step: Step): Promise<void> {
    try {
      await this.#book.note(command, step);
      this.#tell(command.device);
    } catch (error) {
      this.#cannotNote(command, error as Error);
    }
  }

  async #putBack(command: Command): Promise<void> {
    await this.#book.putBack(command).catch((error: Error) => this.#cannotNote(command, error));
  }

  #cannotNote({ device, command }: Command, { message }: Error): void {
    this.#options.logger.warn('what became of a command could not be kept', {
      ...{ device, command, error: message },
    });
  }

  async #poll(): Promise<void> {
    const { audit, wayTo, clock } = this.#options;
    for (const { household, command } of await this.#book.switchDue()) {
      const { device } = command;
      const detail = `${command.command}, by its schedule`;
      audit.done({ who: { kind: 'host' }, household, device, what: 'device-command', from: 'here', detail });
    }
    const devices = new Set<string>();
    for (const command of await this.#book.open()) {
      const { device, claimed } = command;
      if (claimed === undefined) {
        if (this.#isTooLate(command)) await this.#note(command, { failed: TOO_LATE });
        else if (wayTo(device)) devices.add(device);
      } else if (clock.wall() - claimed >= cameraLimits.deliveryTime) {
        // The relay that had it is gone.
        await this.#settle(command, { kind: 'unknown' });
      }
    }
    for (const device of devices) this.#later(device, () => this.#deliverWaiting(device));
    if (this.#watchers.size === 0) this.#seen = undefined;
    else await this.#readNews();
  }

  /** What has changed at other relays, and here. */
  async #readNews(): Promise<void> {
    if (this.#seen === undefined) {
      this.#seen = await this.#book.latest();
      // What came between a watcher's first look and this is in that number.
      for (const device of [...this.#watchers.keys()]) this.#tell(device);
    }
    for (const { device, changed } of await this.#book.changedSince(this.#seen)) {
      this.#seen = changed;
      this.#tell(device);
    }
  }

  #later(device: string, work: () => Promise<void>): void {
    this.#queues.next(device, work).catch((error: Error) => {
      this.#options.logger.warn('a camera could not be looked after', { device, error: error.message });
    });
  }

  #isTooLate(command: Command): boolean {
    return command.command === 'capture' && this.#lifeOf(command) <= 0;
  }

  #lifeOf({ asked }: Command): number {
    return asked + cameraLimits.captureLife - this.#options.clock.wall();
  }

  #tell(device: string): void {
    for (const watcher of [...(this.#watchers.get(device) ?? [])]) watcher();
  }
}

const TOO_LATE = `the device has not been connected for ${cameraLimits.captureLife / 1_000} s: ask again when it is`;
const UNKNOWN = 'the device did not say whether it was done: look before you ask again';
