import { existsSync } from 'node:fs';
import type { SourceOptions } from './source.ts';

/** Where Debian, Fedora and Alpine keep a font that every ffmpeg can draw with. */
const FONTS = [
  '/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf',
  '/usr/share/fonts/dejavu-sans-mono-fonts/DejaVuSansMono.ttf',
  '/usr/share/fonts/dejavu/DejaVuSansMono.ttf',
];

/** A moving picture with a clock (where there is a font), and a tone that beeps each second: ffmpeg, 640×480, 30/s. */
export function demoSource(feed: string): SourceOptions {
  const font = FONTS.find((path) => existsSync(path));
  const clock =
    font &&
    `drawtext=fontfile=${font}:text='%{localtime\\:%H\\\\\\:%M\\\\\\:%S}':fontsize=56:fontcolor=white:` +
      'box=1:boxcolor=black@0.6:boxborderw=12:x=(w-tw)/2:y=h-th-40';
  return {
    name: `demo ${feed}`,
    feed,
    command: (publishUrl) => [
      'ffmpeg',
      ...['-hide_banner', '-loglevel', 'warning', '-nostdin'],
      ...['-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x480:rate=30'],
      ...['-re', '-f', 'lavfi', '-i', 'sine=frequency=330:beep_factor=3:sample_rate=48000'],
      ...(clock ? ['-vf', clock] : []),
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline'],
      ...['-pix_fmt', 'yuv420p', '-g', '60', '-keyint_min', '60', '-sc_threshold', '0', '-b:v', '1500k'],
      ...['-maxrate', '1500k', '-bufsize', '750k'],
      ...['-c:a', 'aac', '-b:a', '96k', '-ac', '2', '-af', 'volume=0.3'],
      // FACTS: what matters for delay.
      ...['-pes_payload_size', '0', '-omit_video_pes_length', '0', '-flush_packets', '1', '-muxdelay', '0'],
      ...['-f', 'mpegts', publishUrl],
    ],
  };
}
