import { readMovie } from './movie.ts';

/** What a decoder has to know of H.264 pictures before the first: what an MP4 says once, for all of them. */
export interface PictureSetup {
  /** SPS and PPS, NAL units without start codes. */
  readonly parameterSets: readonly Buffer[];
  /** Pictures in a second. */
  readonly rate: number;
  /** Bytes of the largest picture there is. */
  readonly largest: number;
}

/** Reads it from an MP4 that is whole. @returns `undefined` where it is no such, or has no H.264. */
export async function pictureSetupOf(path: string): Promise<PictureSetup | undefined> {
  const track = (await readMovie(path))?.video;
  if (track?.coding.codec !== 'h264') return undefined;
  const { coding, samples, scale, end } = track;
  return {
    parameterSets: coding.parameterSets,
    rate: (samples.length * scale) / end,
    largest: samples.reduce((most, { bytes }) => Math.max(most, bytes), 0),
  };
}
