/**
 * Claim: looking at every packet costs next to nothing beside moving it. MessageCutter (the agent, for each publisher)
 * and MessageMarker (the relay, for each raw publisher) handle several hundred MB/s on one core; so does ProgramTables,
 * and the whole Demuxer handles more than any network brings. Beside them a plain copy of the same bytes.
 *
 * Reads of 64 KiB (what Node's HTTP hands over at full speed) and of 1,316 bytes (seven packets, what ffmpeg writes).
 */
import { Demuxer, MessageCutter, MessageMarker, ProgramTables } from '@perch/mpegts';
import { testStream } from '../packages/mpegts/src/testing/streams.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const READS = [65_536, 1316];

/** About 5 MB of H.264 and AAC. */
const stream = testStream({ video: 'h264', audio: 'aac', pictures: 6000, group: 50 });

type Take = (read: Uint8Array) => void;

const target = new Uint8Array(65_536);
let messages = 0;
let units = 0;
const takers: Readonly<Record<string, () => Take>> = {
  'plain copy': () => (read) => target.set(read),
  MessageCutter: () => {
    const cutter = new MessageCutter({ onMessage: () => messages++ });
    return (read) => cutter.push(read);
  },
  MessageMarker: () => {
    const marker = new MessageMarker();
    return (read) => void marker.mark(read);
  },
  ProgramTables: () => {
    const tables = new ProgramTables();
    return (read) => tables.push(read);
  },
  Demuxer: () => {
    const demuxer = new Demuxer({ onAccessUnit: () => units++ });
    return (read) => demuxer.push(read);
  },
};

/** MB per second of one core. */
function measure(make: () => Take, size: number): number {
  const reads: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += size) reads.push(stream.subarray(at, at + size));
  const round = () => {
    const take = make();
    for (const read of reads) take(read);
  };
  for (let i = 0; i < 3; i++) round();
  const begin = performance.now();
  let bytes = 0;
  while (performance.now() - begin < SECONDS * 1000) {
    round();
    bytes += stream.length;
  }
  return bytes / 1e6 / ((performance.now() - begin) / 1000);
}

console.log('transport stream, one core      64 KiB reads           1,316-byte reads');
const copies = READS.map((size) => measure(takers['plain copy'] as () => Take, size));
for (const [name, make] of Object.entries(takers)) {
  const cells = READS.map((size, i) => {
    const rate = name === 'plain copy' ? (copies[i] ?? 0) : measure(make, size);
    const ratio = rate / (copies[i] ?? 1);
    return `${rate.toFixed(0).padStart(6)} MB/s  (${ratio.toFixed(3)})`;
  });
  console.log(`${name.padEnd(28)}${cells.join('    ')}`);
}
if (messages === 0 || units === 0) throw new Error('nothing came out');
