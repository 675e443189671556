/**
 * Claim: watching a feed for motion costs less than 6 % of one core at 640×480 and less than 25 % at 1920×1080, 25
 * pictures a second: little more than decoding it does.
 *
 * What is counted is processor time for each second of the feed: of the ffmpeg that decodes, and of the agent's own ring
 * and detector. Beside it, in the same run, the least that could do the work: an ffmpeg that decodes and throws away.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { MessageCutter, type MessageMark } from '@perch/mpegts';
import { millis, silentLogger, systemClock } from '@perch/runtime';
import { Decoder } from '../packages/agent/src/motion/decoder.ts';
import { Detector } from '../packages/agent/src/motion/detector.ts';
import { motionLimits } from '../packages/agent/src/motion/limits.ts';
import { Ring } from '../packages/agent/src/motion/ring.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 20);
const SIZES = [
  { size: '640x480', rate: '1500k', most: 0.06 },
  { size: '1920x1080', rate: '6000k', most: 0.25 },
] as const;
/** The kernel counts processor time in these. */
const TICKS_PER_SECOND = 100;

/** A moving, noisy picture as a camera's encoder sends it: a key picture every two seconds, B pictures. */
function film(size: string, rate: string): Buffer {
  const args = ['-hide_banner', '-loglevel', 'error', '-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25`];
  const video = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '50', '-pix_fmt', 'yuv420p', '-b:v', rate];
  const rest = ['-vf', 'noise=alls=8:allf=t', '-t', String(SECONDS), '-f', 'mpegts', 'pipe:1'];
  return execFileSync('ffmpeg', [...args, ...video, ...rest], { maxBuffer: 2 ** 30 });
}

/** Processor time that a process has used, in seconds. */
function used(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

const own = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** The least: every picture is decoded, and nothing done with it. */
async function decodeAlone(bytes: Buffer): Promise<number> {
  const args = ['-hide_banner', '-loglevel', 'error', '-threads', '1', '-f', 'mpegts', '-i', 'pipe:0'];
  const child = spawn('bash', ['-c', `time ffmpeg ${[...args, '-f', 'null', '-'].join(' ')}`], {
    env: { ...process.env, TIMEFORMAT: '%U %S' },
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  child.stdin.end(bytes);
  await once(child, 'close');
  return said
    .trim()
    .split(' ')
    .map(Number)
    .reduce((sum, part) => sum + part, 0);
}

/** What watching takes of the agent and of its decoder. */
async function watch(bytes: Buffer) {
  const detector = new Detector({ sensitivity: 5 });
  const ring = new Ring({ span: millis(13_000), mostBytes: motionLimits.ringBytes });
  let pictures = 0;
  const decoder = new Decoder({
    feed: 'bench',
    onPicture(pixels, pts) {
      pictures += 1;
      detector.look({ pixels, at: pts / 90 });
    },
    clock: systemClock,
    logger: silentLogger,
  });
  const messages: { bytes: Uint8Array; mark: MessageMark }[] = [];
  const cutter = new MessageCutter({ onMessage: (part, mark) => messages.push({ bytes: part, mark }) });
  cutter.push(bytes);
  const before = own();
  let shown = 0;
  for (const { bytes: part, mark } of messages) {
    const begins = mark.randomAccess && mark.class === 'video';
    ring.add(part, begins, millis(shown * 40));
    decoder.push(part, begins);
    if (mark.class !== 'video') continue;
    shown += 1;
    // Faster than real time, but never so that the decoder would leave something out.
    while (shown / 5 - pictures > 10) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const agent = own() - before;
  const { state } = decoder;
  const decoding = state.kind === 'running' ? used(state.pid) : Number.NaN;
  const { dropped } = decoder;
  await decoder.close();
  return { agent, decoding, dropped, pictures };
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;

let isMet = true;
for (const { size, rate, most } of SIZES) {
  const bytes = film(size, rate);
  const bare = (await decodeAlone(bytes)) / SECONDS;
  const { agent, decoding, dropped, pictures } = await watch(bytes);
  const [inAgent, inDecoder] = [agent / SECONDS, decoding / SECONDS];
  const whole = inAgent + inDecoder;
  isMet &&= whole <= most && dropped === 0;
  console.log(
    `${size} at 25/s, of one core: ${percent(whole)} (decoder ${percent(inDecoder)}, ring and detector ${percent(inAgent)}), ` +
      `decoding alone ${percent(bare)}: ${(whole / bare).toFixed(2)} times that; ${pictures} pictures looked at, ${dropped} bytes left out`,
  );
}
const motion = spawnSync('motion', ['-h']).error === undefined;
console.log(
  motion
    ? 'Debian’s motion is here too: compare by hand'
    : 'Debian’s motion is not installed here: no comparison',
);
console.log(isMet ? 'the claim holds' : 'the claim does not hold');
process.exitCode = isMet ? 0 : 1;
