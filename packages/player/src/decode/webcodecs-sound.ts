// WebCodecs, https://www.w3.org/TR/webcodecs/, and its codec registrations.
import { type AccessUnit, codecName, latmPayload } from '@perch/mpegts';
import { fromMicros, fromTicks90k, toMicros } from '../sync/media-time.ts';
import type { SoundChunk } from '../sync/sound-ring.ts';
import type { Decoder, OpenDecoder, SoundOutput } from './decoder.ts';
import { insecure, missing, soundRefused } from './words.ts';

/** Sound by the browser's own decoder. */
export const openWebCodecsSound: OpenDecoder<SoundChunk> = async (unit, output) => {
  if (typeof AudioDecoder === 'undefined')
    return { kind: 'refused', reason: globalThis.isSecureContext ? missing('sound') : insecure('sound') };
  const config = configOf(unit);
  if (!config || !(await AudioDecoder.isConfigSupported(config)).supported)
    return { kind: 'refused', reason: soundRefused(codecName(unit.codec)) };
  return { kind: 'open', decoder: new WebCodecsSound(config, output) };
};

class WebCodecsSound implements Decoder {
  readonly #decoder: AudioDecoder;
  readonly #output: SoundOutput;

  constructor(config: AudioDecoderConfig, output: SoundOutput) {
    this.#output = output;
    this.#decoder = new AudioDecoder({
      output: (data) => {
        output.decoded(toChunk(data));
        data.close();
      },
      error: (error) => output.failed(error),
    });
    this.#decoder.configure(config);
  }

  decode(unit: AccessUnit): void {
    if (this.#decoder.state !== 'configured') return;
    const data = unit.codec === 'aac_latm' ? latmPayload(unit.data) : unit.data;
    if (!data) return; // a frame that LATM's rules forbid: damage, like any other
    try {
      this.#decoder.decode(
        new EncodedAudioChunk({
          type: 'key',
          timestamp: toMicros(fromTicks90k(unit.pts)),
          data,
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

/** At most two channels are taken: the first two are left and right in every layout that a browser gives. */
function toChunk(data: AudioData): SoundChunk {
  const planes: Float32Array<ArrayBuffer>[] = [];
  for (let i = 0; i < Math.min(2, data.numberOfChannels); i++) {
    const plane = new Float32Array(data.numberOfFrames);
    data.copyTo(plane, { planeIndex: i, format: 'f32-planar' });
    planes.push(plane);
  }
  return { pts: fromMicros(data.timestamp), sampleRate: data.sampleRate, planes };
}

function configOf(unit: AccessUnit): AudioDecoderConfig | undefined {
  const config = unit.config;
  switch (config?.codec) {
    case 'aac':
      // Without a description the frames have ADTS headers, as here (AAC WebCodecs registration).
      return {
        codec: config.codecString,
        sampleRate: config.sampleRate,
        numberOfChannels: config.channels || 2,
      };
    case 'aac_latm':
      // What is inside LATM has no ADTS header; the description says how it is made.
      return {
        codec: config.codecString,
        sampleRate: config.sampleRate,
        numberOfChannels: config.channels || 2,
        description: config.audioSpecificConfig,
      };
    case 'mp3':
      return { codec: 'mp3', sampleRate: config.sampleRate, numberOfChannels: config.channels };
    case 'opus':
      return { codec: 'opus', sampleRate: 48_000, numberOfChannels: config.channels };
    default:
      return undefined;
  }
}
