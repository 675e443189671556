import type { Ticks90k } from '../time.ts';

/** What an H.264 decoder must know. */
export interface H264Config {
  readonly codec: 'h264';
  /** For WebCodecs and MSE: `avc1.PPCCLL`. */
  readonly codecString: string;
  /** profile_idc, constraint_set flags as a byte, level_idc. */
  readonly profile: number;
  readonly constraints: number;
  readonly level: number;
  /** Of the picture as it is to be shown, cropping applied. In pixels. */
  readonly width: number;
  readonly height: number;
  /** From the VUI, in frames per second. */
  readonly frameRate: number | undefined;
  /** Duration of a frame, from the VUI. */
  readonly frameDuration: Ticks90k | undefined;
  /** Only whole frames: no fields, no field pictures. */
  readonly progressive: boolean;
  /** The parameter sets as NAL units, without start codes. */
  readonly sps: Uint8Array;
  readonly pps: readonly Uint8Array[];
}

/** What an H.265 decoder must know. */
export interface HevcConfig {
  readonly codec: 'hevc';
  /** For WebCodecs and MSE: `hvc1.1.6.L93.B0` and the like (ISO/IEC 14496-15 E.3). */
  readonly codecString: string;
  /** general_profile_idc: 1 is Main, 2 Main 10. */
  readonly profile: number;
  readonly tier: 'main' | 'high';
  /** general_level_idc: 30 × the level, so 93 is 3.1. */
  readonly level: number;
  /** Of the picture as it is to be shown, cropping applied. In pixels. */
  readonly width: number;
  readonly height: number;
  /** From the VUI of the SPS, in pictures per second. */
  readonly frameRate: number | undefined;
  /** Duration of a picture, from the same. */
  readonly frameDuration: Ticks90k | undefined;
  /** The parameter sets as NAL units, without start codes. */
  readonly vps: Uint8Array;
  readonly sps: Uint8Array;
  readonly pps: readonly Uint8Array[];
}

/** What a sequence header says. */
export interface MpegVideoConfig {
  readonly codec: 'mpeg1video' | 'mpeg2video';
  readonly width: number;
  readonly height: number;
  /** Frames per second; undefined for a forbidden code. */
  readonly frameRate: number | undefined;
  readonly frameDuration: Ticks90k | undefined;
  /** MPEG-2: profile_and_level_indication. */
  readonly profileAndLevel: number | undefined;
}

/** What an ADTS header, or the StreamMuxConfig of LATM, says. */
export interface AacConfig {
  readonly codec: 'aac' | 'aac_latm';
  /** For WebCodecs and MSE: `mp4a.40.2` and the like. */
  readonly codecString: string;
  /** In Hz; with SBR signalled inside the frames, what comes out has twice that. */
  readonly sampleRate: number;
  /** 0: the frames themselves say it. */
  readonly channels: number;
  /** MPEG-4 audio object type: 2 is AAC-LC. */
  readonly objectType: number;
  /**
   * ISO/IEC 14496-3 1.6.2.1. Goes with raw frames: those from which the ADTS header was taken off, or what
   * {@link latmPayload} takes out of a LOAS frame.
   */
  readonly audioSpecificConfig: Uint8Array;
}

/** What an MPEG audio frame header says. */
export interface MpegAudioConfig {
  readonly codec: 'mp2' | 'mp3';
  /** In Hz. */
  readonly sampleRate: number;
  readonly channels: number;
}

/** What the PMT says about Opus. */
export interface OpusConfig {
  readonly codec: 'opus';
  /** Always 48,000 Hz. */
  readonly sampleRate: 48_000;
  readonly channels: number;
  /** channel_config_code of the PMT; 1 to 8 is the Vorbis order of so many channels. */
  readonly channelConfig: number;
}

/** What a decoder must know before the first access unit. The same object as long as nothing changes. */
export type CodecConfig =
  | H264Config
  | HevcConfig
  | MpegVideoConfig
  | AacConfig
  | MpegAudioConfig
  | OpusConfig;
