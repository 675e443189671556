import type { Analyzer } from '@perch/mpegts';
import { rate } from './text.ts';

/** What a terminal or a file can take. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Counters of a running stream: on a terminal one line that is written over, elsewhere a line for each call. */
export class LiveLine {
  readonly #output: Output;
  readonly #seconds: () => number;
  #lastSeconds: number;
  #lastPackets = new Float64Array(0);
  #open = false;

  /** `seconds`: a monotonic clock. */
  constructor(output: Output, seconds: () => number) {
    this.#output = output;
    this.#seconds = seconds;
    this.#lastSeconds = seconds();
  }

  show(analyzer: Analyzer): void {
    const now = this.#seconds();
    const elapsed = Math.max(0.001, now - this.#lastSeconds);
    const report = analyzer.report();
    const parts = [];
    for (const program of report.programs) {
      for (const { pid, codec, accessUnits } of program.streams) {
        const packets = (analyzer.packetsByPid[pid] ?? 0) - (this.#lastPackets[pid] ?? 0);
        parts.push(`${codec} ${rate((packets * 188 * 8) / elapsed)}, ${accessUnits} units`);
      }
    }
    const damage = Object.values(report.damage).reduce((sum, times) => sum + times, 0);
    parts.push(`${report.packets} packets`, `${report.continuityErrors} lost`, `${damage} damage`);
    this.#lastSeconds = now;
    this.#lastPackets = Float64Array.from(analyzer.packetsByPid);
    this.#write(parts.join(' · '));
  }

  /** Ends the line, so that what follows begins on its own. */
  end(): void {
    if (this.#open) this.#output.write('\n');
    this.#open = false;
  }

  #write(line: string): void {
    if (this.#output.isTTY) {
      // Carriage return, text, erase to the end of the line.
      this.#output.write(`\r${line}\x1b[K`);
      this.#open = true;
    } else this.#output.write(`${line}\n`);
  }
}
