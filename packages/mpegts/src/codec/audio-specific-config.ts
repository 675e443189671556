// ISO/IEC 14496-3 1.6.2.1: AudioSpecificConfig, what an AAC decoder must know.
import type { BitReader } from './bits.ts';

/** 14496-3 table 1.18. */
export const sampleRates: readonly number[] = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];
/** Table 1.19; channelConfiguration 7 is 7.1. */
export const channelCounts: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 8];

/** Table 1.17: audioObjectType. SBR doubles the rate, PS makes two channels of one. */
const object = {
  main: 1,
  scalable: 6,
  sbr: 5,
  erLc: 17,
  erScalable: 20,
  erLd: 23,
  ps: 29,
  escape: 31,
} as const;
/** Those with a GASpecificConfig (4.4.1) and no error protection: AAC Main, LC, SSR, LTP. */
const isPlain = (type: number): boolean => type >= 1 && type <= 4;
const isErrorResilient = (type: number): boolean =>
  type === object.erLc || type === 19 || type === object.erLd;

/** What an AudioSpecificConfig says. */
export interface AudioSpecificConfig {
  /** The outermost: 5 or 29 where SBR or PS are told. */
  readonly objectType: number;
  /** What comes out, and what the AAC core runs at, in Hz. */
  readonly sampleRate: number;
  readonly coreRate: number;
  /** 0: the frames themselves say it. */
  readonly channels: number;
  /** Of a frame, at the rate of the core. */
  readonly samples: number;
  /** The config itself, from the first bit, filled up with zeros. */
  readonly bytes: Uint8Array;
}

/**
 * The config that begins here. `length` in bits where it is told; where not, one that can only be read with it is not.
 * Undefined for codecs that are not AAC, for channels that are spelt out one by one, and for what cannot be.
 */
export function readAudioSpecificConfig(bits: BitReader, length?: number): AudioSpecificConfig | undefined {
  const start = bits.position;
  const first = readObjectType(bits);
  const coreRate = readSampleRate(bits);
  const channelConfiguration = bits.read(4);
  let sampleRate = coreRate;
  let core = first;
  if (first === object.sbr || first === object.ps) {
    sampleRate = readSampleRate(bits); // extensionSamplingFrequency
    core = readObjectType(bits);
  }
  const channels = channelCounts[channelConfiguration];
  if (!coreRate || !sampleRate || !channels || !(isPlain(core) || isErrorResilient(core))) return undefined;
  // 4.4.1 GASpecificConfig
  const short = bits.flag(); // frameLengthFlag
  if (bits.flag()) bits.skip(14); // coreCoderDelay
  const extension = bits.flag(); // extensionFlag
  if (isErrorResilient(core)) {
    if (extension) bits.skip(3); // resilience flags
    if (extension) bits.skip(1); // extensionFlag3
    if (bits.read(2) !== 0) return undefined; // epConfig: no error protection tool
  }
  const read = bits.position - start;
  if (bits.overrun || (length !== undefined && (length < read || length > MOST_BITS))) return undefined;
  if (length !== undefined) bits.skip(length - read); // 1.6.6: backward compatible signalling of SBR, fill bits
  return {
    objectType: first,
    sampleRate,
    coreRate,
    channels: first === object.ps ? 2 : channels,
    samples: (short ? 960 : 1024) / (core === object.erLd ? 2 : 1),
    bytes: bits.copy(start, length ?? read),
  };
}

/** More than any config takes. */
const MOST_BITS = 1024;

/** 1.6.2.1 GetAudioObjectType. */
function readObjectType(bits: BitReader): number {
  const type = bits.read(5);
  return type === object.escape ? 32 + bits.read(6) : type;
}

/** In Hz; 0 for what is reserved. */
function readSampleRate(bits: BitReader): number {
  const index = bits.read(4);
  return index === 15 ? bits.read(24) : (sampleRates[index] ?? 0);
}
