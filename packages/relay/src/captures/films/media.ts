import { FilmError } from './errors.ts';

/** What a segment is made of, as ffprobe sees it. */
export interface Media {
  readonly video: { readonly codec: string; readonly isCopied: boolean } | undefined;
  readonly audio: { readonly codec: string; readonly rate: number; readonly channels: number } | undefined;
  /** In ms; `undefined` where the file does not say. */
  readonly duration: number | undefined;
  /** For so long, in s, pictures are sent before the first is shown, with all that begins then. */
  readonly pause: number;
}

/** What browsers show as it is. All else is encoded anew, to be seen and heard; the file stays as it came. */
const shown = ['h264', 'hevc', 'av1', 'vp9'];
const heard = ['aac', 'mp3', 'ac3'];
/** Which go into a transport stream, where every key frame brings its own parameter sets. All of `heard` do. */
const inTransportStreams = ['h264', 'hevc'];

export const isHeard = (audio: string): boolean => heard.includes(audio);

export const fitsTransportStream = (video: string | undefined): boolean =>
  video === undefined || inTransportStreams.includes(video);

/** Reads ffprobe's JSON. @throws {FilmError} `media` where there is nothing to be shown. */
export function decodeMedia(probed: unknown): Media {
  const { streams, format, packets } = fieldsOf(probed);
  const all = listOf(streams);
  const video = all.find(
    (each) => each.codec_type === 'video' && fieldsOf(each.disposition).attached_pic !== 1,
  );
  const audio = all.find(({ codec_type }) => codec_type === 'audio');
  if (!video && !audio) throw new FilmError('media', 'there is neither picture nor sound in it');
  const { duration, format_name: container } = fieldsOf(format);
  const seconds = Number(duration);
  const codec = String(video?.codec_name);
  return {
    video: video && { codec, isCopied: shown.includes(codec) && isTimed(video, String(container)) },
    audio: audio && {
      codec: String(audio.codec_name),
      rate: Number(audio.sample_rate),
      channels: Number(audio.channels),
    },
    duration: Number.isFinite(seconds) && seconds > 0 ? Math.round(seconds * 1_000) : undefined,
    pause: pauseOf(listOf(packets), [video?.index, audio?.index]),
  };
}

/** Whether a container says when pictures are shown. These know only their order, which B frames change. */
const isTimed = ({ codec_name: codec, has_b_frames: reordered }: Fields, container: string): boolean =>
  container === 'avi' ? codec !== 'h264' : !['h264', 'hevc'].includes(container) || reordered === 0;

/** From when the first packet is sent to when the first is shown. */
function pauseOf(packets: readonly Fields[], tracks: readonly unknown[]): number {
  const firsts = tracks.flatMap<Fields>(
    (track) => packets.find((packet) => track !== undefined && packet.stream_index === track) ?? [],
  );
  const sent = Math.min(...firsts.map((packet) => Number(packet.dts_time)));
  const seen = Math.min(...firsts.map((packet) => Number(packet.pts_time)));
  return seen > sent ? seen - sent : 0;
}

type Fields = Record<string, unknown>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};
const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value : []).map(fieldsOf);
