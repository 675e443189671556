import { announcedBy } from './codec/announced.ts';
import { PAT_PID, PID_COUNT } from './packet/packet.ts';
import { ProgramFollower } from './psi/follower.ts';
import type { PmtStream } from './psi/tables.ts';

/** What packets of a PID are to somebody who forwards them. */
export const pidClass = { other: 0, table: 1, video: 2, audio: 3, data: 4 } as const;
const codes = { video: pidClass.video, audio: pidClass.audio, data: pidClass.data } as const;

/** Knows the class of each PID, from the PAT and PMT packets that pass. */
export class PidClasses {
  /** A {@link pidClass} for each PID; {@link pidClass.other} is what no PMT lists. */
  readonly table = new Uint8Array(PID_COUNT);
  /** Whether a program has video. */
  hasVideo = false;
  readonly #programs = new Map<number, readonly PmtStream[]>();
  readonly #follower: ProgramFollower;

  constructor() {
    this.table[PAT_PID] = pidClass.table;
    this.#follower = new ProgramFollower({
      onProgram: (pmt) => {
        this.#programs.set(pmt.programNumber, pmt.streams);
        this.#rebuild();
      },
      onProgramGone: (program) => {
        this.#programs.delete(program);
        this.#rebuild();
      },
    });
  }

  /** One packet whose class is {@link pidClass.table}. */
  push(pid: number, bytes: Uint8Array, packet: number): void {
    this.#follower.push(pid, bytes, packet);
    if (pid === PAT_PID) this.#markTables();
  }

  #markTables(): void {
    for (const pid of this.#follower.programs.values()) this.table[pid] = pidClass.table;
  }

  #rebuild(): void {
    this.table.fill(pidClass.other);
    this.table[PAT_PID] = pidClass.table;
    this.hasVideo = false;
    for (const streams of this.#programs.values()) {
      for (const { pid, streamType, descriptors } of streams) {
        const kind = announcedBy(streamType, descriptors).class;
        this.table[pid] = codes[kind];
        if (kind === 'video') this.hasVideo = true;
      }
    }
    this.#markTables();
  }
}
