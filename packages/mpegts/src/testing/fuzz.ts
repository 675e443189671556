import { concat, sameBytes } from '../bytes.ts';
import { latmPayload } from '../codec/latm.ts';
import type { Damage } from '../damage.ts';
import { Demuxer } from '../demuxer.ts';
import { limits } from '../limits.ts';
import { MessageCutter } from '../message-cutter.ts';
import { MessageMarker } from '../message-marker.ts';
import { ProgramTables } from '../program-tables.ts';
import { Random } from './random.ts';
import { type TestStreamOptions, testStream } from './streams.ts';

const bases: readonly Uint8Array[] = (
  [
    { video: 'h264', audio: 'aac' },
    { video: 'h264', audio: 'opus', bounded: false },
    { video: 'mpeg1video', audio: 'mp2' },
    { video: 'mpeg2video', audio: 'mp3', bounded: false },
    { video: 'hevc', audio: 'mp2' },
    { audio: 'aac' },
    { audio: 'aac_latm' },
    { audio: 'opus' },
    { video: 'h264', data: 'klv' },
    { video: 'h264', data: 'klv_sync' },
    { audio: 'aac', data: 'timed_id3' },
    { video: 'h264' },
  ] satisfies TestStreamOptions[]
).map((options) => testStream({ ...options, pictures: 3, group: 2 }));

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

const mutations: readonly Mutation[] = [
  // one bit
  (bytes, random) => {
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    return bytes;
  },
  // one byte, often of a header
  (bytes, random) => {
    const packet = random.below(Math.ceil(bytes.length / 188)) * 188;
    bytes[Math.min(bytes.length - 1, packet + random.below(random.pick([6, 32, 188])))] = random.pick([
      0,
      1,
      0x47,
      0x7f,
      0x80,
      0xff,
      random.below(256),
    ]);
    return bytes;
  },
  // a run of bytes
  (bytes, random) => bytes.fill(random.below(256), random.below(bytes.length), random.below(bytes.length)),
  // lost bytes, or lost packets
  (bytes, random) => {
    const unit = random.pick([1, 188]);
    const at = random.below(bytes.length / unit) * unit;
    return concat(bytes.subarray(0, at), bytes.subarray(at + unit * (1 + random.below(4))));
  },
  // garbage between
  (bytes, random) => {
    const at = random.below(bytes.length);
    return concat(bytes.subarray(0, at), random.bytes(random.below(400)), bytes.subarray(at));
  },
  // a packet again, or in another place
  (bytes, random) => {
    const packets = bytes.length / 188;
    const from = random.below(packets) * 188;
    const at = random.below(packets) * 188;
    return concat(bytes.subarray(0, at), bytes.subarray(from, from + 188), bytes.subarray(at));
  },
  // another stream goes on
  (bytes, random) => {
    const other = random.pick(bases);
    return concat(bytes.subarray(0, random.below(bytes.length)), other.subarray(random.below(other.length)));
  },
  // an end
  (bytes, random) => bytes.slice(0, random.below(bytes.length)),
];

function makeInput(random: Random): Uint8Array {
  const kind = random.below(10);
  if (kind === 0) return random.bytes(random.below(3000));
  if (kind === 1) {
    // random packets of few PIDs
    const bytes = random.bytes((1 + random.below(12)) * 188);
    for (let at = 0; at < bytes.length; at += 188) {
      bytes.set(
        [0x47, random.pick([0x40, 0x41, 0x01, 0x50, 0x10]), random.below(2), 0x10 | random.below(64)],
        at,
      );
    }
    return bytes;
  }
  let bytes = random.pick(bases).slice();
  for (let i = random.below(6); i >= 0 && bytes.length > 0; i--)
    bytes = random.pick(mutations)(bytes, random).slice();
  return bytes;
}

/** The input that a seed stands for, so that one that breaks something can be kept as its seed. */
export const fuzzInput = (seed: number): Uint8Array => makeInput(new Random(seed));

function pieces(bytes: Uint8Array, random: Random): Uint8Array[] {
  const most = random.pick([7, 188, 500, 4000]);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random.below(most);
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}

/** Throws where something happens that must not, whatever the input. */
export function fuzzOne(seed: number): void {
  const input = fuzzInput(seed);
  const random = new Random(~seed);
  const parts = pieces(input, random);
  const whole = digest([input]);
  const cut = digest(parts);
  if (whole !== cut) throw new Error(`demuxer: cut differently, found ${cut} in place of ${whole}`);
  checkCutter(input, parts);
  const marker = new MessageMarker();
  const tables = new ProgramTables();
  for (const part of parts) {
    marker.mark(part);
    tables.push(part);
    const packets = tables.packets();
    if (packets && packets.length % 188 !== 0) throw new Error('tables: not whole packets');
  }
}

/** Everything that a demuxer says, in short. */
function digest(parts: readonly Uint8Array[]): string {
  let units = 0;
  let sum = 0;
  let damage = 0;
  const note = ({ kind, at }: Damage) => {
    damage = (damage * 31 + kind.length * 7 + at) | 0;
  };
  const demuxer = new Demuxer({
    onProgram: ({ number, version, streams }) => {
      sum = (sum * 31 + number + version + streams.length) | 0;
    },
    onAccessUnit: ({ pts, dts, data, damaged, config, duration, codec }) => {
      units++;
      if (codec === 'aac_latm') sum = (sum * 31 + (latmPayload(data)?.length ?? 0)) | 0;
      if (!Number.isSafeInteger(pts) || !Number.isSafeInteger(dts)) throw new Error(`time ${pts} ${dts}`);
      if (duration !== undefined && !(duration >= 0)) throw new Error(`duration ${duration}`);
      if (config && 'width' in config && !(config.width > 0 && config.height > 0)) throw new Error('size');
      sum = (sum * 31 + (pts % 65_521) + data.length + (damaged ? 1 : 0)) | 0;
      for (let i = 0; i < data.length; i += 17) sum = (sum * 31 + (data[i] ?? 0)) | 0;
    },
    onDamage: note,
    onPcr: ({ pcr }) => {
      if (!Number.isSafeInteger(pcr)) throw new Error(`clock ${pcr}`);
    },
  });
  for (const part of parts) demuxer.push(part);
  demuxer.flush();
  return `${units} units ${sum}, damage ${damage}, ${demuxer.stats.packets} packets`;
}

function checkCutter(input: Uint8Array, parts: readonly Uint8Array[]): void {
  const sent: Uint8Array[] = [];
  const cutter = new MessageCutter({ onMessage: (bytes) => sent.push(bytes) });
  let pushed = 0;
  for (const part of parts) {
    cutter.push(part);
    pushed += part.length;
  }
  cutter.end();
  const out = concat(...sent);
  const { skippedBytes, format } = cutter.stats;
  if (out.length + skippedBytes !== pushed) {
    throw new Error(`cutter: ${out.length} sent and ${skippedBytes} dropped of ${pushed}`);
  }
  if (skippedBytes === 0 && !sameBytes(out, input)) throw new Error('cutter: changed bytes');
  if (format === 'other' && input.length < limits.recogniseBytes)
    throw new Error('cutter: gave up too early');
}
