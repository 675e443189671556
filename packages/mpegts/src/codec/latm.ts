// ISO/IEC 14496-3 1.7: AAC in LATM (the multiplex) in LOAS (the sync layer), as DVB and ffmpeg's "latm" flag send it.
//
//   1.7.2 AudioSyncStream:   syncword(11) = 0x2b7  audioMuxLengthBytes(13)  AudioMuxElement(1)
//   1.7.3 AudioMuxElement:   useSameStreamMux(1) [StreamMuxConfig] PayloadLengthInfo PayloadMux [other data] align
import { u8, u16 } from '../bytes.ts';
import type { AudioDescription, AudioFormat } from './audio.ts';
import { readAudioSpecificConfig } from './audio-specific-config.ts';
import { BitReader } from './bits.ts';
import type { AacConfig } from './config.ts';

const HEADER_BYTES = 3;
const SYNC = 0x2b7;

/** What a StreamMuxConfig says, as far as one program with one layer and one frame in an element goes. */
interface StreamMux {
  readonly config: AacConfig;
  /** Samples of a frame, at the rate of the core. */
  readonly samples: number;
  readonly coreRate: number;
}

/**
 * AAC with LOAS headers. A frame can be decoded from where a StreamMuxConfig was; those that carry one are random access
 * points. Of what LATM can do more than anybody does (several programs, layers, or frames in an element, scalable and
 * speech codecs) nothing is followed: such frames are reported.
 */
export class LatmFormat implements AudioFormat {
  readonly headerBytes = HEADER_BYTES;
  #mux: StreamMux | undefined;
  /** The bits of the config that is known, to see whether another one is the same. */
  #key = '';

  parse(bytes: Uint8Array, at: number): ReturnType<AudioFormat['parse']> {
    if (u16(bytes, at) >> 5 !== SYNC) return undefined;
    const length = ((u8(bytes, at + 1) & 0x1f) << 8) | u8(bytes, at + 2);
    if (length === 0) return undefined;
    return { bytes: HEADER_BYTES + length, samples: 0, sampleRate: 0, key: undefined };
  }

  describe(bytes: Uint8Array, at: number): AudioDescription | undefined {
    const bits = new BitReader(bytes, at + HEADER_BYTES);
    const randomAccess = !bits.flag(); // useSameStreamMux
    if (randomAccess) {
      const mux = readStreamMux(bits);
      if (!mux) return undefined;
      const key = `${mux.config.audioSpecificConfig}`;
      if (key !== this.#key) {
        this.#key = key;
        this.#mux = mux;
      }
    }
    const mux = this.#mux;
    return {
      codec: 'aac_latm',
      config: mux?.config,
      ...(mux && { timing: { samples: mux.samples, sampleRate: mux.coreRate } }),
      randomAccess,
    };
  }
}

/**
 * The raw AAC frame inside a LOAS frame, as a decoder takes it together with
 * {@link AacConfig.audioSpecificConfig}: a new array. Undefined where the frame cannot be read.
 */
export function latmPayload(frame: Uint8Array): Uint8Array | undefined {
  if (u16(frame, 0) >> 5 !== SYNC) return undefined;
  const bits = new BitReader(frame, HEADER_BYTES);
  if (!bits.flag() && !readStreamMux(bits)) return undefined;
  // 1.7.3.1 PayloadLengthInfo, frameLengthType 0: bytes of 0xff and one below, added.
  let length = 0;
  let part = 0xff;
  while (part === 0xff && !bits.overrun) {
    part = bits.read(8);
    length += part;
  }
  if (length > frame.length) return undefined;
  const payload = Uint8Array.from({ length }, () => bits.read(8));
  return bits.overrun ? undefined : payload;
}

/** 1.7.3.1 table 1.42: StreamMuxConfig. */
function readStreamMux(bits: BitReader): StreamMux | undefined {
  const version = bits.read(1); // audioMuxVersion
  if (version === 1) {
    if (bits.flag()) return undefined; // audioMuxVersionA: to be defined
    readValue(bits); // taraBufferFullness
  }
  const sameFraming = bits.flag(); // allStreamsSameTimeFraming
  // numSubFrames, numProgram, numLayer: one frame of one layer of one program
  if (!sameFraming || bits.read(6) !== 0 || bits.read(4) !== 0 || bits.read(3) !== 0) return undefined;
  const announced = version === 1 ? readValue(bits) : undefined; // ascLen
  const found = readAudioSpecificConfig(bits, announced);
  if (!found) return undefined;
  if (bits.read(3) !== 0) return undefined; // frameLengthType: AAC has 0
  bits.skip(8); // latmBufferFullness
  if (bits.flag()) {
    // otherDataPresent: it comes after the payload, where nobody looks
    if (version === 1) readValue(bits);
    else while (bits.flag() && !bits.overrun) bits.skip(8);
    if (version === 0) bits.skip(8); // the last of otherDataLenTmp
  }
  if (bits.flag()) bits.skip(8); // crcCheckSum
  if (bits.overrun) return undefined;
  const { objectType, sampleRate, coreRate, channels, samples, bytes } = found;
  return {
    samples,
    coreRate,
    config: {
      codec: 'aac_latm',
      codecString: `mp4a.40.${objectType}`,
      sampleRate,
      channels,
      objectType,
      audioSpecificConfig: bytes,
    },
  };
}

/** 1.7.3.1 table 1.43: LatmGetValue, one to four bytes. */
function readValue(bits: BitReader): number {
  const bytes = bits.read(2) + 1;
  return bits.read(8 * bytes);
}
