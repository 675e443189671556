import { open } from 'node:fs/promises';
import { type Run, runsOf, tracksOf } from './fragments.ts';
import { topBoxes } from './top-boxes.ts';

/**
 * Takes the pause out of the beginning of a fragmented MP4. Where pictures are sent before they are shown (B frames),
 * ffmpeg begins all tracks at 0 and holds the first sample of each for as long as that takes: a hitch at each join of a
 * film. Here the first samples get their own length back, and all that follows comes earlier by as much. Written in
 * place: nothing moves in the file.
 *
 * @param pause in s, the same in all tracks.
 * @returns whether it was there to be taken out; else nothing is changed.
 */
export async function startPromptly(path: string, pause: number): Promise<boolean> {
  if (!(pause > 0)) return false;
  const file = await open(path, 'r+');
  try {
    let tracks: ReturnType<typeof tracksOf> | undefined;
    let isFirst = true;
    for await (const { type, body, end } of topBoxes(file)) {
      if (type !== 'moov' && type !== 'moof') continue;
      const bytes = Buffer.alloc(end - body);
      await file.read(bytes, 0, bytes.byteLength, body);
      if (type === 'moov') {
        tracks = tracksOf(bytes);
        continue;
      }
      if (!tracks) return false;
      const runs = runsOf(bytes, tracks);
      const scale = ({ track }: Run) => tracks?.get(track)?.scale ?? 0;
      if (isFirst) {
        // A track that begins in a later fragment has its pause there.
        const isPossible =
          runs.length === tracks.size && runs.every((run) => shorten(run, pause * scale(run), false));
        if (!isPossible) return false;
        for (const run of runs) shorten(run, pause * scale(run), true);
      } else for (const run of runs) comeEarlier(run, pause * scale(run));
      await file.write(bytes, 0, bytes.byteLength, body);
      isFirst = false;
    }
    return !isFirst;
  } catch (error) {
    if (error instanceof RangeError) return false; // it ends in the middle of a field
    throw error;
  } finally {
    await file.close();
  }
}

/** The first sample of a track. @returns whether it is long enough for that. */
function shorten({ trun, firstLengthAt }: Run, ticks: number, isMeant: boolean): boolean {
  if (firstLengthAt === undefined) return false;
  const length = trun.readUInt32BE(firstLengthAt) - Math.round(ticks);
  if (length > 0 && isMeant) trun.writeUInt32BE(length, firstLengthAt);
  return length > 0;
}

/** 8.8.12: when a track goes on. */
function comeEarlier({ tfdt }: Run, ticks: number): void {
  if (tfdt[0] === 1) tfdt.writeBigUInt64BE(tfdt.readBigUInt64BE(4) - BigInt(Math.round(ticks)), 4);
  else tfdt.writeUInt32BE(tfdt.readUInt32BE(4) - Math.round(ticks), 4);
}
