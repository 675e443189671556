import { PACKET_BYTES } from '@perch/mpegts';
import { type Millis, millis } from '@perch/runtime';

/** A group of pictures: PAT, PMT, a random access point, and what came until the next. Sound lies between. */
export interface Group {
  /** When it began and, once the next has begun, ended; on the agent's clock. */
  readonly begin: Millis;
  readonly end: Millis | undefined;
  /** Whole messages in their order, as they were published: references, not to be written to. */
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  /** Its tables: a file had better not hold groups with different ones. */
  readonly tables: string;
}

/** One that is still growing. */
type Growing = { -readonly [K in keyof Group]: Group[K] } & { parts: Uint8Array[] };

/**
 * The last seconds of a stream, in groups that a decoder can begin with. Bounded by time and by bytes, whichever is
 * less. Holds references to messages, and copies nothing. Before the first random access point it holds nothing.
 */
export class Ring {
  readonly #span: Millis;
  readonly #mostBytes: number;
  #groups: Growing[] = [];
  #bytes = 0;
  /** The group that grows is larger than all that may be held: the rest of it is left out. */
  #isOverfull = false;
  #leftOut = 0;

  /** @param options.span how far back it reaches; it holds whole groups, so somewhat more. */
  constructor(options: { readonly span: Millis; readonly mostBytes: number }) {
    this.#span = options.span;
    this.#mostBytes = options.mostBytes;
  }

  /** What it holds, oldest first. The last one grows while its `end` is undefined. */
  get groups(): readonly Group[] {
    return this.#groups;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that were left out of groups too large to be held. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /**
   * The next message.
   *
   * @param begins it is a random access point, with its tables in front.
   * @returns the group that ends with it, if one does.
   */
  add(bytes: Uint8Array, begins: boolean, now: Millis): Group | undefined {
    if (!begins) {
      this.#grow(bytes);
      return undefined;
    }
    const ended = this.end(now);
    this.#groups.push({ begin: now, end: undefined, parts: [], bytes: 0, tables: tablesOf(bytes) });
    this.#isOverfull = false;
    this.#grow(bytes);
    this.#trim(now);
    return ended;
  }

  /** Nothing comes any more, for now: the last group is whole. @returns it, unless it was already. */
  end(now: Millis): Group | undefined {
    const last = this.#groups.at(-1);
    if (!last || last.end !== undefined) return undefined;
    last.end = now;
    return last;
  }

  #grow(bytes: Uint8Array): void {
    const last = this.#groups.at(-1);
    if (!last || last.end !== undefined) return;
    this.#isOverfull ||= last.bytes + bytes.length > this.#mostBytes;
    if (this.#isOverfull) {
      this.#leftOut += bytes.length;
      return;
    }
    last.parts.push(bytes);
    last.bytes += bytes.length;
    this.#bytes += bytes.length;
    this.#trim(last.begin);
  }

  /** Lets go what is older than the span, or too much; what it ended in is kept, and the group that grows always. */
  #trim(now: Millis): void {
    const from = millis(now - this.#span);
    let first = 0;
    let bytes = this.#bytes;
    while (first < this.#groups.length - 1) {
      const group = this.#groups[first] as Growing;
      const isNeeded = (group.end ?? now) > from;
      if (isNeeded && bytes <= this.#mostBytes) break;
      bytes -= group.bytes;
      first += 1;
    }
    if (first === 0) return;
    this.#groups = this.#groups.slice(first);
    this.#bytes = bytes;
  }
}

/** PAT and the PMT's first packet, in which its version is, without what counts up. */
function tablesOf(message: Uint8Array): string {
  const tables = Buffer.from(message.subarray(0, 2 * PACKET_BYTES));
  for (const counter of [3, PACKET_BYTES + 3]) if (counter < tables.length) tables[counter] = 0;
  return tables.toString('latin1');
}
