// ISO/IEC 13818-7 6.2 (and 14496-3 1.A.2): the ADTS header.
//
//   syncword(12) ID(1) layer(2) protection_absent(1) | profile(2) sampling_frequency_index(4) private(1)
//   channel_configuration(3) original(1) home(1) copyright(2) | frame_length(13) buffer_fullness(11) blocks(2)
import { u8, u16 } from '../bytes.ts';
import type { AudioFormat } from './audio.ts';
import { channelCounts, sampleRates } from './audio-specific-config.ts';

const HEADER_BYTES = 7;
/** 14496-3 4.5.1.1: samples in a raw_data_block. */
const BLOCK_SAMPLES = 1024;

/** How many bytes the header of an ADTS frame takes: what is after it is the raw frame. */
export const adtsHeaderBytes = (frame: Uint8Array): number => ((u8(frame, 1) & 1) === 1 ? 7 : 9);

/** AAC with ADTS headers. */
export const adts: AudioFormat = {
  headerBytes: HEADER_BYTES,
  parse(bytes, at) {
    // syncword and layer, which is always 0
    if ((u16(bytes, at) & 0xfff6) !== 0xfff0) return undefined;
    const frequency = (u8(bytes, at + 2) >> 2) & 0x0f;
    const sampleRate = sampleRates[frequency];
    const length = ((u8(bytes, at + 3) & 3) << 11) | (u8(bytes, at + 4) << 3) | (u8(bytes, at + 5) >> 5);
    const header = (u8(bytes, at + 1) & 1) === 1 ? 7 : 9;
    if (sampleRate === undefined || length <= header) return undefined;
    const blocks = (u8(bytes, at + 6) & 3) + 1;
    const channels = ((u8(bytes, at + 2) & 1) << 2) | (u8(bytes, at + 3) >> 6);
    const key = ((u8(bytes, at + 2) >> 6) << 7) | (frequency << 3) | channels;
    return { bytes: length, samples: BLOCK_SAMPLES * blocks, sampleRate, key };
  },
  describe(bytes, at) {
    const objectType = (u8(bytes, at + 2) >> 6) + 1;
    const frequency = (u8(bytes, at + 2) >> 2) & 0x0f;
    const channels = ((u8(bytes, at + 2) & 1) << 2) | (u8(bytes, at + 3) >> 6);
    return {
      codec: 'aac',
      config: {
        codec: 'aac',
        codecString: `mp4a.40.${objectType}`,
        sampleRate: sampleRates[frequency] ?? 0,
        channels: channelCounts[channels] ?? 0,
        objectType,
        // 14496-3 1.6.2.1: audioObjectType(5) samplingFrequencyIndex(4) channelConfiguration(4) 000
        audioSpecificConfig: Uint8Array.of(
          (objectType << 3) | (frequency >> 1),
          ((frequency & 1) << 7) | (channels << 3),
        ),
      },
    };
  },
};
