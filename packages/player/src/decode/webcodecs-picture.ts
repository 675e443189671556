// WebCodecs, https://www.w3.org/TR/webcodecs/; its registrations for AVC and HEVC: a stream in Annex B form has no
// `description`, parameter sets come in the key frames.
import { type AccessUnit, codecName } from '@perch/mpegts';
import { fromTicks90k, toMicros } from '../sync/media-time.ts';
import type { Decoder, OpenDecoder, PictureOutput } from './decoder.ts';
import { codecInWords, insecure, missing, pictureRefused, pictureUnsupported } from './words.ts';

/** So many pictures behind, a decoder is too slow for the stream: go on at the next random access point. */
const MOST_PENDING = 900;

/** Pictures by the browser's own decoder. */
export const openWebCodecsPicture: OpenDecoder<VideoFrame> = async (unit, output) => {
  const codec = codecName(unit.codec);
  if (typeof VideoDecoder === 'undefined') {
    const words = globalThis.isSecureContext ? missing : insecure;
    return { kind: 'refused', reason: words(codecInWords(codec)) };
  }
  const config = configOf(unit);
  if (!config) return { kind: 'refused', reason: pictureRefused(codec) };
  if (!(await VideoDecoder.isConfigSupported(config)).supported)
    return { kind: 'refused', reason: pictureUnsupported(codec) };
  return { kind: 'open', decoder: new WebCodecsPicture(config, output) };
};

class WebCodecsPicture implements Decoder {
  readonly #decoder: VideoDecoder;
  readonly #output: PictureOutput;
  #skipping = false;

  constructor(config: VideoDecoderConfig, output: PictureOutput) {
    this.#output = output;
    this.#decoder = new VideoDecoder({
      output: (frame) => output.decoded(frame),
      error: (error) => output.failed(error),
    });
    this.#decoder.configure(config);
  }

  decode(unit: AccessUnit): void {
    if (this.#decoder.state !== 'configured') return;
    if (this.#decoder.decodeQueueSize > MOST_PENDING) this.#skipping = true;
    if (this.#skipping && !unit.randomAccess) return;
    this.#skipping = false;
    try {
      this.#decoder.decode(
        new EncodedVideoChunk({
          type: unit.randomAccess ? 'key' : 'delta',
          timestamp: toMicros(fromTicks90k(unit.pts)),
          data: unit.data,
        }),
      );
    } catch (error) {
      this.#output.failed(error as Error);
    }
  }

  close(): void {
    if (this.#decoder.state !== 'closed') this.#decoder.close();
  }
}

/** RFC 6381 3.3, ISO/IEC 14496-15 E.3: the codec string names profile, constraint flags and level, as the SPS does. */
function configOf(unit: AccessUnit): VideoDecoderConfig | undefined {
  if (unit.config?.codec !== 'h264' && unit.config?.codec !== 'hevc') return undefined;
  return {
    codec: unit.config.codecString,
    optimizeForLatency: true,
    hardwareAcceleration: 'no-preference',
  };
}
