import { readFileSync } from 'node:fs';

// From the source this is the package's, from the bundle the repository's; both have the one version.
const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** Perch's version, such as `0.1.0`. */
export const version: string = String((manifest as { version: unknown }).version);
