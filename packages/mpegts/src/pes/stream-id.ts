/** ISO/IEC 13818-1 2.4.3.6: packet_start_code_prefix, then stream_id; undefined where no PES packet begins. */
export function streamIdAt(bytes: Uint8Array, pes: number, end: number): number | undefined {
  if (pes + 4 > end || bytes[pes] !== 0 || bytes[pes + 1] !== 0 || bytes[pes + 2] !== 1) return undefined;
  return bytes[pes + 3];
}

/** Table 2-22: 1110 xxxx is a video stream. */
export const isVideoId = (id: number): boolean => (id & 0xf0) === 0xe0;
