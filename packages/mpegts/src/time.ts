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

  /** The program's clock says this, unwrapped. Of use while no time stamp was followed. */
  tick(clock: Ticks90k): void {
    this.#clock = clock;
  }

  /** The unwrapped time nearest to the last one followed; does not move the reference. */
  near(wrapped: number): Ticks90k {
    if (this.#reference === undefined) return ticks90k(wrapped);
    let delta = (wrapped - this.#reference) % TICKS_WRAP;
    if (delta >= TICKS_WRAP / 2) delta -= TICKS_WRAP;
    else if (delta < -TICKS_WRAP / 2) delta += TICKS_WRAP;
    return ticks90k(this.#reference + delta);
  }

  /** Like {@link near}, and later values are taken near to this one. */
  follow(wrapped: number): Ticks90k {
    const ticks = this.near(wrapped);
    this.#reference = ticks;
    return ticks;
  }
}
