import type { Ticks90k } from '../time.ts';
import type { TimedUnit } from './feed-track.ts';
import type { Lane } from './lane.ts';

/** A unit waits so long for one that is due before it; with a tick each 20 ms it leaves 60 ms after it came. */
const LOOK_AHEAD = 40 * 90;
/** A unit that is expected may be so much later than expected. */
const MARGIN = 3 * 90;

/**
 * Whether a unit at the head of a lane is not to wait. Units go out in the order of their decoding times, as far as that
 * can be had by waiting a little: never for what is silent, nor for what typically comes later than that.
 */
export function isTurn(lanes: readonly Lane[], lane: Lane, unit: TimedUnit, now: Ticks90k): boolean {
  const waited = now - unit.arrivedAt >= LOOK_AHEAD;
  if (lane.entering && !waited && lanes.some(isLastPictureOpen)) return false;
  for (const other of lanes) {
    if (other === lane || other.entering) continue;
    const head = other.queue[0];
    if (head) {
      if (!head.unit || head.unit.dts < unit.dts) return false;
    } else if (!waited && isWorthWaitingFor(other, unit, now)) return false;
  }
  return true;
}

/** The lane whose head is due first; more of a unit that has begun is always due. */
export function earliest(lanes: readonly Lane[]): Lane | undefined {
  let first: Lane | undefined;
  let lowest = Number.POSITIVE_INFINITY;
  for (const lane of lanes) {
    const head = lane.queue[0];
    if (!head) continue;
    const dts = head.unit?.dts ?? Number.NEGATIVE_INFINITY;
    if (dts >= lowest) continue;
    first = lane;
    lowest = dts;
  }
  return first;
}

/** Whether a lane that is empty is expected to bring something that is due before `unit`, soon enough. */
function isWorthWaitingFor(other: Lane, unit: TimedUnit, now: Ticks90k): boolean {
  return other.tracks.some((one) => one.lateness <= LOOK_AHEAD && now < one.expects(unit.dts) + MARGIN);
}

/** Whether the last picture of a lane that leaves is not whole yet. */
const isLastPictureOpen = ({ leaving, tracks }: Lane): boolean =>
  leaving && tracks.some(({ open, passing, track }) => open && passing && track.class === 'video');
