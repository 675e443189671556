declare const unit: unique symbol;
type Unit<U extends string> = number & { readonly [unit]: U };

/** A point in time, or a duration, in ticks of 90 kHz: unwrapped, so it may exceed 33 bits or be negative. An integer. */
export type Ticks90k = Unit<'90 kHz'>;
/** The same in ticks of the 27 MHz system clock (PCR). */
export type Ticks27M = Unit<'27 MHz'>;

/** Names a plain number as ticks of 90 kHz. */
export const ticks90k = (value: number): Ticks90k => value as Ticks90k;
/** Names a plain number as ticks of 27 MHz. */
export const ticks27M = (value: number): Ticks27M => value as Ticks27M;
/** Ticks of either clock in seconds. */
export const seconds = (ticks: Ticks90k | Ticks27M, rate: 90_000 | 27_000_000 = 90_000): number =>
  ticks / rate;

/** ISO/IEC 13818-1 2.4.3.7: PTS and DTS are counted modulo 2^33. */
export const TICKS_WRAP = 2 ** 33;

/** The 33 bits of a time stamp as they go on the wire. */
export const wrap = (ticks: Ticks90k): number => ((ticks % TICKS_WRAP) + TICKS_WRAP) % TICKS_WRAP;

/** One minute. */
const NEGATIVE = 60 * 90_000;

/**
 * Turns 33-bit time stamps into numbers that never wrap: each is taken as the value nearest to the one before it
 * (within ± 13 h). All elementary streams of a program share one, so that they stay comparable over the wrap.
 */
export class Unwrapper {
  #reference: number | undefined;
  #clock: number | undefined;

  /** Where the program is: the time last followed, before there was one what the clock says. Undefined before both. */
  get last(): Ticks90k | undefined {
    const last = this.#reference ?? this.#clock;
    return last === undefined ? undefined : ticks90k(last);
  }

  /**
   * The program's clock says this; returns it unwrapped. The first time stamp, perhaps over the wrap, is near to it. A clock
   * that begins within a minute before the wrap is negative: most such streams are some that count from 0 and send their
   * first unit before its time.
   */
  tick(wrapped: number): Ticks90k {
    const begins = this.last === undefined && wrapped > TICKS_WRAP - NEGATIVE;
    this.#clock = begins ? wrapped - TICKS_WRAP : this.near(wrapped);
    return ticks90k(this.#clock);
  }

  /** The unwrapped time nearest to {@link last}; does not move it. */
  near(wrapped: number): Ticks90k {
    const reference = this.last;
    if (reference === undefined) return ticks90k(wrapped);
    let delta = (wrapped - reference) % TICKS_WRAP;
    if (delta >= TICKS_WRAP / 2) delta -= TICKS_WRAP;
    else if (delta < -TICKS_WRAP / 2) delta += TICKS_WRAP;
    return ticks90k(reference + delta);
  }

  /** Like {@link near}, and later values are taken near to this one. */
  follow(wrapped: number): Ticks90k {
    const ticks = this.near(wrapped);
    this.#reference = ticks;
    return ticks;
  }
}
