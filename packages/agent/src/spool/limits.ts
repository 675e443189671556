import { millis } from '@perch/runtime';
import { SpoolError } from './errors.ts';
import type { Row } from './ledger.ts';
import type { SpoolRoom } from './room.ts';

/** What a spool may hold. */
export interface SpoolLimits {
  /** Most bytes that wait. Over it the oldest that has no alarm is given up, and told as lost. Default: no limit. */
  readonly mostBytes?: number;
  /** What waits longer than this is given up, and told as lost; in ms. Default: no limit. */
  readonly mostAge?: number;
}

const AGE_LOOK = millis(60_000);

/** Whom the spool parts with, where it was given limits; without them with nobody. Each that goes is told as lost. */
export class Limits {
  readonly #limits: SpoolLimits;
  readonly #room: SpoolRoom;
  /** Bytes for which there is room, and which the book does not count yet. */
  #coming = 0;
  #ageLook: { cancel(): void } | undefined;

  constructor(room: SpoolRoom, limits: SpoolLimits) {
    this.#room = room;
    this.#limits = limits;
  }

  /** Gives up what is too old, now and from now on until `close`. */
  async start(): Promise<void> {
    const { clock, logger } = this.#room;
    const { mostAge } = this.#limits;
    if (mostAge === undefined) return;
    await this.#giveUpOld(mostAge);
    this.#ageLook = clock.every(AGE_LOOK, () => {
      this.#giveUpOld(mostAge).catch((error: Error) =>
        logger.error('old segments could not be given up', { error }),
      );
    });
  }

  /**
   * Makes room for a segment whose file is in the folder already. The room is its own until the result is disposed: then
   * the book counts it.
   *
   * @throws {SpoolError} `spool-full` where it is larger than all the room; its file is removed then.
   */
  async makeRoom(size: number, file: string): Promise<Disposable> {
    const { book, folder } = this.#room;
    const { mostBytes } = this.#limits;
    if (mostBytes === undefined) return { [Symbol.dispose]: () => undefined };
    if (size > mostBytes) {
      await folder.remove(file);
      throw new SpoolError(
        'spool-full',
        `a segment of ${size} bytes is larger than the spool, which holds ${mostBytes}`,
      );
    }
    this.#coming += size;
    const room = {
      [Symbol.dispose]: () => {
        this.#coming -= size;
      },
    };
    try {
      while (book.ledger.bytes + this.#coming > mostBytes) {
        const row = book.ledger.oldestWaiting();
        // What is on its way stays; it leaves soon.
        if (!row) break;
        await this.#giveUp(row, `the spool is full (${mostBytes} bytes)`);
      }
      return room;
    } catch (error) {
      room[Symbol.dispose]();
      throw error;
    }
  }

  /** Idempotent. */
  close(): void {
    this.#ageLook?.cancel();
  }

  async #giveUpOld(mostAge: number): Promise<void> {
    const { book, clock } = this.#room;
    const oldest = clock.wall() - mostAge;
    for (const row of book.ledger.rows.values()) {
      // Rows are in the order in which they were taken.
      const { taken } = await book.segment(row);
      if (taken >= oldest) return;
      if (row.capture.waiting.includes(row))
        await this.#giveUp(row, `it waited longer than ${mostAge / 3_600_000} h`);
    }
  }

  /** From now on nobody else sends it, or gives it up. */
  async #giveUp(row: Row, reason: string): Promise<void> {
    const { book, losses } = this.#room;
    book.ledger.takeOut(row);
    try {
      await losses.lose(row, reason);
    } catch (error) {
      book.ledger.putBack(row);
      throw error;
    }
  }
}
