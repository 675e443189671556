import { type Clock, type Millis, millis, type Timer } from '@perch/runtime';

/** The longest that the platform's timers hold, in ms: about 25 days. */
const LONGEST = 2 ** 31 - 1;

/** Calls `fire` when the wall clock says `at`, also where that is months away or the clock is put back meanwhile. */
export function whenItIs(clock: Clock, at: Millis, fire: () => void): Timer {
  let timer: Timer;
  const wait = () => {
    const left = Math.max(at - clock.wall(), 0);
    timer = clock.after(millis(Math.min(left, LONGEST)), () => {
      if (clock.wall() < at) wait();
      else fire();
    });
  };
  wait();
  const cancel = () => timer.cancel();
  return { cancel, [Symbol.dispose]: cancel };
}
