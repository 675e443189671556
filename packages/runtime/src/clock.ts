import { type Millis, millis } from './unit.ts';

/** A pending timer. `cancel` is idempotent and does nothing once the timer has fired. */
export interface Timer extends Disposable {
  cancel(): void;
}

/** Where time comes from. Passed in, so that tests own it. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start. Use it for durations. */
  now(): Millis;
  /** Milliseconds since 1970-01-01 UTC. It may jump; use it only for what people or other machines read. */
  wall(): Millis;
  /** Calls `fire` once, `delay` ms from now. The timer does not keep the process alive by itself. */
  after(delay: Millis, fire: () => void): Timer;
  /** Calls `fire` every `period` ms until cancelled. */
  every(period: Millis, fire: () => void): Timer;
}

// Both browsers and Node have these; this package sees neither world's types.
declare const performance: { now(): number };
declare function setTimeout(fire: () => void, ms: number): unknown;
declare function clearTimeout(id: unknown): void;
declare function setInterval(fire: () => void, ms: number): unknown;
declare function clearInterval(id: unknown): void;

const timer = (id: unknown, clear: (id: unknown) => void): Timer => {
  // Node's handles have unref; a browser's are numbers. Sockets and servers keep a process alive, timers do not.
  (id as { unref?: () => void }).unref?.();
  const cancel = () => clear(id);
  return { cancel, [Symbol.dispose]: cancel };
};

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => millis(performance.now()),
  wall: () => millis(Date.now()),
  after: (delay, fire) => timer(setTimeout(fire, delay), clearTimeout),
  every: (period, fire) => timer(setInterval(fire, period), clearInterval),
};

/** Resolves after `delay` ms, or rejects with the signal's reason as soon as it is aborted. */
export function sleep(clock: Clock, delay: Millis, signal?: AbortSignalLike): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      pending.cancel();
      reject(signal?.reason);
    };
    const pending = clock.after(delay, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort);
  });
}

/** The part of `AbortSignal` that this package uses; the platform's own fits. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
