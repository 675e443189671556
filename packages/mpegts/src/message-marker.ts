import { concat } from './bytes.ts';
import { FOREIGN, type MessageMark, markOf } from './message-cutter.ts';
import { isRandomAccess, isUnitStart, PACKET_BYTES, pidOf, SYNC_BYTE } from './packet/packet.ts';
import { findFirstPacket, isInStep } from './packet/recognise.ts';
import { PidClasses, pidClass } from './pid-classes.ts';

const EMPTY = new Uint8Array(0);
/** So many packets in a row are believed after damage. */
const CONFIRM = 3;
/** Flags of an adaptation field are in the sixth byte; with fewer, a random access point cannot be told. */
const HEADER_BYTES = 6;

/**
 * Marks messages of a publisher that cuts them as it likes. Packets may go over message boundaries. A message is a
 * random access point if one begins anywhere in it: what comes before belongs to an older picture and does no harm.
 */
export class MessageMarker {
  #classes: PidClasses | undefined;
  /** The begin of a packet, from the message before. Ours. */
  #tail: Uint8Array = EMPTY;
  #seen = 0;
  #randomAccess = false;

  /** The mark of the publisher's next message. Does not keep `bytes`. */
  mark(bytes: Uint8Array): MessageMark {
    const first = this.#firstPacket(bytes);
    if (first < 0) return FOREIGN;
    this.#seen = 0;
    this.#randomAccess = false;
    if (this.#tail.length > 0) {
      const head = this.#tail.length;
      const packet = concat(this.#tail, bytes.subarray(0, PACKET_BYTES - head));
      this.#tail = EMPTY;
      if (packet.length < PACKET_BYTES) {
        this.#tail = packet;
        this.#note(packet);
        return this.#result();
      }
      this.#take(packet, 0, true);
    }
    let packet = first;
    for (; packet + PACKET_BYTES <= bytes.length; packet += PACKET_BYTES) {
      if (bytes[packet] !== SYNC_BYTE) {
        packet = this.#resync(bytes, packet);
        if (packet < 0) return this.#result();
      }
      this.#take(bytes, packet, false);
    }
    if (packet < bytes.length) {
      this.#tail = bytes.slice(packet);
      this.#look(bytes, packet, bytes.length);
    }
    return this.#result();
  }

  /** Where the first packet begins that begins in this message, or -1 if it holds none. */
  #firstPacket(bytes: Uint8Array): number {
    if (this.#tail.length > 0) {
      const at = PACKET_BYTES - this.#tail.length;
      if (isInStep(bytes, at)) return at;
      this.#tail = EMPTY;
    }
    // A message cut from MPEG-TS without damage has a packet in its first 188 bytes; a shorter one proves nothing.
    return bytes.length < PACKET_BYTES ? -1 : findFirstPacket(bytes, PACKET_BYTES);
  }

  /** Where the next packet begins after bytes that belong to none, or -1. */
  #resync(bytes: Uint8Array, from: number): number {
    for (let at = bytes.indexOf(SYNC_BYTE, from); at >= 0; at = bytes.indexOf(SYNC_BYTE, at + 1)) {
      if (at + PACKET_BYTES > bytes.length) return -1;
      if (isInStep(bytes, at, CONFIRM)) return at;
    }
    return -1;
  }

  /** A whole packet; `begun` in the message before, so that nobody can begin with this one. */
  #take(bytes: Uint8Array, packet: number, begun: boolean): void {
    this.#classes ??= new PidClasses();
    const pid = pidOf(bytes, packet);
    if (this.#classes.table[pid] === pidClass.table) this.#classes.push(pid, bytes, packet);
    else if (!begun) this.#look(bytes, packet, packet + PACKET_BYTES);
    else this.#note(bytes);
  }

  /** The class of a packet that began in the message before. */
  #note(packet: Uint8Array): void {
    if (packet.length >= 3) this.#seen |= 1 << (this.#classes?.table[pidOf(packet, 0)] ?? pidClass.other);
  }

  /** The header of a packet, of which there are the bytes up to `end`. */
  #look(bytes: Uint8Array, packet: number, end: number): void {
    this.#classes ??= new PidClasses();
    if (end - packet < 3) return;
    const kind = this.#classes.table[pidOf(bytes, packet)] as number;
    this.#seen |= 1 << kind;
    if (kind < pidClass.video || kind > pidClass.audio || !isUnitStart(bytes, packet)) return;
    if (kind === pidClass.video) {
      // A header without its flags cannot be told, and with the message that completes it nobody can begin.
      if (end - packet >= HEADER_BYTES) this.#randomAccess ||= isRandomAccess(bytes, packet);
    } else if (!this.#classes.hasVideo) this.#randomAccess = true;
  }

  #result(): MessageMark {
    const kind =
      this.#seen & (1 << pidClass.video) ? 'video' : this.#seen & (1 << pidClass.audio) ? 'audio' : 'data';
    return markOf(kind, this.#randomAccess);
  }
}
