import type { HubMessage, TopicMessage } from '@perch/hub';
import {
  type Control,
  decodeControl,
  encodeControl,
  PERCH_1,
  readWireHeader,
  WIRE_HEADER_BYTES,
  writeWireHeader,
} from '@perch/protocol';

/** What a WebSocket peer sent. */
export type Received =
  | { readonly kind: 'message'; readonly message: HubMessage }
  /** A question that wants this answer at once. */
  | { readonly kind: 'answer'; readonly text: string }
  /** Something that the peer says of itself. */
  | { readonly kind: 'told'; readonly control: Control }
  /** Understood, and nothing to do. */
  | { readonly kind: 'nothing' };

/** How messages of a topic travel on one WebSocket. */
export interface Framing {
  /** @param replay it is sent to begin with, not live. */
  encode(message: TopicMessage, replay?: boolean): { readonly data: Uint8Array; readonly binary: boolean };
  /**
   * @param wallMs what this machine's wall clock says.
   * @throws {ProtocolError} where it is not what the framing says.
   */
  decode(data: Uint8Array, binary: boolean, wallMs: number): Received;
}

/** Messages as they came, text as text (COMPAT 1.4). */
export const raw: Framing = {
  encode: ({ bytes, text }) => ({ data: bytes, binary: !text }),
  decode: (bytes, binary, wallMs) => ({
    kind: 'message',
    message: { bytes, text: !binary, mark: { randomAccess: true, class: 'data', capturedAt: wallMs * 1000 } },
  }),
};

/** `perch.1`: a small header before each message; text messages are control (docs/reference/wire.md). */
export const perch1: Framing = {
  encode({ bytes, text, mark, sequence }, replay = false) {
    const data = new Uint8Array(WIRE_HEADER_BYTES + bytes.byteLength);
    writeWireHeader(data, 0, { ...mark, sequence, text, replay });
    data.set(bytes, WIRE_HEADER_BYTES);
    return { data, binary: true };
  },
  decode(data, binary, wallMs) {
    if (!binary) {
      const control = decodeControl(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString());
      if (!control) return { kind: 'nothing' };
      if (control.type !== 'ping') return { kind: 'told', control };
      return { kind: 'answer', text: encodeControl({ type: 'pong', t: control.t, now: wallMs }) };
    }
    const { sequence: _, text, replay, ...mark } = readWireHeader(data);
    if (replay) return { kind: 'nothing' };
    return { kind: 'message', message: { bytes: data.subarray(WIRE_HEADER_BYTES), text, mark } };
  },
};

/** What the handshake chose. */
export const framingOf = (protocol: string): Framing => (protocol === PERCH_1 ? perch1 : raw);
