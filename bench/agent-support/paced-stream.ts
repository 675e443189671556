/** A transport stream like ffmpeg's, in whose payloads each packet carries its number and when it was written. */

const PACKET = 188;
const PMT_PID = 0x1000;
const VIDEO_PID = 0x100;
const AUDIO_PID = 0x101;
/** Where number and time are in a packet, behind header, adaptation field and PES header. */
const STAMP_AT = 40;
/** 2 Mbit/s of picture at 30/s, a key frame each 2 s that is four times as large; sound 48 times a second. */
const FRAME_PACKETS = 42;
const KEY_FRAME_PACKETS = 168;
const FRAMES_PER_GROUP = 60;
const FRAME_MS = 1000 / 30;
const SOUND_MS = 1024 / 48;
const SOUND_PACKETS = 3;

function section(pid: number, counter: number, table: readonly number[]): Buffer {
  const bytes = Buffer.alloc(PACKET, 0xff);
  bytes.set([0x47, 0x40 | (pid >> 8), pid & 0xff, 0x10 | (counter & 0x0f), 0, ...table]);
  bytes.writeUInt32BE(crc32(bytes.subarray(5, 5 + table.length)), 5 + table.length);
  return bytes;
}

/** ISO/IEC 13818-1 Annex A. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let i = 0; i < 8; i++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}

// ISO/IEC 13818-1 2.4.4.3 and 2.4.4.8: one program, H.264 and AAC.
const PAT = [0x00, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe0 | (PMT_PID >> 8), PMT_PID & 0xff];
const PMT = [
  ...[0x02, 0xb0, 23, 0, 1, 0xc1, 0, 0, 0xe0 | (VIDEO_PID >> 8), VIDEO_PID & 0xff, 0xf0, 0],
  ...[0x1b, 0xe0 | (VIDEO_PID >> 8), VIDEO_PID & 0xff, 0xf0, 0],
  ...[0x0f, 0xe0 | (AUDIO_PID >> 8), AUDIO_PID & 0xff, 0xf0, 0],
];

/** Says at each moment what ffmpeg would write then. */
export class PacedStream {
  packets = 0;
  #frames = 0;
  #sounds = 0;
  readonly #counters = new Map<number, number>();
  readonly #began = performance.now();

  /** Milliseconds until the next frame is due, 0 or less when it is. */
  get dueIn(): number {
    return this.#began + Math.min(this.#frames * FRAME_MS, this.#sounds * SOUND_MS) - performance.now();
  }

  /** The next frame of picture or sound; {@link stamp} it when it is written. */
  next(): Buffer {
    if (this.#sounds * SOUND_MS < this.#frames * FRAME_MS) {
      this.#sounds += 1;
      return this.#unit(AUDIO_PID, 0xc0, SOUND_PACKETS, false);
    }
    const key = this.#frames % FRAMES_PER_GROUP === 0;
    this.#frames += 1;
    const unit = this.#unit(VIDEO_PID, 0xe0, key ? KEY_FRAME_PACKETS : FRAME_PACKETS, key);
    if (!key) return unit;
    return Buffer.concat([
      section(0, this.#count(0), PAT),
      section(PMT_PID, this.#count(PMT_PID), PMT),
      unit,
    ]);
  }

  #unit(pid: number, streamId: number, packets: number, key: boolean): Buffer {
    const bytes = Buffer.alloc(packets * PACKET, 0x55);
    for (let i = 0; i < packets; i++) {
      const at = i * PACKET;
      bytes.set([0x47, (i === 0 ? 0x40 : 0) | (pid >> 8), pid & 0xff, 0x30 | this.#count(pid)], at);
      // 2.4.3.4: one byte of flags, with the random access indicator on a key frame.
      bytes.set([1, i === 0 && key ? 0x40 : 0], at + 4);
      if (i === 0) bytes.set([0, 0, 1, streamId, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1], at + 6);
      bytes.writeDoubleBE(this.packets, at + STAMP_AT);
      this.packets += 1;
    }
    return bytes;
  }

  #count(pid: number): number {
    const counter = this.#counters.get(pid) ?? 0;
    this.#counters.set(pid, (counter + 1) & 0x0f);
    return counter;
  }
}

/** Notes in each packet that it is written now. */
export function stamp(unit: Buffer): Buffer {
  const now = performance.now();
  for (let at = 0; at < unit.length; at += PACKET) {
    const pid = unit.readUInt16BE(at + 1) & 0x1fff;
    if (pid === VIDEO_PID || pid === AUDIO_PID) unit.writeDoubleBE(now, at + STAMP_AT + 8);
  }
  return unit;
}

/** Reads what a viewer got, and finds what is missing, doubled or out of order. */
export class PacedReader {
  /** Of each message, by its last packet, in ms. */
  readonly delays: number[] = [];
  packets = 0;
  wrong = 0;

  read(message: Buffer): void {
    const now = performance.now();
    if (message.length % PACKET !== 0) this.wrong += 1;
    let written: number | undefined;
    for (let at = 0; at + PACKET <= message.length; at += PACKET) {
      const pid = message.readUInt16BE(at + 1) & 0x1fff;
      if (pid !== VIDEO_PID && pid !== AUDIO_PID) continue;
      if (message.readDoubleBE(at + STAMP_AT) !== this.packets) this.wrong += 1;
      this.packets += 1;
      written = message.readDoubleBE(at + STAMP_AT + 8);
    }
    if (written !== undefined) this.delays.push(now - written);
  }
}
