import { isUtf8 } from 'node:buffer';
import type { HubMessage } from '@perch/hub';
import { MessageMarker } from '@perch/mpegts';
import {
  type Control,
  decodeControl,
  ProtocolError,
  readWireHeader,
  WIRE_HEADER_BYTES,
} from '@perch/protocol';

/** What a WebSocket message turned out to be. */
export type Inbound =
  | { readonly kind: 'message'; readonly message: HubMessage }
  | { readonly kind: 'control'; readonly control: Control }
  /** A control message of a later version. */
  | { readonly kind: 'unknown' };

/** Understands the messages of one connection. */
export interface Reader {
  /**
   * @param bytes given away by the caller; the message refers to them.
   * @throws {ProtocolError} where it is against the protocol.
   */
  read(bytes: Buffer, isBinary: boolean): Inbound;
}

/** Without a subprotocol every message is payload. The mark is made here, from the packet layer; nothing is cut. */
export class RawReader implements Reader {
  readonly #marker = new MessageMarker();

  read(bytes: Buffer, isBinary: boolean): Inbound {
    const mark = isBinary ? this.#marker.mark(bytes) : TEXT_MARK;
    return { kind: 'message', message: { bytes, text: !isBinary, mark } };
  }
}

/** With `perch.1` binary messages bring their mark and text messages are control. */
export class PerchReader implements Reader {
  read(bytes: Buffer, isBinary: boolean): Inbound {
    if (!isBinary) {
      const control = decodeControl(bytes.toString());
      return control ? { kind: 'control', control } : { kind: 'unknown' };
    }
    const header = readWireHeader(bytes);
    const payload = bytes.subarray(WIRE_HEADER_BYTES);
    if (header.text && !isUtf8(payload)) {
      // A raw viewer would get it as a text frame, and must close on a broken one (RFC 6455 8.1).
      throw new ProtocolError('bad-wire-header', 'a message marked as text is not UTF-8');
    }
    const { randomAccess, capturedAt, replay } = header;
    const mark = {
      randomAccess,
      class: header.class,
      ...(capturedAt !== undefined && { capturedAt }),
      ...(replay && { replay }),
    };
    return { kind: 'message', message: { bytes: payload, text: header.text, mark } };
  }
}

const TEXT_MARK = { randomAccess: true, class: 'data' } as const;
