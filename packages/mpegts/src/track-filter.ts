import { concat } from './bytes.ts';
import { announcedBy } from './codec/announced.ts';
import type { StreamClass } from './codec/codec.ts';
import { hasPcr, readPcr } from './packet/adaptation.ts';
import { isDiscontinuity, PACKET_BYTES, PAT_PID, PID_COUNT, pidOf } from './packet/packet.ts';
import { PacketSync } from './packet/sync.ts';
import { PacketWriter } from './packet/write.ts';
import { ProgramFollower } from './psi/follower.ts';
import type { Pmt } from './psi/tables.ts';
import { writePmt } from './psi/write.ts';

const EMPTY = new Uint8Array(0);

/** What becomes of the packets of a PID. */
const fate = { drop: 0, pass: 1, table: 2, clock: 3 } as const;

/**
 * Leaves the tracks of one class out of a transport stream, for somebody who may see and not hear, or the other way
 * round. They are not on the wire, and the PMT no longer lists them. Where the clock was on one of them, packets with
 * the PCR alone are left.
 *
 * Nothing passes that no PMT lists: neither other PIDs nor bytes that are no packets. So before the first PMT nothing
 * but the PAT does. The packets that pass are those that came, whole and in their order.
 */
export class TrackFilter {
  readonly #without: ReadonlySet<StreamClass>;
  /** A {@link fate} for each PID. */
  readonly #fates = new Uint8Array(PID_COUNT);
  readonly #pmts = new Map<number, Pmt>();
  readonly #writer = new PacketWriter();
  #kept: Uint8Array[] = [];
  readonly #sync = new PacketSync({ onPackets: (bytes, start, end) => this.#sift(bytes, start, end) });
  readonly #follower = new ProgramFollower({
    onProgram: (pmt) => {
      this.#pmts.set(pmt.programNumber, pmt);
      this.#decide();
    },
    onProgramGone: (program) => {
      this.#pmts.delete(program);
      this.#decide();
    },
    // Also where it says what it said before: a decoder that begins here needs it.
    onSection: (section, pid) => {
      if (pid !== PAT_PID) this.#pending.push({ program: section.extension, pid });
    },
  });
  /** PMTs that have come whole, to be written anew. */
  readonly #pending: { readonly program: number; readonly pid: number }[] = [];

  /** @param options.without the classes of the tracks to leave out. */
  constructor(options: { without: readonly StreamClass[] }) {
    this.#without = new Set(options.without);
    this.#decide();
    this.#sync.lock();
  }

  /**
   * What is left of the packets that these bytes complete; they may be cut anywhere. Empty where nothing is.
   *
   * @returns an array of its own.
   */
  push(bytes: Uint8Array): Uint8Array {
    this.#sync.push(bytes);
    const kept = this.#kept.length > 0 ? concat(...this.#kept) : EMPTY;
    this.#kept = [];
    return kept;
  }

  #sift(bytes: Uint8Array, start: number, end: number): void {
    // What passes in a row is kept as one.
    let from = start;
    for (let packet = start; packet < end; packet += PACKET_BYTES) {
      const what = this.#fates[pidOf(bytes, packet)];
      if (what === fate.pass) continue;
      if (packet > from) this.#kept.push(bytes.slice(from, packet));
      from = packet + PACKET_BYTES;
      if (what === fate.table) this.#readTable(bytes, packet);
      else if (what === fate.clock) this.#keepClock(bytes, packet);
    }
    if (end > from) this.#kept.push(bytes.slice(from, end));
  }

  #readTable(bytes: Uint8Array, packet: number): void {
    const pid = pidOf(bytes, packet);
    this.#follower.push(pid, bytes, packet);
    if (pid === PAT_PID) {
      this.#kept.push(bytes.slice(packet, packet + PACKET_BYTES));
      this.#decide();
    }
    for (const { program, pid: at } of this.#pending.splice(0)) {
      const pmt = this.#pmts.get(program);
      if (pmt) this.#kept.push(this.#writer.section(at, writePmt({ ...pmt, streams: this.#left(pmt) })));
    }
  }

  #keepClock(bytes: Uint8Array, packet: number): void {
    if (!hasPcr(bytes, packet)) return;
    const pcr = readPcr(bytes, packet + 6);
    this.#kept.push(
      this.#writer.clock(pidOf(bytes, packet), { pcr, discontinuity: isDiscontinuity(bytes, packet) }),
    );
  }

  /** The tracks of a program that stay. */
  #left({ streams }: Pmt): Pmt['streams'] {
    return streams.filter(
      ({ streamType, descriptors }) => !this.#without.has(announcedBy(streamType, descriptors).class),
    );
  }

  #decide(): void {
    this.#fates.fill(fate.drop);
    for (const pmt of this.#pmts.values()) {
      this.#fates[pmt.pcrPid] = fate.clock;
      for (const { pid } of this.#left(pmt)) this.#fates[pid] = fate.pass;
    }
    // What a program leaves out no other may let pass.
    for (const pmt of this.#pmts.values()) {
      const left = new Set(this.#left(pmt));
      for (const stream of pmt.streams) {
        if (!left.has(stream)) this.#fates[stream.pid] = stream.pid === pmt.pcrPid ? fate.clock : fate.drop;
      }
    }
    this.#fates[PAT_PID] = fate.table;
    for (const pid of this.#follower.programs.values()) this.#fates[pid] = fate.table;
  }
}
