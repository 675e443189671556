/**
 * Claim: combining costs little beside what a network brings: at least 1 Gbit/s of input on one core, whether one camera
 * passes or two cameras and two microphones are interleaved. Beside it a plain copy of the same reads.
 *
 * Cameras send 5 Mbit/s of H.264, microphones 192 kbit/s of MP2. Reads of 64 KiB (what Node's HTTP hands over at full
 * speed) and of 1,316 bytes (seven packets, what ffmpeg writes). Each read comes when its time stamps are due, and between
 * them a tick every 20 ms, as in the agent: what costs by the second counts too.
 */
import { Combiner, TimedFeed } from '@perch/mpegts';
import { TestEncoder, type TestEncoderOptions } from '../packages/mpegts/src/testing/encoder.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const READS = [65_536, 1316];
const STREAM_MS = 8_000;

const camera: TestEncoderOptions = { codec: 'h264', bytes: 24_000, group: 50 };
const microphone: TestEncoderOptions = { codec: 'mp2', step: 2160, group: 40 };

/** A read of a feed, and when it comes. */
interface Read {
  readonly feed: number;
  readonly bytes: Uint8Array;
  readonly atMs: number;
}

/** All reads of these encoders in the order of time; a read begins with a unit and holds no more than `size` bytes. */
function readsOf(encoders: readonly TestEncoderOptions[], size: number): Read[] {
  const reads: Read[] = [];
  for (const [feed, options] of encoders.entries()) {
    const encoder = new TestEncoder({ ...options, seed: feed + 1 });
    for (let atMs = 0; atMs < STREAM_MS; atMs += encoder.step / 90) {
      const unit = encoder.unit();
      for (let at = 0; at < unit.length; at += size) {
        reads.push({ feed, bytes: unit.subarray(at, at + size), atMs });
      }
    }
  }
  return reads.sort((a, b) => a.atMs - b.atMs);
}

let out = 0;
/** What anybody must do who hands on bytes that are not his. */
const copy = (reads: readonly Read[]): void => {
  for (const { bytes } of reads) out += bytes.slice().length;
};

const combine = (reads: readonly Read[], count: number): void => {
  const feeds = Array.from({ length: count }, (_, i) => new TimedFeed({ name: `feed ${i}` }));
  const combiner = new Combiner({
    onMessage: (bytes) => {
      out += bytes.length;
    },
  });
  combiner.setFeeds(feeds, 0);
  let tickAt = 0;
  for (const { feed, bytes, atMs } of reads) {
    for (; tickAt < atMs; tickAt += 20) combiner.tick(tickAt);
    feeds[feed]?.push(bytes, atMs);
  }
  combiner.close();
};

/** Gbit/s of input on one core. */
function measure(run: (reads: readonly Read[]) => void, reads: readonly Read[]): number {
  const size = reads.reduce((sum, { bytes }) => sum + bytes.length, 0);
  for (let i = 0; i < 3; i++) run(reads);
  const begin = performance.now();
  let bytes = 0;
  while (performance.now() - begin < SECONDS * 1000) {
    run(reads);
    bytes += size;
  }
  return (bytes * 8) / 1e6 / (performance.now() - begin);
}

console.log('combining, one core               64 KiB reads             1,316-byte reads');
const row = (name: string, rates: readonly number[], beside: readonly number[]) => {
  const cells = rates.map(
    (rate, i) => `${rate.toFixed(2).padStart(7)} Gbit/s (${(rate / (beside[i] ?? 1)).toFixed(3)})`,
  );
  console.log(`${name.padEnd(32)}${cells.join('   ')}`);
};
for (const [name, encoders] of [
  ['one camera', [camera]],
  ['two cameras, two microphones', [camera, camera, microphone, microphone]],
] as const) {
  const reads = READS.map((size) => readsOf(encoders, size));
  const copies = reads.map((all) => measure(copy, all));
  row(`${name}: copy`, copies, copies);
  const combined = reads.map((all) => measure((one) => combine(one, encoders.length), all));
  row(`${' '.repeat(name.length)}  Combiner`, combined, copies);
}
if (out === 0) throw new Error('nothing came out');
