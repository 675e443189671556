import { ProtocolError } from '../errors.ts';
import { captureLimits } from './limits.ts';

/** Where the payload of one `perch.captures.1` binary message belongs. */
export interface FrameHeader {
  /** As the offer named it. */
  readonly stream: number;
  /** Of the first byte, in the segment. */
  readonly offset: number;
}

/**
 * Bytes of the header of a `perch.captures.1` binary message; 1 byte to 1 MiB of the segment follow.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------+-----------------------------------------------+
 * |  version = 1  |                 reserved = 0                  |
 * +---------------+-----------------------------------------------+
 * |                            stream                             |
 * +---------------------------------------------------------------+
 * |                 offset (64 bits, big endian)                  |
 * |                                                               |
 * +---------------------------------------------------------------+
 */
export const FRAME_HEADER_BYTES = 16;

const VERSION = 1;

/** Writes a header at the start of `into`. */
export function writeFrameHeader(into: Uint8Array, { stream, offset }: FrameHeader): void {
  const view = new DataView(into.buffer, into.byteOffset, FRAME_HEADER_BYTES);
  view.setUint32(0, VERSION * 2 ** 24);
  view.setUint32(4, stream);
  view.setUint32(8, Math.floor(offset / 2 ** 32));
  view.setUint32(12, offset >>> 0);
}

/**
 * Reads the header of `message`; the payload is `message.subarray(FRAME_HEADER_BYTES)`.
 *
 * @throws {ProtocolError} `bad-capture-frame` where it is too short, too long, empty, of another version or beyond any segment.
 */
export function readFrameHeader(message: Uint8Array): FrameHeader {
  const payload = message.byteLength - FRAME_HEADER_BYTES;
  if (payload < 1 || payload > captureLimits.frameBytes) {
    throw bad(
      `a binary message has ${FRAME_HEADER_BYTES} bytes of header and 1 to ${captureLimits.frameBytes} of payload`,
    );
  }
  const view = new DataView(message.buffer, message.byteOffset, FRAME_HEADER_BYTES);
  if (view.getUint8(0) !== VERSION) throw bad(`a frame of version ${view.getUint8(0)}, not ${VERSION}`);
  const offset = view.getUint32(8) * 2 ** 32 + view.getUint32(12);
  if (offset + payload > captureLimits.segmentBytes) throw bad(`no segment has a byte ${offset + payload}`);
  return { stream: view.getUint32(4), offset };
}

const bad = (message: string) => new ProtocolError('bad-capture-frame', message);
