import type { HubMessage } from '@perch/hub';
import {
  counterOf,
  Demuxer,
  hasPayload,
  NULL_PID,
  PACKET_BYTES,
  ProgramTables,
  pidOf,
  SYNC_BYTE,
  withTables,
} from '@perch/mpegts';
import type { Millis } from '@perch/runtime';

/** Follows a publisher that is not heard yet, so that it can be heard from a random access point on. */
export class Successor {
  /** When its first message came. */
  readonly since: Millis;
  readonly #tables = new ProgramTables();
  /** The continuity counter last seen, by PID. */
  readonly #counters = new Map<number, number>();

  constructor(since: Millis) {
    this.since = since;
  }

  /** A message that is not carried on. */
  hear(message: HubMessage): void {
    if (!isTransportStream(message)) return;
    this.#tables.push(message.bytes);
    for (const packet of packetsOf(message.bytes)) this.#count(message.bytes, packet);
  }

  /**
   * `messages` go on instead of the message with which it takes over: that the counters jump, then PAT and PMT if they are
   * not there anyway, then the message. A viewer's demuxer goes on as if nothing had been lost. Of the PIDs that are
   * `unheard` nothing came yet: how their counters jump is said when something does, with {@link jumpsOf}.
   */
  begin(message: HubMessage): { readonly messages: readonly HubMessage[]; readonly unheard: Set<number> } {
    if (!isTransportStream(message)) return { messages: [message], unheard: new Set() };
    this.#tables.push(message.bytes);
    const first = withTables(message, this.#tables) ?? message;
    const before = new Map([...this.#counters, ...countersBefore(first.bytes)]);
    before.delete(NULL_PID);
    const messages = before.size === 0 ? [first] : [jumps(before), first];
    return { messages, unheard: this.#listed().difference(before) };
  }

  /** The PIDs that its tables list. */
  #listed(): Set<number> {
    const pids = new Set<number>();
    const demuxer = new Demuxer({
      onProgram: ({ pcrPid, streams }) => {
        for (const pid of [pcrPid, ...streams.map((stream) => stream.pid)]) pids.add(pid);
      },
    });
    const tables = this.#tables.packets();
    if (tables) demuxer.push(tables);
    demuxer.flush();
    return pids.difference(new Set([NULL_PID]));
  }

  #count(bytes: Uint8Array, packet: number): void {
    if (hasPayload(bytes, packet)) this.#counters.set(pidOf(bytes, packet), counterOf(bytes, packet));
  }
}

/**
 * That counters jump, of those of `pids` of which something is in this message, to go on before it; and the others, which
 * are still `unheard`.
 */
export function jumpsOf(
  { bytes }: HubMessage,
  pids: Set<number>,
): { readonly jumps?: HubMessage; readonly unheard: Set<number> } {
  const before = new Map([...countersBefore(bytes)].filter(([pid]) => pids.has(pid)));
  if (before.size === 0) return { unheard: pids };
  return { jumps: jumps(before), unheard: pids.difference(before) };
}

/** Whether these are whole packets. */
export const isTransportStream = ({ bytes, text }: HubMessage): boolean =>
  !text && bytes.length > 0 && bytes.length % PACKET_BYTES === 0 && bytes[0] === SYNC_BYTE;

/** The continuity counters that come before the first packets with payload, by PID. */
function countersBefore(bytes: Uint8Array): Map<number, number> {
  const before = new Map<number, number>();
  for (const packet of packetsOf(bytes)) {
    const pid = pidOf(bytes, packet);
    if (!before.has(pid) && hasPayload(bytes, packet)) before.set(pid, (counterOf(bytes, packet) - 1) & 15);
  }
  return before;
}

function* packetsOf(bytes: Uint8Array): Generator<number> {
  for (let packet = 0; packet < bytes.length; packet += PACKET_BYTES) yield packet;
}

/** @param before of each PID, the counter that its next packet comes after. */
const jumps = (before: ReadonlyMap<number, number>): HubMessage => ({
  bytes: Buffer.concat([...before].map(([pid, counter]) => jump(pid, counter))),
  text: false,
  mark: { randomAccess: false, class: 'data' },
});

/**
 * ISO/IEC 13818-1 2.4.3.4: a packet of nothing but an adaptation field whose discontinuity_indicator says that the
 * counter, and the clock where it is the PCR's PID, begin anew. 2.4.3.3: without payload the counter stands still, so the
 * next packet has `counter` + 1.
 */
function jump(pid: number, counter: number): Buffer {
  const packet = Buffer.alloc(PACKET_BYTES, 0xff);
  packet.set([SYNC_BYTE, pid >> 8, pid & 0xff, 0x20 | counter, PACKET_BYTES - 5, 0x80]);
  return packet;
}
