import { ProtocolError } from './errors.ts';

/** The WebSocket subprotocol whose messages carry the header below. Its page is `docs/reference/wire.md`. */
export const PERCH_1 = 'perch.1';

/** What a message is, as far as whoever forwards it needs to know. Made by whoever publishes. */
export interface Mark {
  /** A decoder can start here. In a transport stream: a video (or, without video, audio) random access point. */
  readonly randomAccess: boolean;
  readonly class: MediaClass;
  /** When it was captured, or arrived at the agent: microseconds since 1970-01-01 UTC, by the agent's clock. */
  readonly capturedAt?: number;
}

/** What the bytes of a message are for: `data` is all that is neither picture nor sound. */
export type MediaClass = 'data' | 'video' | 'audio';

/** Everything that the header of one `perch.1` binary message says. */
export interface WireHeader extends Mark {
  /** Counts a topic's messages, modulo 2^32. A gap means that messages were dropped on the way. */
  readonly sequence: number;
  /** The payload was a text message. */
  readonly text: boolean;
  /** Part of the cached start group: decode it, do not show it late. */
  readonly replay: boolean;
}

/**
 * Bytes of the header of a `perch.1` binary message:
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------+-+-+-+-+-+-----+---------------+---------------+
 * |  version = 1  |P|T|C| class |R|         reserved = 0          |    P replay, T text, C capture time present,
 * +---------------+-+-+-+-------+-+---------------+---------------+    R random access
 * |                           sequence                            |
 * +---------------------------------------------------------------+
 * |        capture time, microseconds since 1970-01-01 UTC        |
 * |                 (64 bits, big endian, 0 = none)               |
 * +---------------------------------------------------------------+
 */
export const WIRE_HEADER_BYTES = 16;

const VERSION = 1;
const REPLAY = 0x80;
const TEXT = 0x40;
const CAPTURED = 0x20;
const RANDOM_ACCESS = 0x01;
const CLASSES: readonly MediaClass[] = ['data', 'video', 'audio'];

/** Writes a header at `offset` of `into`, which must have {@link WIRE_HEADER_BYTES} bytes of room there. */
export function writeWireHeader(into: Uint8Array, offset: number, header: WireHeader): void {
  const view = new DataView(into.buffer, into.byteOffset + offset, WIRE_HEADER_BYTES);
  const captured = header.capturedAt;
  view.setUint8(0, VERSION);
  view.setUint8(
    1,
    (header.replay ? REPLAY : 0) |
      (header.text ? TEXT : 0) |
      (captured === undefined ? 0 : CAPTURED) |
      (CLASSES.indexOf(header.class) << 1) |
      (header.randomAccess ? RANDOM_ACCESS : 0),
  );
  view.setUint16(2, 0);
  view.setUint32(4, header.sequence >>> 0);
  const micros = captured ?? 0;
  view.setUint32(8, Math.floor(micros / 2 ** 32));
  view.setUint32(12, micros >>> 0);
}

/**
 * Reads the header at the start of `message`; the payload follows at {@link WIRE_HEADER_BYTES}.
 *
 * @throws {ProtocolError} `bad-wire-header` where it is too short, of another version, or of no known class.
 */
export function readWireHeader(message: Uint8Array): WireHeader {
  if (message.byteLength < WIRE_HEADER_BYTES) {
    throw new ProtocolError('bad-wire-header', `a perch.1 message has at least ${WIRE_HEADER_BYTES} bytes`);
  }
  const view = new DataView(message.buffer, message.byteOffset, WIRE_HEADER_BYTES);
  if (view.getUint8(0) !== VERSION) {
    throw new ProtocolError(
      'bad-wire-header',
      `perch.1 message of version ${view.getUint8(0)}, not ${VERSION}`,
    );
  }
  const bits = view.getUint8(1);
  const mediaClass = CLASSES[(bits >> 1) & 0x0f];
  if (!mediaClass) throw new ProtocolError('bad-wire-header', `no media class ${(bits >> 1) & 0x0f}`);
  const captured = view.getUint32(8) * 2 ** 32 + view.getUint32(12);
  return {
    randomAccess: (bits & RANDOM_ACCESS) !== 0,
    class: mediaClass,
    sequence: view.getUint32(4),
    text: (bits & TEXT) !== 0,
    replay: (bits & REPLAY) !== 0,
    ...((bits & CAPTURED) !== 0 && { capturedAt: captured }),
  };
}
