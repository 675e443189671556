import { randomBytes } from 'node:crypto';
import type { Batch, BatchMaker, TopicMessage } from '@perch/hub';
import { WIRE_HEADER_BYTES, writeWireHeader } from '@perch/protocol';

/*
 * RFC 6455 5.2: a frame from server to client, never masked, never fragmented.
 *
 *   0               1               2 …
 *   FIN=1 000 opcode  0 length(7)     length(16 or 64) if the seven bits say 126 or 127, payload
 */
const FIN = 0x80;

/** RFC 6455 5.2: the opcodes that we send. */
export const opcode = { text: 0x1, binary: 0x2, ping: 0x9, pong: 0xa } as const;
export type Opcode = (typeof opcode)[keyof typeof opcode];

/** Bytes before a payload of this length. */
export const frameHeaderBytes = (payload: number): number => (payload < 126 ? 2 : payload < 65_536 ? 4 : 10);

/** Writes a frame's header. @returns the offset after it. */
export function writeFrameHeader(into: Buffer, at: number, op: Opcode, payload: number): number {
  into[at] = FIN | op;
  if (payload < 126) {
    into[at + 1] = payload;
    return at + 2;
  }
  if (payload < 65_536) {
    into[at + 1] = 126;
    return into.writeUInt16BE(payload, at + 2);
  }
  into[at + 1] = 127;
  into.writeUInt32BE(0, at + 2);
  return into.writeUInt32BE(payload, at + 6);
}

/** A whole frame of its own: control messages, pings. */
export function frame(op: Opcode, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes(payload.length) + payload.length);
  bytes.set(payload, writeFrameHeader(bytes, 0, op, payload.length));
  return bytes;
}

/**
 * How messages look on a connection. `make` builds the frames of a whole batch, once for all viewers in step. That is
 * the only copy of the bytes; those who are to confirm share a second one.
 */
export interface Framing extends BatchMaker<Buffer> {
  /** The same with a confirming ping behind it, for those viewers of a batch that are to confirm. */
  readonly probed: BatchMaker<ProbedFrames>;
  /** What a message costs on the wire. */
  size(message: TopicMessage): number;
  /** What comes before the message's own bytes. */
  head(message: TopicMessage, replay: boolean): Buffer;
}

/** Without a subprotocol: the payload as it came, text as text. */
export const rawFraming: Framing = {
  make: (batch) => frameAll(batch, rawFraming),
  probed: { make: (batch) => probe(batch.made(rawFraming)) },
  size: ({ bytes }) => frameHeaderBytes(bytes.length) + bytes.length,
  head({ bytes, text }) {
    const head = Buffer.allocUnsafe(frameHeaderBytes(bytes.length));
    writeFrameHeader(head, 0, text ? opcode.text : opcode.binary, bytes.length);
    return head;
  },
};

/** With `perch.1`: header and payload in a binary frame. */
export const perchFraming: Framing = {
  make: (batch) => frameAll(batch, perchFraming),
  probed: { make: (batch) => probe(batch.made(perchFraming)) },
  size({ bytes }) {
    const payload = WIRE_HEADER_BYTES + bytes.length;
    return frameHeaderBytes(payload) + payload;
  },
  head(message, replay) {
    const payload = WIRE_HEADER_BYTES + message.bytes.length;
    const head = Buffer.allocUnsafe(frameHeaderBytes(payload) + WIRE_HEADER_BYTES);
    const at = writeFrameHeader(head, 0, opcode.binary, payload);
    const { mark, sequence, text } = message;
    writeWireHeader(head, at, { ...mark, sequence, text, replay: replay || mark.replay === true });
    return head;
  },
};

function frameAll(batch: Batch, framing: Framing): Buffer {
  let size = 0;
  for (const message of batch.messages) size += framing.size(message);
  // Owned by the batch, and by the sockets until the kernel has it. Never written to again.
  const frames = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const message of batch.messages) {
    const head = framing.head(message, false);
    frames.set(head, at);
    frames.set(message.bytes, at + head.length);
    at += head.length + message.bytes.length;
  }
  return frames;
}

/** Frames that end with a ping. Who answers it with `token` has read them. */
export interface ProbedFrames {
  readonly bytes: Buffer;
  readonly token: number;
}

const TOKEN_BYTES = 6;

/** Puts a ping behind frames. Its payload cannot be guessed, only read. */
export function probe(frames: Buffer): ProbedFrames {
  const payload = randomBytes(TOKEN_BYTES);
  return {
    bytes: Buffer.concat([frames, frame(opcode.ping, payload)]),
    token: payload.readUIntBE(0, TOKEN_BYTES),
  };
}

/** The token in a pong's payload, if it is one of ours. */
export const tokenOf = (payload: Buffer): number | undefined =>
  payload.length === TOKEN_BYTES ? payload.readUIntBE(0, TOKEN_BYTES) : undefined;

/** The frames of a start group, replay flag set. */
export function frameReplay(messages: readonly TopicMessage[], framing: Framing): Buffer {
  return Buffer.concat(messages.flatMap((message) => [framing.head(message, true), message.bytes]));
}
