// For encoders that do not set random_access_indicator: does a decoder find what it needs to begin in these bytes?
import { u8 } from '../bytes.ts';
import { type Codec, codecName } from '../codec/codec.ts';
import { hasStartCode } from '../pes/header.ts';

type Judge = (bytes: Uint8Array, at: number) => boolean;

const judges: Readonly<Record<string, Judge>> = {
  // ITU-T H.264 table 7-1: a coded slice of an IDR picture, or the sequence parameter set that comes before one.
  h264: (bytes, at) => {
    const type = u8(bytes, at) & 0x1f;
    return type === 5 || type === 7;
  },
  // ITU-T H.265 table 7-1: IRAP pictures (16 to 23), or the video or sequence parameter set before one.
  hevc: (bytes, at) => {
    const type = (u8(bytes, at) >> 1) & 0x3f;
    return (type >= 16 && type <= 23) || type === 32 || type === 33;
  },
  // ISO/IEC 13818-2 table 6-1: sequence_header_code.
  mpeg1video: (bytes, at) => u8(bytes, at) === 0xb3,
  mpeg2video: (bytes, at) => u8(bytes, at) === 0xb3,
};

/** Whether the first bytes of a video unit, those between `start` and `end`, look like the begin of a key frame. */
export function looksLikeKeyFrame(codec: Codec, bytes: Uint8Array, start: number, end: number): boolean {
  const judge = judges[codecName(codec)];
  if (!judge) return false;
  for (let at = start; at + 3 < end; at++) {
    if (hasStartCode(bytes, at) && judge(bytes, at + 3)) return true;
  }
  return false;
}
