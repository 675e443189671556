import { rename, rm } from 'node:fs/promises';
import { join } from './join.ts';
import { newNameOf } from './lasting.ts';
import { mend } from './mend.ts';
import { type Movie, readMovie } from './movie.ts';
import type { Tools } from './tools.ts';

/**
 * Saves the pictures of a segment whose camera died before it was whole.
 *
 * @param sisters segments that the same camera has probably made, the likeliest first.
 * @param path where the MP4 of what is saved is to be.
 * @returns `undefined` where nothing can be saved.
 */
export async function save(
  tools: Tools,
  segment: string,
  sisters: readonly string[],
  path: string,
): Promise<Movie | undefined> {
  const target = newNameOf(path);
  const tried = new Set<string>();
  try {
    for (const sister of sisters) {
      const like = (await readMovie(sister))?.video;
      if (like?.coding.codec !== 'h264' || tried.has(like.coding.setup)) continue;
      tried.add(like.coding.setup);
      const video = await mend(segment, like);
      if (!video) continue;
      await join([{ path: segment, video, audio: undefined }], target);
      // A sister of other settings gives other pictures, or none.
      if (!(await tools.decodes(target))) continue;
      await rename(target, path);
      return await readMovie(path);
    }
    return undefined;
  } finally {
    await rm(target, { force: true });
  }
}
