/** People and devices that belong together. Households of one relay see nothing of each other. */
export interface Household {
  readonly id: string;
  /** Unique on the relay: part of the name that somebody signs in with, but for the first. */
  readonly name: string;
}

/** The household that every relay has from its first start. Topics of no device belong to it, and what is older than it. */
export const FIRST_HOUSEHOLD = 'home';
