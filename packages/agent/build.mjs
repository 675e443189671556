// Puts the agent's own page beside the bundled program. Called by tools/build.mjs.
import { cp } from 'node:fs/promises';
import path from 'node:path';

/** Writes `page/` to `outdir`, where `dist/perch.js` looks for it. */
export async function buildAgentPage({ outdir }) {
  await cp(path.join(import.meta.dirname, 'src', 'page'), path.join(outdir, 'page'), { recursive: true });
}
