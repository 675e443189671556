import type { IconName } from '../frame/icon.tsx';
import type { Track } from './device-state.ts';

const kinds: { readonly [K in Track['class']]: { readonly word: string; readonly icon: IconName } } = {
  video: { word: 'Picture', icon: 'picture' },
  audio: { word: 'Sound', icon: 'sound' },
  data: { word: 'Data', icon: 'data' },
};

/** `Picture, H.264`. */
export const trackWords = (track: Track): string =>
  `${kinds[track.class].word}, ${codecs[track.codec] ?? track.codec}`;

export const trackIcon = (track: Track): IconName => kinds[track.class].icon;

/** Names of codecs for people; others are shown as FFmpeg spells them. */
const codecs: Readonly<Record<string, string>> = {
  h264: 'H.264',
  hevc: 'H.265',
  mpeg1video: 'MPEG-1',
  mpeg2video: 'MPEG-2',
  aac: 'AAC',
  opus: 'Opus',
  mp2: 'MP2',
  mp3: 'MP3',
  ac3: 'AC-3',
};
