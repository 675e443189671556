// ISO/IEC 11172-3 2.4.1.3 and 13818-3: the MPEG audio frame header.
//
//   syncword(11) version(2) layer(2) no_crc(1) | bitrate_index(4) sampling_frequency(2) padding(1) private(1) |
//   mode(2) …
import { u8, u16 } from '../bytes.ts';
import type { AudioFormat } from './audio.ts';

/** Version bits: 3 is MPEG-1, 2 is MPEG-2 (half the sample rates), 0 the MPEG-2.5 that everybody decodes. */
const MPEG1 = 3;
const sampleRatesOf = [[11_025, 12_000, 8_000], [], [22_050, 24_000, 16_000], [44_100, 48_000, 32_000]];

// bitrate_index 1 to 14 in kbit/s; 0 is free format, which is not followed.
const layer1 = [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448];
const layer2 = [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
const layer3 = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const half1 = [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
const half23 = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

const layerOf = (bytes: Uint8Array, at: number): number => 4 - ((u8(bytes, at + 1) >> 1) & 3);

/** MPEG-1 and MPEG-2 audio, layers I to III. */
export const mpegAudio: AudioFormat = {
  headerBytes: 4,
  parse(bytes, at) {
    if ((u16(bytes, at) & 0xffe0) !== 0xffe0) return undefined;
    const version = (u8(bytes, at + 1) >> 3) & 3;
    const layer = layerOf(bytes, at);
    const sampleRate = sampleRatesOf[version]?.[(u8(bytes, at + 2) >> 2) & 3];
    const rates =
      version === MPEG1 ? [layer1, layer2, layer3][layer - 1] : [half1, half23, half23][layer - 1];
    const bitrate = rates?.[(u8(bytes, at + 2) >> 4) - 1];
    if (sampleRate === undefined || bitrate === undefined) return undefined;
    const padding = (u8(bytes, at + 2) >> 1) & 1;
    const samples = layer === 1 ? 384 : layer === 3 && version !== MPEG1 ? 576 : 1152;
    // 11172-3 2.4.3.1: layer I counts in slots of four bytes.
    const slots = Math.floor((samples * bitrate * 125) / sampleRate / (layer === 1 ? 4 : 1)) + padding;
    const mono = u8(bytes, at + 3) >> 6 === 3;
    const key = (version << 6) | (layer << 4) | (((u8(bytes, at + 2) >> 2) & 3) << 1) | (mono ? 1 : 0);
    return { bytes: layer === 1 ? slots * 4 : slots, samples, sampleRate, key };
  },
  describe(bytes, at) {
    const layer = layerOf(bytes, at);
    if (layer === 1) return { codec: { unknown: 'mp1' }, config: undefined };
    const codec = layer === 2 ? 'mp2' : 'mp3';
    const sampleRate = this.parse(bytes, at)?.sampleRate ?? 0;
    const channels = u8(bytes, at + 3) >> 6 === 3 ? 1 : 2;
    return { codec, config: { codec, sampleRate, channels } };
  },
};
