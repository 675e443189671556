import type { HubMessage } from '@perch/hub';
import {
  counterOf,
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
   * What goes on instead of the message with which it takes over: that the counters jump, then PAT and PMT if they are
   * not there anyway, then the message. A viewer's demuxer goes on as if nothing had been lost.
   */
  begin(message: HubMessage): readonly HubMessage[] {
    if (!isTransportStream(message)) return [message];
    this.#tables.push(message.bytes);
    const first = withTables(message, this.#tables) ?? message;
    const before = new Map(this.#counters);
    const seen = new Set<number>();
    for (const packet of packetsOf(first.bytes)) {
      const pid = pidOf(first.bytes, packet);
      if (seen.has(pid) || !hasPayload(first.bytes, packet)) continue;
      seen.add(pid);
      before.set(pid, (counterOf(first.bytes, packet) - 1) & 15);
    }
    before.delete(NULL_PID);
    if (before.size === 0) return [first];
    const bytes = Buffer.concat([...before].map(([pid, counter]) => jump(pid, counter)));
    return [{ bytes, text: false, mark: { randomAccess: false, class: 'data' } }, first];
  }

  #count(bytes: Uint8Array, packet: number): void {
    if (hasPayload(bytes, packet)) this.#counters.set(pidOf(bytes, packet), counterOf(bytes, packet));
  }
}

/** Whether these are whole packets. */
export const isTransportStream = ({ bytes, text }: HubMessage): boolean =>
  !text && bytes.length > 0 && bytes.length % PACKET_BYTES === 0 && bytes[0] === SYNC_BYTE;

function* packetsOf(bytes: Uint8Array): Generator<number> {
  for (let packet = 0; packet < bytes.length; packet += PACKET_BYTES) yield packet;
}

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
