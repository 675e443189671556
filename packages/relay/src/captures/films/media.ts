import { FilmError } from './errors.ts';

/** What a segment is made of, as ffprobe sees it. */
export interface Media {
  readonly video: { readonly codec: string; readonly isCopied: boolean } | undefined;
  readonly audio: { readonly codec: string } | undefined;
}

/** What browsers show as it is. All else is encoded anew, to be seen and heard; the file stays as it came. */
const shown = ['h264', 'hevc', 'av1', 'vp9'];
const heard = ['aac', 'mp3', 'ac3'];

export const isHeard = (audio: string): boolean => heard.includes(audio);

/** Reads ffprobe's JSON. @throws {FilmError} `media` where there is nothing to be shown. */
export function decodeMedia(probed: unknown): Media {
  const { streams, format } = fieldsOf(probed);
  const all = listOf(streams);
  const video = all.find(
    (each) => each.codec_type === 'video' && fieldsOf(each.disposition).attached_pic !== 1,
  );
  const audio = all.find(({ codec_type }) => codec_type === 'audio');
  if (!video && !audio) throw new FilmError('media', 'there is neither picture nor sound in it');
  const { format_name: container } = fieldsOf(format);
  const codec = String(video?.codec_name);
  return {
    video: video && { codec, isCopied: shown.includes(codec) && isTimed(video, String(container)) },
    audio: audio && { codec: String(audio.codec_name) },
  };
}

/** Whether a container says when pictures are shown. These know only their order, which B frames change. */
const isTimed = ({ codec_name: codec, has_b_frames: reordered }: Fields, container: string): boolean =>
  container === 'avi' ? codec !== 'h264' : !['h264', 'hevc'].includes(container) || reordered === 0;

type Fields = Record<string, unknown>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};
const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value : []).map(fieldsOf);
