import { findRandomAccess } from './find-random-access.ts';
import type { MessageMark } from './message-cutter.ts';
import { PACKET_BYTES, PAT_PID, pidOf, SYNC_BYTE } from './packet/packet.ts';
import { ProgramTables } from './program-tables.ts';

/** A message of a topic, as far as a start group looks at it. */
export interface StartMessage {
  readonly bytes: Uint8Array;
  /** It is text, so no transport stream. */
  readonly text: boolean;
  readonly mark: MessageMark;
}

/**
 * What somebody who begins now needs first: PAT, PMT and all messages since the last random access point. Holds
 * references to the messages, at most `mostBytes` of them. A topic that is no transport stream has none.
 */
export class StartGroup<M extends StartMessage> {
  readonly #mostBytes: number;
  #tables = new ProgramTables();
  #messages: M[] = [];
  #bytes = 0;
  #state: 'none' | 'whole' | 'too-large' = 'none';

  /** @param options.mostBytes what it holds at most; with a larger group one begins at the next random access point. */
  constructor(options: { mostBytes: number }) {
    this.#mostBytes = options.mostBytes;
  }

  /**
   * `none`: the topic has no random access points, so one begins with whatever comes. `whole`: here it is. `too-large`:
   * there is one, and one must begin with the next.
   */
  get state(): 'none' | 'whole' | 'too-large' {
    return this.#state;
  }

  /** The messages, tables first. Changes with each {@link add}. */
  get messages(): readonly M[] {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(message: M): void {
    const { mark } = message;
    if (
      !message.text &&
      (mark.class !== 'data' || this.#state !== 'none' || looksLikeTables(message.bytes))
    ) {
      this.#tables.push(message.bytes);
    }
    if (beginsGroup(mark)) this.#begin(message);
    else if (this.#state === 'whole') this.#keep(message);
  }

  /** Forgets everything: what is here is not live any more. */
  clear(): void {
    this.#tables = new ProgramTables();
    this.#drop('none');
  }

  #begin(message: M): void {
    const whole = withTables(message, this.#tables);
    this.#drop(whole ? 'whole' : 'none');
    if (whole) this.#keep(whole);
  }

  #keep(message: M): void {
    if (this.#bytes + message.bytes.length > this.#mostBytes) {
      this.#drop('too-large');
      return;
    }
    this.#messages.push(message);
    this.#bytes += message.bytes.length;
  }

  #drop(state: 'none' | 'whole' | 'too-large'): void {
    this.#messages = [];
    this.#bytes = 0;
    this.#state = state;
  }
}

/** Whether somebody can begin with this message of a transport stream. */
export const beginsGroup = (mark: MessageMark): boolean => mark.randomAccess && mark.class !== 'data';

/**
 * A random access message so that one can begin with it: with the tables in front, and without what belongs to the group
 * before. Undefined while the tables are not known.
 */
export function withTables<M extends StartMessage>(message: M, tables: ProgramTables): M | undefined {
  const packets = tables.packets();
  if (!packets) return undefined;
  if (bringsTables(message.bytes)) return message;
  const own = message.bytes.subarray(findRandomAccess(message.bytes, message.mark.class));
  const bytes = new Uint8Array(packets.length + own.length);
  bytes.set(packets);
  bytes.set(own, packets.length);
  return { ...message, bytes };
}

/** Whether a message begins with a PAT: a combined stream's random access messages do. */
const bringsTables = (bytes: Uint8Array): boolean =>
  bytes.length >= PACKET_BYTES && bytes[0] === SYNC_BYTE && pidOf(bytes, 0) === PAT_PID;

/** A transport stream's sync byte: the tables may come in a message of their own before anything is known. */
const looksLikeTables = (bytes: Uint8Array): boolean =>
  bytes[0] === SYNC_BYTE && bytes.length % PACKET_BYTES === 0;
