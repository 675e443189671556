import { type Descriptor, opusChannelConfigOf } from '../psi/descriptors.ts';
import { adts } from './adts.ts';
import { AudioFramer } from './audio.ts';
import type { Codec } from './codec.ts';
import type { Framer, FramerSink } from './framer.ts';
import { H264Framer } from './h264.ts';
import { HevcFramer } from './hevc.ts';
import { LatmFormat } from './latm.ts';
import { MetadataFramer } from './metadata.ts';
import { mpegAudio } from './mpeg-audio.ts';
import { MpegVideoFramer } from './mpeg-video.ts';
import { OpusFramer } from './opus.ts';
import { WholeFramer } from './whole.ts';

/** What finds the access units of an announced codec. */
export function framerFor(codec: Codec, descriptors: readonly Descriptor[], sink: FramerSink): Framer {
  switch (codec) {
    case 'h264':
      return new H264Framer(sink);
    case 'hevc':
      return new HevcFramer(sink);
    case 'mpeg1video':
    case 'mpeg2video':
      return new MpegVideoFramer(codec, sink);
    case 'aac':
      return new AudioFramer(adts, sink);
    case 'aac_latm':
      return new AudioFramer(new LatmFormat(), sink);
    case 'mp2':
    case 'mp3':
      return new AudioFramer(mpegAudio, sink);
    case 'opus':
      return new OpusFramer(opusChannelConfigOf(descriptors), sink);
    case 'klv':
    case 'timed_id3':
      return new MetadataFramer(codec, sink);
    default:
      return new WholeFramer(codec, sink);
  }
}
