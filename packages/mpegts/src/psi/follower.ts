import { limits } from '../limits.ts';
import { isUnitStart, PACKET_BYTES, PAT_PID, payloadStart } from '../packet/packet.ts';
import { type Section, SectionAssembler, type SectionFault } from './section.ts';
import { type PatEntry, type Pmt, parsePat, parsePmt, tableIds } from './tables.ts';

export interface ProgramFollowerOptions {
  /** A program is new, or its PMT has changed. */
  onProgram?(pmt: Pmt, pmtPid: number): void;
  /** The PAT no longer lists a program. */
  onProgramGone?(programNumber: number): void;
  /** Every valid section of the PAT and of listed PMTs, also repeated ones. */
  onSection?(section: Section, pid: number): void;
  /** A section was not taken. `too-many`: the PAT lists more programs than {@link limits.programs}. */
  onFault?(pid: number, fault: SectionFault | 'too-many'): void;
}

/** Keeps track of which programs there are, from the packets of the PAT and of the PMTs that it names. */
export class ProgramFollower {
  readonly #options: ProgramFollowerOptions;
  readonly #assemblers = new Map<number, SectionAssembler>();
  /** PMT PID by program number: what the PAT says. */
  #listed = new Map<number, number>();
  /** CRC of the PMT last taken, by program number: an unchanged one is not parsed again. */
  readonly #taken = new Map<number, number>();
  /** Sections of the PAT that is being received, by section number. */
  readonly #pat = new Map<number, PatEntry[]>();
  #patKey = -1;

  constructor(options: ProgramFollowerOptions) {
    this.#options = options;
    this.#open(PAT_PID);
  }

  /** Whether packets of this PID belong to {@link push}. */
  follows(pid: number): boolean {
    return this.#assemblers.has(pid);
  }

  /** The PMT PID of each program that the PAT lists. */
  get programs(): ReadonlyMap<number, number> {
    return this.#listed;
  }

  /** One packet of the PAT or of a PMT. */
  push(pid: number, bytes: Uint8Array, packet: number): void {
    const assembler = this.#assemblers.get(pid);
    if (!assembler) return;
    const end = packet + PACKET_BYTES;
    assembler.push(bytes, payloadStart(bytes, packet), end, isUnitStart(bytes, packet));
  }

  /** Packets of this PID were lost. */
  lost(pid: number): void {
    this.#assemblers.get(pid)?.reset();
  }

  #open(pid: number): void {
    if (this.#assemblers.has(pid)) return;
    const assembler = new SectionAssembler({
      onSection: (section) => {
        if (!section.current) return;
        if (pid === PAT_PID) this.#takePat(section);
        else this.#takePmt(pid, section);
      },
      onFault: (fault) => this.#options.onFault?.(pid, fault),
    });
    this.#assemblers.set(pid, assembler);
  }

  #takePat(section: Section): void {
    if (section.tableId !== tableIds.pat) return;
    this.#options.onSection?.(section, PAT_PID);
    const key = (section.extension << 13) | (section.version << 8) | section.last;
    if (key !== this.#patKey) {
      this.#patKey = key;
      this.#pat.clear();
    }
    this.#pat.set(section.number, parsePat(section));
    // 2.4.4.5: the list may go over several sections; it is valid when all are there.
    if (this.#pat.size <= section.last) return;
    const listed = new Map<number, number>();
    for (const entries of this.#pat.values()) {
      for (const { programNumber, pmtPid } of entries) {
        if (listed.size < limits.programs) listed.set(programNumber, pmtPid);
        else this.#options.onFault?.(PAT_PID, 'too-many');
      }
    }
    this.#follow(listed);
  }

  #follow(listed: Map<number, number>): void {
    const before = this.#listed;
    this.#listed = listed;
    for (const [program, pid] of before) {
      if (listed.get(program) === pid) continue;
      this.#taken.delete(program);
      if (!listed.has(program)) this.#options.onProgramGone?.(program);
    }
    const pids = new Set([PAT_PID, ...listed.values()]);
    for (const pid of this.#assemblers.keys()) if (!pids.has(pid)) this.#assemblers.delete(pid);
    for (const pid of pids) this.#open(pid);
  }

  #takePmt(pid: number, section: Section): void {
    if (section.tableId !== tableIds.pmt || this.#listed.get(section.extension) !== pid) return;
    this.#options.onSection?.(section, pid);
    if (this.#taken.get(section.extension) === section.crc) return;
    const pmt = parsePmt(section);
    if (!pmt) {
      this.#options.onFault?.(pid, 'syntax');
      return;
    }
    this.#taken.set(section.extension, section.crc);
    this.#options.onProgram?.(pmt, pid);
  }
}
