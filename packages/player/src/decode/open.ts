import { codecName } from '@perch/mpegts';
import type { SoundChunk } from '../sync/sound-ring.ts';
import type { OpenDecoder } from './decoder.ts';
import type { SoftwareDecoders } from './software.ts';
import { openWebCodecsPicture } from './webcodecs-picture.ts';
import { openWebCodecsSound } from './webcodecs-sound.ts';
import { pictureRefused, soundRefused } from './words.ts';

/** Fetches the decoders that no browser has. Called when a stream needs one, not before. */
export type LoadSoftware = () => Promise<SoftwareDecoders>;

/** Chooses the decoder for a picture by its codec. */
export const pictureOpener =
  (load: LoadSoftware): OpenDecoder<VideoFrame> =>
  async (unit, output) => {
    switch (unit.codec) {
      case 'h264':
      case 'hevc':
        return openWebCodecsPicture(unit, output);
      case 'mpeg1video':
        return { kind: 'open', decoder: (await load()).mpeg1Video(unit, output) };
      default:
        return {
          kind: 'refused',
          reason: pictureRefused(codecName(unit.codec)),
        };
    }
  };

/** ISO/IEC 11172-3; the lower rates are those of ISO/IEC 13818-3, which the software decoder does not know. */
const LOWEST_MP2_HZ = 32_000;

/** Chooses the decoder for sound by its codec. */
export const soundOpener =
  (load: LoadSoftware): OpenDecoder<SoundChunk> =>
  async (unit, output) => {
    switch (unit.codec) {
      case 'aac':
      case 'aac_latm':
      case 'mp3':
      case 'opus':
        return openWebCodecsSound(unit, output);
      case 'mp2':
        if (unit.config?.codec === 'mp2' && unit.config.sampleRate < LOWEST_MP2_HZ)
          return { kind: 'refused', reason: soundRefused('mp2', unit.config.sampleRate) };
        return { kind: 'open', decoder: (await load()).mp2(unit, output) };
      default:
        return {
          kind: 'refused',
          reason: soundRefused(codecName(unit.codec)),
        };
    }
  };
