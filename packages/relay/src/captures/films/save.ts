import { rename, rm } from 'node:fs/promises';
import { FilmError } from './errors.ts';
import { join } from './join.ts';
import { newNameOf } from './lasting.ts';
import { type Found, mend } from './mend.ts';
import { type Movie, readMovie } from './movie.ts';
import { hasFieldsApart, type PictureSetup, readPictureSetup } from './picture-setup.ts';
import { encodedPictures } from './plain.ts';
import { SampleReader, SampleWriter } from './sample-file.ts';
import { guarded, type Tools } from './tools.ts';

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
      const like = await readPictureSetup(sister);
      if (like?.coding.codec !== 'h264' || tried.has(like.coding.setup)) continue;
      tried.add(like.coding.setup);
      const found = await mend(segment, like);
      // A sister of other settings gives other pictures, or none.
      const isSaved =
        found && ((await copied(tools, found, target)) || (await encoded(tools, found, like, target)));
      if (!isSaved) continue;
      await rename(target, path);
      return await readMovie(path);
    }
    return undefined;
  } finally {
    await rm(target, { force: true });
  }
}

/** Has them as they are, where it is known when each is shown. @returns whether all of them decode. */
async function copied(tools: Tools, { video, isTold }: Found, target: string): Promise<boolean> {
  if (!isTold) return false;
  await join([{ path: video.path, video, audio: undefined }], target);
  return tools.decodes(target);
}

/** Has a decoder find out when they are shown, and encodes what it shows. @returns whether all of them decode. */
async function encoded(tools: Tools, found: Found, like: PictureSetup, target: string): Promise<boolean> {
  const bare = `${target}.h264`;
  try {
    await writeBare(found, bare);
    const isHalf = found.hasFields && (await hasFieldsApart(like));
    const seconds = ((isHalf ? 2 : 1) * like.ticks) / like.scale;
    // As many pictures are held back as can be: before one that is to be shown earlier none is lost.
    const strict = ['-xerror', '-err_detect', 'explode', '-strict', 'strict'];
    const pace = ['-vf', `setpts=N*${seconds}/TB`, '-enc_time_base', `1:${like.scale}`];
    await tools.ffmpeg([...strict, ...guarded, '-i', bare, ...encodedPictures, ...pace, '-f', 'mp4', target]);
    return (await readMovie(target)) !== undefined;
  } catch (error) {
    if (error instanceof FilmError && error.code === 'media') return false;
    throw error;
  } finally {
    await rm(bare, { force: true });
  }
}

const START_CODE = Buffer.from([0, 0, 0, 1]);

/** Writes pictures as a stream with start codes (ITU-T H.264 Annex B). */
async function writeBare({ video }: Found, path: string): Promise<void> {
  await using reader = await SampleReader.open(video.path);
  await using writer = await SampleWriter.open(path);
  for (const set of video.coding.parameterSets) {
    await writer.write(START_CODE);
    await writer.write(set);
  }
  for (const sample of video.samples) {
    const bytes = await reader.read(sample);
    for (let at = 0; at < bytes.byteLength; ) {
      const end = at + 4 + bytes.readUInt32BE(at);
      await writer.write(START_CODE);
      await writer.write(bytes.subarray(at + 4, end));
      at = end;
    }
  }
  await writer.flush();
}
