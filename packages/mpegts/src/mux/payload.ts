// The way back from the framers: access units as they stand in PES packets. Most codecs stand there as they are.
import { concat } from '../bytes.ts';
import type { Codec, StreamClass } from '../codec/codec.ts';
import { METADATA_STREAM_ID } from '../codec/metadata.ts';
import { type Descriptor, metadataFormatOf } from '../psi/descriptors.ts';

/** ISO/IEC 13818-1 table 2-34: metadata in PES packets. */
const METADATA_PES = 0x15;
/** Table 2-22: stream_id of the first video and audio stream; private_stream_1 for all that has no other. */
const streamIds = { video: 0xe0, audio: 0xc0, private: 0xbd } as const;

/** How the access units of a stream are put into PES packets. */
export interface Payload {
  readonly streamId: number;
  /** The payload of a PES packet that holds this unit alone; may be `data` itself. */
  wrap(data: Uint8Array, randomAccess: boolean): Uint8Array;
}

const asIs = (data: Uint8Array): Uint8Array => data;

/** `codec` and `kind` as `streamType` and `descriptors` announce them. */
export function payloadOf(
  codec: Codec,
  kind: StreamClass,
  streamType: number,
  descriptors: readonly Descriptor[],
): Payload {
  if (codec === 'opus') return { streamId: streamIds.private, wrap: withControlHeader };
  if (codec === 'klv' && streamType === METADATA_PES) {
    const service = metadataFormatOf(descriptors)?.serviceId ?? 0;
    return { streamId: METADATA_STREAM_ID, wrap: cells(service) };
  }
  const isPrivate = kind === 'data' || (kind === 'audio' && typeof codec !== 'string');
  return { streamId: isPrivate ? streamIds.private : streamIds[kind], wrap: asIs };
}

/** "Encapsulation of Opus in MPEG-TS": prefix 0x3ff, no trims; au_size in bytes of 0xff and one below, added. */
function withControlHeader(packet: Uint8Array): Uint8Array {
  const full = Math.floor(packet.length / 255);
  const header = new Uint8Array(2 + full + 1).fill(0xff);
  header.set([0x7f, 0xe0]);
  header[2 + full] = packet.length % 255;
  return concat(header, packet);
}

/** 2.12.4.2: an access unit as one cell, numbered. */
function cells(service: number): Payload['wrap'] {
  let sequence = 0;
  return (data, randomAccess) => {
    // cell_fragment_indication 11 (whole), decoder_config 0, random_access_indicator, reserved 1111
    const flags = 0xcf | (randomAccess ? 0x10 : 0);
    const header = [service, sequence, flags, data.length >> 8, data.length & 0xff];
    sequence = (sequence + 1) & 0xff;
    return concat(Uint8Array.from(header), data);
  };
}
