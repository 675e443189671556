import { concat } from './bytes.ts';
import { isUnitStart, PACKET_BYTES, PAT_PID, pidOf } from './packet/packet.ts';
import { PacketSync } from './packet/sync.ts';
import { ProgramFollower } from './psi/follower.ts';

/** A section of 1024 bytes takes at most so many packets, with what stands before it in the first. */
const SECTION_PACKETS = 8;

/**
 * Keeps the latest PAT and PMTs of a stream as they were sent, so that a viewer who comes later can be given them first.
 * Holds only those and at most three packets besides.
 */
export class ProgramTables {
  /** The packets since the last unit start, by PID, while a section is being received. */
  readonly #collecting = new Map<number, Uint8Array[]>();
  #pat: Uint8Array | undefined;
  readonly #pmts = new Map<number, Uint8Array>();
  #whole: Uint8Array | undefined;
  readonly #sync = new PacketSync({ onPackets: (bytes, start, end) => this.#follow(bytes, start, end) });
  readonly #follower = new ProgramFollower({
    onSection: (section, pid) => {
      const packets = concat(...(this.#collecting.get(pid) ?? []));
      if (pid === PAT_PID) this.#pat = packets;
      else this.#pmts.set(section.extension, packets);
      this.#whole = undefined;
    },
    onProgramGone: (program) => {
      this.#pmts.delete(program);
      this.#whole = undefined;
    },
  });

  constructor() {
    // What a publisher sends begins with a packet; where it does not, the position is searched.
    this.#sync.lock();
  }

  /** Some bytes of the stream; they may be cut anywhere. Does not keep them. */
  push(bytes: Uint8Array): void {
    this.#sync.push(bytes);
  }

  /**
   * The latest PAT and then the PMT of each program that it lists, as whole packets as they came; undefined until the
   * PAT and one PMT are known. The same array until a table comes again: do not write to it.
   */
  packets(): Uint8Array | undefined {
    if (!this.#pat || this.#pmts.size === 0) return undefined;
    this.#whole ??= concat(this.#pat, ...this.#pmts.values());
    return this.#whole;
  }

  #follow(bytes: Uint8Array, start: number, end: number): void {
    for (let packet = start; packet < end; packet += PACKET_BYTES) {
      const pid = pidOf(bytes, packet);
      if (!this.#follower.follows(pid)) continue;
      const raw = bytes.slice(packet, packet + PACKET_BYTES);
      const collecting = this.#collecting.get(pid);
      if (isUnitStart(bytes, packet) || !collecting) this.#collecting.set(pid, [raw]);
      else if (collecting.length < SECTION_PACKETS) collecting.push(raw);
      this.#follower.push(pid, bytes, packet);
    }
  }
}
