import {
  type CaptureEvent,
  readEvent,
  readId,
  readSegment,
  readSha256,
  type SegmentName,
} from './capture.ts';
import { Fields } from './fields.ts';
import { captureLimits } from './limits.ts';

/** The WebSocket subprotocol by which captures travel. Its page is `docs/reference/captures-wire.md`. */
export const PERCH_CAPTURES_1 = 'perch.captures.1';

/** Text messages device → relay. Bytes travel in binary messages, see {@link writeFrameHeader}. */
export type FromDevice =
  /** Here is a segment. `stream` names it on this connection; a number is never used twice on one. */
  | ({ readonly type: 'offer'; readonly stream: number } & SegmentName)
  /** No more bytes of this stream now: something more urgent came. Keep what you have; the segment is offered again. */
  | { readonly type: 'withdraw'; readonly stream: number }
  /** Something happened. The same `id` may come again; it is the same event then. */
  | { readonly type: 'event'; readonly id: string; readonly event: CaptureEvent };

/** Text messages relay → device. */
export type FromRelay =
  /** The first message: bytes that may be on their way at once, and segments that may be offered at once. */
  | { readonly type: 'hello'; readonly window: number; readonly streams: number }
  /** Send this stream's bytes from `offset` on: 0, or where an earlier connection was cut. */
  | { readonly type: 'send'; readonly stream: number; readonly offset: number }
  /** All bytes of this stream before `offset` have come. They are not promised yet. */
  | { readonly type: 'received'; readonly stream: number; readonly offset: number }
  /** The segment with this hash is on disk, file, directory and row. The device may delete it. Ends the stream. */
  | { readonly type: 'persisted'; readonly stream: number; readonly sha256: string }
  /** What came was not what was offered: send this stream from 0 again. */
  | { readonly type: 'again'; readonly stream: number; readonly reason: string }
  /** The relay cannot take this segment now. The device keeps it and offers it later. Ends the stream. */
  | {
      readonly type: 'refused';
      readonly stream: number;
      readonly reason: string;
      /** No sooner than after so many ms. */
      readonly after?: number;
    }
  /** The event with this id is in the database. The device may forget it. */
  | { readonly type: 'noted'; readonly id: string };

const UINT32 = 2 ** 32 - 1;
const A_DAY = 86_400_000;

const readStream = (fields: Fields): number => fields.integer('stream', 0, UINT32);
const readOffset = (fields: Fields): number => fields.integer('offset', 0, captureLimits.segmentBytes);

/**
 * Decodes a text message that a device sent.
 *
 * @returns `undefined` for a type of a later version.
 * @throws {ProtocolError} `bad-capture-message` naming the field.
 */
export function decodeFromDevice(text: string): FromDevice | undefined {
  const { type, fields } = Fields.ofMessage(text);
  switch (type) {
    case 'offer':
      return { type, stream: readStream(fields), ...readSegment(fields) };
    case 'withdraw':
      return { type, stream: readStream(fields) };
    case 'event':
      return { type, id: readId(fields, 'id'), event: readEvent(fields.within('event')) };
    default:
      return undefined;
  }
}

/**
 * Decodes a text message that a relay sent.
 *
 * @returns `undefined` for a type of a later version.
 * @throws {ProtocolError} `bad-capture-message` naming the field.
 */
export function decodeFromRelay(text: string): FromRelay | undefined {
  const { type, fields } = Fields.ofMessage(text);
  switch (type) {
    case 'hello':
      return {
        type,
        window: fields.integer('window', 1, captureLimits.windowBytesMost),
        streams: fields.integer('streams', 1, captureLimits.streamsMost),
      };
    case 'send':
    case 'received':
      return { type, stream: readStream(fields), offset: readOffset(fields) };
    case 'persisted':
      return { type, stream: readStream(fields), sha256: readSha256(fields) };
    case 'again':
      return { type, stream: readStream(fields), reason: fields.words('reason') };
    case 'refused':
      return {
        type,
        stream: readStream(fields),
        reason: fields.words('reason'),
        ...(fields.has('after') && { after: fields.integer('after', 0, A_DAY) }),
      };
    case 'noted':
      return { type, id: readId(fields, 'id') };
    default:
      return undefined;
  }
}

/** A message as the text that goes on the wire. */
export const encodeCaptureMessage = (message: FromDevice | FromRelay): string => JSON.stringify(message);
