import type { DropCount, DropsByClass, HubMessage } from '@perch/hub';

/** Messages that were left out, in all and by what they were. */
export interface Drops extends DropCount {
  readonly byClass: DropsByClass;
}

/** What a queue left out. */
export const dropsOf = (queue: {
  readonly dropped: DropCount;
  readonly droppedByClass: DropsByClass;
}): Drops => ({ ...queue.dropped, byClass: { ...queue.droppedByClass } });

/** Counts what is left out. */
export class DropTally implements Drops {
  messages = 0;
  bytes = 0;
  readonly byClass = { video: 0, audio: 0, data: 0 };

  constructor(...all: readonly (Drops | undefined)[]) {
    for (const drops of all) if (drops) this.add(drops);
  }

  add({ messages, bytes, byClass }: Drops): void {
    this.messages += messages;
    this.bytes += bytes;
    for (const kind of ['video', 'audio', 'data'] as const) this.byClass[kind] += byClass[kind];
  }

  addMessage({ bytes, mark }: HubMessage): void {
    this.messages += 1;
    this.bytes += bytes.byteLength;
    this.byClass[mark.class] += 1;
  }
}
