import type { CodecConfig } from '@perch/mpegts';

/** Whether a decoder that was opened for `before` goes on with `now`. One that was opened for nothing takes what comes. */
export function fits(before: CodecConfig | undefined, now: CodecConfig | undefined): boolean {
  return before === now || !before || !now || essence(before) === essence(now);
}

/** What a decoder is set up for. Other parameters change inside the stream, and every decoder follows. */
function essence(config: CodecConfig): string {
  switch (config.codec) {
    case 'h264':
    case 'hevc':
      return `${config.codecString} ${config.width}x${config.height}`;
    case 'mpeg1video':
    case 'mpeg2video':
      return `${config.codec} ${config.width}x${config.height}`;
    case 'aac':
    case 'aac_latm':
      return `${config.codec} ${config.codecString} ${config.sampleRate} ${config.channels}`;
    default:
      return `${config.codec} ${config.sampleRate} ${config.channels}`;
  }
}
