import { rm } from 'node:fs/promises';
import { mend } from './mend.ts';
import { pictureSetupOf } from './picture-setup.ts';
import type { SegmentFile } from './plain.ts';
import type { Tools } from './tools.ts';

/**
 * Saves the pictures of a segment whose camera died before it was whole.
 *
 * @param sisters segments that the same camera has probably made, the likeliest first.
 * @param path where what is saved is to be, without extension. The caller removes it.
 * @returns `undefined` where nothing can be saved.
 */
export async function save(
  tools: Tools,
  segment: string,
  sisters: readonly string[],
  path: string,
): Promise<SegmentFile | undefined> {
  const saved = `${path}.h264`;
  const tried = new Set<string>();
  for (const sister of sisters) {
    const setup = await pictureSetupOf(sister);
    const key = setup?.parameterSets.map((set) => set.toString('hex')).join(' ');
    if (!setup || key === undefined || tried.has(key)) continue;
    tried.add(key);
    const slices = await mend(segment, setup, saved);
    if (slices === 0) break;
    // A sister of other settings gives other pictures, or none.
    if (await tools.decodes(saved)) return { path: saved, rate: setup.rate };
  }
  await rm(saved, { force: true });
  return undefined;
}
