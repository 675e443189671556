// The way back from codec/announced.ts: what a PMT says of a codec.
import { announcedBy } from '../codec/announced.ts';
import { type Codec, codecName, type StreamClass } from '../codec/codec.ts';
import type { Descriptor } from '../psi/descriptors.ts';
import { descriptors } from '../psi/write.ts';

/** ISO/IEC 13818-1 table 2-34, and the descriptors without which a private stream_type says nothing. */
interface Line {
  readonly streamType: number;
  readonly descriptors: readonly Descriptor[];
}

const line = (streamType: number, ...list: readonly Descriptor[]): Line => ({
  streamType,
  descriptors: list,
});

const lines: Readonly<Record<Exclude<Codec, object>, Line>> = {
  h264: line(0x1b),
  hevc: line(0x24),
  mpeg1video: line(0x01),
  mpeg2video: line(0x02),
  aac: line(0x0f),
  aac_latm: line(0x11),
  mp2: line(0x03),
  mp3: line(0x03),
  opus: line(0x06, descriptors.registration('Opus'), descriptors.opusChannels(2)),
  klv: line(0x06, descriptors.registration('KLVA')),
  timed_id3: line(0x15, descriptors.metadata('ID3 ')),
};

/** How an elementary stream is to be announced. */
export interface Announcement {
  readonly codec: Codec;
  /** Default: by the codec. */
  readonly streamType?: number;
  /** Without `streamType`, those that the codec needs are put before them, unless one of the same tag is there. */
  readonly descriptors?: readonly Descriptor[];
}

/** What a PMT is to say, and what a demuxer will make of it. Throws `TypeError` for a codec that has no line here. */
export function announce({ codec, streamType, descriptors: given = [] }: Announcement): Line & {
  readonly announced: Codec;
  readonly class: StreamClass;
} {
  let said: Line;
  if (streamType !== undefined) said = { streamType, descriptors: given };
  else if (typeof codec === 'string') {
    const own = lines[codec];
    const needed = own.descriptors.filter(({ tag }) => !given.some((descriptor) => descriptor.tag === tag));
    said = { streamType: own.streamType, descriptors: [...needed, ...given] };
  } else {
    throw new TypeError(`codec: no stream_type is known here for ${codecName(codec)}; name a streamType`);
  }
  const { codec: announced, class: kind } = announcedBy(said.streamType, said.descriptors);
  return { ...said, announced, class: kind };
}
