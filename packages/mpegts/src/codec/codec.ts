/** A codec as FFmpeg spells it; what this library does not take apart is `unknown`, with a name where it has one. */
export type Codec =
  | 'h264'
  | 'hevc'
  | 'mpeg1video'
  | 'mpeg2video'
  | 'aac'
  | 'aac_latm'
  | 'mp2'
  | 'mp3'
  | 'opus'
  | 'klv'
  | 'timed_id3'
  | { readonly unknown: string };

/** What an elementary stream is for. */
export type StreamClass = 'video' | 'audio' | 'data';

/** The codec's name, also of an unknown one. */
export const codecName = (codec: Codec): string => (typeof codec === 'string' ? codec : codec.unknown);
