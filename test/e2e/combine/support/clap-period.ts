/** The clapperboard claps at each multiple of this on the wall clock, in ms: further apart than any error. */
export const CLAP_PERIOD = 1_000;
