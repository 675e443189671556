// ISO/IEC 13818-1 2.4.3.2: the way back to packets.
import { concat, u8 } from '../bytes.ts';
import type { Ticks27M } from '../time.ts';
import { TICKS_WRAP } from '../time.ts';
import { NULL_PID, PACKET_BYTES, PID_COUNT, SYNC_BYTE } from './packet.ts';

/** What the adaptation field of a unit's first packet says. */
export interface UnitFlags {
  readonly pcr?: Ticks27M;
  readonly randomAccess?: boolean;
  readonly discontinuity?: boolean;
}

/** Writes packets and keeps the continuity counter of each PID. */
export class PacketWriter {
  readonly #counters = new Uint8Array(PID_COUNT);

  /** A section (2.4.4.1): pointer_field in front, the last packet filled with 0xff. */
  section(pid: number, section: Uint8Array): Uint8Array {
    const payload = concat(Uint8Array.of(0), section);
    const packets: Uint8Array[] = [];
    for (let at = 0; at < payload.length; at += PACKET_BYTES - 4) {
      const packet = new Uint8Array(PACKET_BYTES).fill(0xff);
      packet.set(this.#header(pid, at === 0, 0x10));
      packet.set(payload.subarray(at, at + PACKET_BYTES - 4), 4);
      packets.push(packet);
    }
    return concat(...packets);
  }

  /** A PES packet (2.4.3.5): the last packet is stuffed in its adaptation field. */
  pes(pid: number, pes: Uint8Array, flags: UnitFlags = {}): Uint8Array {
    const packets: Uint8Array[] = [];
    for (let at = 0; at < pes.length; ) {
      const packet = this.#packet(pid, pes, at, at === 0 ? flags : {});
      packets.push(packet);
      at += PACKET_BYTES - 4 - (u8(packet, 3) & 0x20 ? 1 + u8(packet, 4) : 0);
    }
    return concat(...packets);
  }

  /** A packet without payload that carries a PCR; its counter stands still. */
  clock(pid: number, flags: UnitFlags): Uint8Array {
    const packet = new Uint8Array(PACKET_BYTES).fill(0xff);
    const counter = (u8(this.#counters, pid) - 1) & 15;
    packet.set([SYNC_BYTE, pid >> 8, pid & 0xff, 0x20 | counter, PACKET_BYTES - 5, ...adaptation(flags)]);
    return packet;
  }

  /** A null packet (2.4.1). */
  null(): Uint8Array {
    const packet = new Uint8Array(PACKET_BYTES).fill(0xff);
    packet.set([SYNC_BYTE, NULL_PID >> 8, NULL_PID & 0xff, 0x10]);
    return packet;
  }

  #packet(pid: number, pes: Uint8Array, at: number, flags: UnitFlags): Uint8Array {
    const packet = new Uint8Array(PACKET_BYTES).fill(0xff);
    let field = adaptation(flags);
    const room = PACKET_BYTES - 4 - (field.length > 0 ? field.length + 1 : 0);
    const size = Math.min(room, pes.length - at);
    const fieldBytes = PACKET_BYTES - 4 - size; // with the length byte
    if (fieldBytes > 1 && field.length === 0) field = [0];
    packet.set(this.#header(pid, at === 0, fieldBytes > 0 ? 0x30 : 0x10));
    if (fieldBytes > 0) packet.set([fieldBytes - 1, ...(fieldBytes > 1 ? field : [])], 4);
    packet.set(pes.subarray(at, at + size), PACKET_BYTES - size);
    return packet;
  }

  #header(pid: number, unitStart: boolean, control: number): number[] {
    const counter = u8(this.#counters, pid);
    this.#counters[pid] = (counter + 1) & 15;
    return [SYNC_BYTE, (unitStart ? 0x40 : 0) | (pid >> 8), pid & 0xff, control | counter];
  }
}

/** 2.4.3.4: flags and PCR, without the length; empty if there is nothing to say. */
function adaptation({ pcr, randomAccess, discontinuity }: UnitFlags): number[] {
  const flags = (discontinuity ? 0x80 : 0) | (randomAccess ? 0x40 : 0) | (pcr !== undefined ? 0x10 : 0);
  if (flags === 0) return [];
  if (pcr === undefined) return [flags];
  const whole = ((pcr % (TICKS_WRAP * 300)) + TICKS_WRAP * 300) % (TICKS_WRAP * 300);
  const base = Math.floor(whole / 300);
  const extension = whole % 300;
  const low = base % 2;
  const high = Math.floor(base / 2);
  return [
    flags,
    Math.floor(high / 2 ** 24),
    (high >> 16) & 0xff,
    (high >> 8) & 0xff,
    high & 0xff,
    (low << 7) | 0x7e | (extension >> 8),
    extension & 0xff,
  ];
}
