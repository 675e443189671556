// Which codec a PMT announces: ISO/IEC 13818-1 table 2-34 stream_type, and for private streams their descriptors.
import { type Descriptor, metadataFormatOf, registrationOf } from '../psi/descriptors.ts';
import type { Codec, StreamClass } from './codec.ts';

/** What a PMT says about an elementary stream. Only the stream itself tells MPEG-1 from MPEG-2 video, MP2 from MP3. */
export interface Announced {
  readonly codec: Codec;
  readonly class: StreamClass;
}

const video = (codec: Codec): Announced => ({ codec, class: 'video' });
const audio = (codec: Codec): Announced => ({ codec, class: 'audio' });
const data = (codec: Codec): Announced => ({ codec, class: 'data' });

const byStreamType: Readonly<Record<number, Announced>> = {
  1: video('mpeg1video'),
  2: video('mpeg2video'), // also MPEG-1, and what ffmpeg writes for both
  3: audio('mp2'), // any layer of ISO/IEC 11172-3
  4: audio('mp2'), // any layer of ISO/IEC 13818-3
  15: audio('aac'),
  16: video({ unknown: 'mpeg4' }),
  17: audio('aac_latm'),
  27: video('h264'),
  28: audio({ unknown: 'aac' }), // without transport syntax
  32: video({ unknown: 'h264_mvc' }),
  33: video({ unknown: 'jpeg2000' }),
  36: video('hevc'),
  51: video({ unknown: 'vvc' }),
  66: video({ unknown: 'cavs' }),
  129: audio({ unknown: 'ac3' }), // ATSC A/53
  130: audio({ unknown: 'dts' }),
  134: data({ unknown: 'scte_35' }),
  135: audio({ unknown: 'eac3' }),
  209: video({ unknown: 'dirac' }),
  234: video({ unknown: 'vc1' }),
};

/** Stream types whose packets carry sections, not PES packets; also 0x16, metadata, and SCTE 35. */
const sections: ReadonlySet<number> = new Set([0x05, 0x0a, 0x0b, 0x0c, 0x0d, 0x14, 0x16, 0x86]);

/** Whether the packets of a stream carry sections: there are no access units in it. */
export const carriesSections = (streamType: number): boolean => sections.has(streamType);

const byRegistration: Readonly<Record<string, Announced>> = {
  Opus: audio('opus'),
  'AC-3': audio({ unknown: 'ac3' }),
  EAC3: audio({ unknown: 'eac3' }),
  'AC-4': audio({ unknown: 'ac4' }),
  BSSD: audio({ unknown: 's302m' }),
  DTS1: audio({ unknown: 'dts' }),
  DTS2: audio({ unknown: 'dts' }),
  DTS3: audio({ unknown: 'dts' }),
  HEVC: video('hevc'),
  AV01: video({ unknown: 'av1' }),
  drac: video({ unknown: 'dirac' }),
  'VC-1': video({ unknown: 'vc1' }),
  KLVA: data('klv'),
  'ID3 ': data('timed_id3'),
  PRCH: data({ unknown: 'perch_data' }), // docs/reference/timed-data.md
};

/** ETSI EN 300 468 table 12: descriptors that DVB puts on private streams. */
const byDescriptor: Readonly<Record<number, Announced>> = {
  86: data({ unknown: 'dvb_teletext' }),
  89: data({ unknown: 'dvb_subtitle' }),
  106: audio({ unknown: 'ac3' }),
  122: audio({ unknown: 'eac3' }),
  123: audio({ unknown: 'dts' }),
};

/** 2.4.4.10: PES packets with private data. */
const PRIVATE_PES = 6;

/** 2.12: PES packets with metadata; a descriptor says which. */
const METADATA_PES = 21;

/** What is registered, if that is characters. */
const inWords = (format: string | undefined): string =>
  format !== undefined && /^[\x20-\x7e]{4}$/.test(format) ? ` (${format.trimEnd()})` : '';

/** The codec and class that a PMT gives an elementary stream. */
export function announcedBy(streamType: number, descriptors: readonly Descriptor[]): Announced {
  const standard = byStreamType[streamType];
  if (standard) return standard;
  const format = metadataFormatOf(descriptors)?.format ?? registrationOf(descriptors);
  const registered = byRegistration[format ?? ''];
  if (registered) return registered;
  if (streamType === METADATA_PES) return data({ unknown: `metadata${inWords(format)}` });
  if (streamType === PRIVATE_PES) {
    for (const { tag } of descriptors) {
      const private_ = byDescriptor[tag];
      if (private_) return private_;
    }
    return data({ unknown: `bin_data${inWords(format)}` });
  }
  return data({ unknown: `stream type 0x${streamType.toString(16).padStart(2, '0')}` });
}
