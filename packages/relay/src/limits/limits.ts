import type { limits } from '@perch/protocol';

/** Every number of `@perch/protocol`'s limits, some perhaps others. */
export type Limits = { readonly [K in keyof typeof limits]: number };
