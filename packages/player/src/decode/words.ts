/** How people call codecs, by FFmpeg's names. */
const names: Readonly<Record<string, string>> = {
  h264: 'H.264',
  hevc: 'H.265',
  vvc: 'H.266',
  av1: 'AV1',
  mpeg1video: 'MPEG-1 video',
  mpeg2video: 'MPEG-2 video',
  mpeg4: 'MPEG-4 Part 2 video',
  vc1: 'VC-1',
  aac: 'AAC',
  aac_latm: 'AAC in LATM',
  mp2: 'MP2',
  mp3: 'MP3',
  opus: 'Opus',
  ac3: 'AC-3',
  eac3: 'E-AC-3',
  dts: 'DTS',
};

/** A codec's name for people. */
export const codecInWords = (codec: string): string => names[codec] ?? codec;

/** Why a picture cannot be shown, and what its sender can do about it. */
export const pictureRefused = (codec: string): string =>
  `This stream’s picture is ${codecInWords(codec)}, which this player can’t decode. ` +
  'Send H.264 or MPEG-1: with ffmpeg, -c:v libx264 -tune zerolatency or -c:v mpeg1video.';

/** The same where this player could, but this browser or machine cannot. */
export const pictureUnsupported = (codec: string): string =>
  `This stream’s picture is ${codecInWords(codec)} of a kind that this browser can’t decode on this device. ` +
  'Send H.264 or MPEG-1: with ffmpeg, -c:v libx264 -tune zerolatency or -c:v mpeg1video.';

/** The same for sound; `sampleRate` where that is the trouble. */
export const soundRefused = (codec: string, sampleRate?: number): string =>
  `This stream’s sound is ${codecInWords(codec)}${sampleRate === undefined ? '' : ` at ${sampleRate} Hz`}, ` +
  'which this player can’t decode. Send AAC, Opus, MP3 or MP2 at 48000 Hz: with ffmpeg, -c:a aac -ar 48000.';

/** Browsers keep decoders and sound processing from pages that came over an open line. */
export const insecure = (what: string): string =>
  `This page came over plain HTTP, and browsers decode ${what} only on secure pages. ` +
  'Open it over https://, or as http://localhost on the machine itself.';

/** The browser is too old or lacks the decoder altogether. */
export const missing = (what: string): string =>
  `This browser can’t decode ${what} by itself (it has no WebCodecs). Use a current Chrome, Edge, Safari or Firefox.`;
