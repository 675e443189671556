import { FilmError } from './errors.ts';

/** What a segment is made of, as ffprobe sees it. */
export interface Media {
  readonly video: { readonly codec: string } | undefined;
  readonly audio: { readonly codec: string; readonly rate: number; readonly channels: number } | undefined;
  /** In ms; `undefined` where the file does not say. */
  readonly duration: number | undefined;
}

/** Which codecs go into MP4 as they are. What else there is for sound is made AAC, to be heard; the file stays as it came. */
const videoInMp4 = ['h264', 'hevc', 'av1', 'vp9', 'mpeg4', 'mjpeg'];
const audioInMp4 = ['aac', 'mp3', 'ac3', 'eac3', 'opus', 'flac'];
/** Which go into a transport stream, where every key frame brings its own parameter sets. */
const videoInTs = ['h264', 'hevc', 'mpeg4'];
const audioInTs = ['aac', 'mp3', 'ac3'];

export const isCopied = (audio: string): boolean => audioInMp4.includes(audio);

export const fitsTransportStream = ({ video, audio }: Media): boolean =>
  (video === undefined || videoInTs.includes(video.codec)) &&
  (audio === undefined || audioInTs.includes(audio.codec));

/** Reads ffprobe's JSON. @throws {FilmError} `media` where there is nothing that a browser could show. */
export function decodeMedia(probed: unknown): Media {
  const { streams, format } = fieldsOf(probed);
  const all = (Array.isArray(streams) ? streams : []).map(fieldsOf);
  const video = all.find(({ codec_type }) => codec_type === 'video');
  const audio = all.find(({ codec_type }) => codec_type === 'audio');
  if (!video && !audio) throw new FilmError('media', 'there is neither picture nor sound in it');
  if (video && !videoInMp4.includes(String(video.codec_name))) {
    throw new FilmError('media', `its picture is ${String(video.codec_name)}, which no browser shows`);
  }
  const seconds = Number(fieldsOf(format).duration);
  return {
    video: video && { codec: String(video.codec_name) },
    audio: audio && {
      codec: String(audio.codec_name),
      rate: Number(audio.sample_rate),
      channels: Number(audio.channels),
    },
    duration: Number.isFinite(seconds) && seconds > 0 ? Math.round(seconds * 1_000) : undefined,
  };
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
