// Half of a clapperboard, a program of its own: once in PERIOD of the wall clock a white picture, or a beep, that ffmpeg
// encodes to an address. The other half is another process, started when it likes; they share only the clock.
//
//   node clap-source.ts picture|beep URL -- FFMPEG OUTPUT OPTIONS…
import { spawn } from 'node:child_process';
import { CLAP_PERIOD } from './clap-period.ts';

const [half, url, , ...encoder] = process.argv.slice(2);
const PICTURE_MS = 40;
const SOUND_MS = 10;
const RATE = 48_000;
const [WIDTH, HEIGHT] = [160, 120];

const input =
  half === 'picture'
    ? ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${WIDTH}x${HEIGHT}`, '-r', String(1000 / PICTURE_MS)]
    : ['-f', 's16le', '-ar', String(RATE), '-ac', '1'];
const ffmpeg = spawn(
  'ffmpeg',
  [
    ...['-hide_banner', '-loglevel', 'error', '-probesize', '32', '-analyzeduration', '0'],
    ...input,
    ...['-i', 'pipe:0', ...encoder, '-f', 'mpegts', url as string],
  ],
  { stdio: ['pipe', 'inherit', 'inherit'] },
);
ffmpeg.on('exit', (code) => process.exit(code ?? 1));
ffmpeg.stdin.on('error', () => undefined); // it ends by being told to, and `exit` says how
process.on('SIGTERM', () => ffmpeg.kill('SIGTERM'));
process.on('disconnect', () => ffmpeg.kill('SIGTERM'));

const white = Buffer.alloc(WIDTH * HEIGHT, 235);
const black = Buffer.alloc(WIDTH * HEIGHT, 16);

function picture(at: number): Buffer {
  return at % CLAP_PERIOD < PICTURE_MS ? white : black;
}

/** The sound of SOUND_MS that begins at `at`, with a beep of 60 ms. */
function sound(at: number): Buffer {
  const samples = Buffer.alloc((RATE / 1000) * SOUND_MS * 2);
  for (let i = 0; i < samples.length / 2; i++) {
    const since = (at + (i * 1000) / RATE) % CLAP_PERIOD;
    if (since < 60) samples.writeInt16LE(Math.round(16_000 * Math.sin(2 * Math.PI * since)), i * 2);
  }
  return samples;
}

const step = half === 'picture' ? PICTURE_MS : SOUND_MS;
/** What is next, on the wall clock: a picture is taken at its time, sound is there when it has been heard. */
let next = (Math.floor(Date.now() / step) + 1) * step;
function run(): void {
  const now = Date.now();
  for (; next + (half === 'picture' ? 0 : SOUND_MS) <= now; next += step) {
    ffmpeg.stdin.write(half === 'picture' ? picture(next) : sound(next));
  }
  setTimeout(run, Math.max(1, next + (half === 'picture' ? 0 : SOUND_MS) - Date.now()));
}
run();
