import { PACKET_BYTES, PID_COUNT } from '../packet/packet.ts';
import type { OutputTables } from '../psi/output-tables.ts';
import { type Ticks90k, ticks90k } from '../time.ts';
import type { TimedUnit } from './feed-track.ts';
import type { MessageWriter } from './message-writer.ts';
import { writeStamps } from './pes-stamps.ts';
import { clockPacket, rewritePacket, setRandomAccess } from './rewrite.ts';

/** A clock reference goes out when so much has passed since the last: with a tick each 20 ms, never 40 ms apart. */
const CLOCK_TICKS = 16 * 90;
/** Where that was not kept, because the machine was busy, references are put between, so far apart, for up to a second. */
const FILL_TICKS = 30 * 90;
const MOST_FILLED = 90_000;
/** The tables, of which there must not be 100 ms without. */
const TABLE_TICKS = 70 * 90;
/** Every sound can be begun with, but tables before each would cost more than the sound. */
const LEAD_TICKS = 60 * 90;

/** Writes the packets of a combined stream: its own PIDs, counters, times, clock and tables. */
export class Multiplex {
  readonly #writer: MessageWriter;
  readonly #tables: OutputTables;
  readonly #delay: number;
  /** The counter that the next packet of a PID gets. */
  readonly #counters = new Uint8Array(PID_COUNT);
  #now = 0 as Ticks90k;
  #clock = -1;
  #clockAt = Number.NEGATIVE_INFINITY;
  #tablesAt = Number.NEGATIVE_INFINITY;
  #leadAt = Number.NEGATIVE_INFINITY;

  /** `muxDelayMs`: what is due at a time on the agent's clock is to be decoded so much later by the stream's clock. */
  constructor(writer: MessageWriter, tables: OutputTables, muxDelayMs: number) {
    this.#writer = writer;
    this.#tables = tables;
    this.#delay = muxDelayMs * 90;
  }

  /** Time passes. */
  advance(now: Ticks90k): void {
    if (now > this.#now) this.#now = now;
  }

  /** The tables say something else: they go before whatever comes next. */
  renewTables(): void {
    this.#tablesAt = Number.NEGATIVE_INFINITY;
  }

  /** Clock and tables go out where they are due. */
  settle(): void {
    if (!this.#tables.known) return;
    if (this.#now - this.#tablesAt >= TABLE_TICKS) this.#writeTables();
    if (this.#now - this.#clockAt >= CLOCK_TICKS) this.#writeClock();
  }

  /** What stands before a unit to begin with: tables and clock. */
  lead(): void {
    this.#writeTables();
    this.#writeClock();
    this.#writer.markRandomAccess();
    this.#leadAt = this.#now;
  }

  /** Whether the last lead is so long ago that one for sound or data is not too many. */
  get leadDue(): boolean {
    return this.#now - this.#leadAt >= LEAD_TICKS;
  }

  /** The first packets of a unit. Returns whether it comes after its decoding time. */
  unit(unit: TimedUnit, pid: number, gap: number, bytes: Uint8Array, at: number, packets: number): boolean {
    const dts = ticks90k(unit.dts + this.#delay);
    const pts = ticks90k(unit.pts + this.#delay);
    const size = packets * PACKET_BYTES;
    this.settle();
    this.#skip(pid, gap);
    const head = this.#writer.append(bytes, at, at + size);
    const { bytes: out } = this.#writer;
    writeStamps(out, head, unit.stamps, pts, dts);
    for (let packet = head; packet < head + size; packet += PACKET_BYTES) {
      rewritePacket(out, packet, pid, this.#count(pid));
    }
    if (unit.randomAccess && unit.track.class === 'video') this.#flag(pid, head, packets);
    return dts < this.#now;
  }

  /** More packets of a unit. */
  packets(pid: number, gap: number, bytes: Uint8Array, start: number, end: number): void {
    this.settle();
    this.#skip(pid, gap);
    const first = this.#writer.append(bytes, start, end);
    const { bytes: out } = this.#writer;
    for (let packet = first; packet < first + end - start; packet += PACKET_BYTES) {
      rewritePacket(out, packet, pid, this.#count(pid));
    }
  }

  /** Says that a decoder can begin here, which may need one more packet. */
  #flag(pid: number, head: number, packets: number): void {
    const writer = this.#writer;
    const first = writer.bytes.slice(head, head + 2 * PACKET_BYTES);
    if (!setRandomAccess(first, 0)) {
      writer.bytes.set(first.subarray(0, PACKET_BYTES), head);
      return;
    }
    const rest = writer.bytes.slice(head + PACKET_BYTES, head + packets * PACKET_BYTES);
    writer.append(first, PACKET_BYTES, 2 * PACKET_BYTES);
    const { bytes: out } = writer;
    out.set(first, head);
    out.set(rest, head + 2 * PACKET_BYTES);
    this.#count(pid);
    // One counter more: those after the first packet move on.
    let counter = out[head + 3] as number;
    for (let i = 1; i <= packets; i++) {
      const control = head + i * PACKET_BYTES + 3;
      counter = (counter + 1) & 15;
      out[control] = ((out[control] as number) & 0xf0) | counter;
    }
  }

  #writeTables(): void {
    const packets = this.#tables.packets();
    this.#writer.append(packets, 0, packets.length);
    this.#tablesAt = this.#now;
  }

  #writeClock(): void {
    const pid = this.#tables.pcrPid;
    if (pid >= PID_COUNT - 1) return;
    const counter = ((this.#counters[pid] as number) - 1) & 15;
    const missing = this.#now - this.#clockAt;
    for (let at = FILL_TICKS; at < missing && missing <= MOST_FILLED; at += FILL_TICKS) {
      this.#writeReference(pid, counter, this.#clockAt + at);
    }
    this.#writeReference(pid, counter, this.#now);
    this.#clockAt = this.#now;
  }

  /** 27 MHz; it always rises. */
  #writeReference(pid: number, counter: number, at: number): void {
    this.#clock = Math.max(this.#clock + 1, Math.round(at * 300));
    this.#writer.append(clockPacket(pid, counter, this.#clock), 0, PACKET_BYTES);
  }

  #count(pid: number): number {
    const counter = this.#counters[pid] as number;
    this.#counters[pid] = (counter + 1) & 15;
    return counter;
  }

  #skip(pid: number, packets: number): void {
    if (packets > 0) this.#counters[pid] = ((this.#counters[pid] as number) + packets) & 15;
  }
}
