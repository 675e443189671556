// A program of its own, so that nothing else delays it: paints a picture with the wall clock in it at 30/s, and a tone in
// step, and lets ffmpeg encode both to an address.
//
//   node strip-source.ts URL --sound none|aac|opus --ahead MS --gop FRAMES
//
// `--ahead` says how long before its time the tone is handed to ffmpeg. ffmpeg reads sound in blocks of 1024 samples; a
// tone that it makes itself (`-re -f lavfi -i sine`) is there as a whole block when the block begins, so that is the
// default. A microphone gives its samples when they were heard: 0.
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { paintStrip } from './strip.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sound: { type: 'string', default: 'none' },
    gop: { type: 'string', default: '30' },
    ahead: { type: 'string', default: '21.4' },
  },
});
const url = positionals[0] ?? 'pipe:1';
const WIDTH = 640;
const HEIGHT = 480;
/** Not quite half of 60/s, so that the pictures meet the screen's refresh at every phase within 8 s. */
const RATE = 29.94;
const SAMPLE_RATE = 48_000;
/** A thirtieth of a block, so that the last piece of a block never waits for the next. */
const SOUND_SAMPLES = 32;
const SOUND_MS = (SOUND_SAMPLES / 48_000) * 1000;

const ahead = Number(values.ahead);
const hasSound = values.sound !== 'none';
const soundCodec =
  values.sound === 'opus' ? ['libopus', '-application', 'lowdelay', '-frame_duration', '10'] : ['aac'];
const ffmpeg = spawn(
  'ffmpeg',
  [
    ...['-hide_banner', '-loglevel', 'error', '-probesize', '32', '-analyzeduration', '0'],
    ...[
      '-f',
      'rawvideo',
      '-pix_fmt',
      'yuv420p',
      '-s',
      `${WIDTH}x${HEIGHT}`,
      '-r',
      String(RATE),
      '-i',
      'pipe:0',
    ],
    ...(hasSound ? ['-f', 's16le', '-ar', String(SAMPLE_RATE), '-ac', '1', '-i', 'pipe:3'] : []),
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', values.gop],
    ...['-x264-params', `keyint=${values.gop}:min-keyint=${values.gop}:scenecut=0`],
    ...(hasSound ? ['-c:a', ...soundCodec, '-b:a', '96k'] : []),
    ...['-f', 'mpegts', '-flush_packets', '1', '-muxdelay', '0', '-muxpreload', '0'],
    ...['-pes_payload_size', '0', '-omit_video_pes_length', '0', url],
  ],
  { stdio: ['pipe', 'inherit', 'inherit', hasSound ? 'pipe' : 'ignore'] },
);
const video = ffmpeg.stdin as Writable;
const sound = ffmpeg.stdio[3] as Writable | null;
for (const pipe of [video, sound]) pipe?.on('error', () => undefined); // ffmpeg ended first; its exit ends us
ffmpeg.on('exit', (code) => process.exit(code ?? 1));
process.on('SIGTERM', () => ffmpeg.kill('SIGKILL'));
process.on('disconnect', () => ffmpeg.kill('SIGKILL'));

// A texture twice as high as the picture, scrolled: something to encode, cheap to paint.
const texture = new Uint8Array(WIDTH * HEIGHT * 2);
for (let y = 0; y < HEIGHT * 2; y++)
  for (let x = 0; x < WIDTH; x++)
    texture[y * WIDTH + x] = 60 + ((x * 7 + (y % HEIGHT) * 5) & 63) + (((x >> 5) + (y >> 5)) & 1) * 60;
const chroma = new Uint8Array((WIDTH * HEIGHT) / 2).fill(128);

let soundSent = 0;
/** How often sound is handed on. */
const SOUND_PERIOD_MS = 4;

function sendSound(elapsedMs: number): void {
  for (; (soundSent + 1) * SOUND_MS <= elapsedMs; soundSent++) {
    const samples = new Int16Array(SOUND_SAMPLES);
    for (let i = 0; i < samples.length; i++)
      samples[i] = 6_000 * Math.sin(((soundSent * samples.length + i) / SAMPLE_RATE) * 2 * Math.PI * 440);
    sound?.write(new Uint8Array(samples.buffer));
  }
}

let frame = 0;
const begin = performance.now();
function tick(): void {
  const elapsed = performance.now() - begin;
  if (hasSound) sendSound(elapsed + ahead);
  if ((frame * 1000) / RATE <= elapsed) {
    const luma = texture.slice((frame % HEIGHT) * WIDTH, ((frame % HEIGHT) + HEIGHT) * WIDTH);
    paintStrip(luma, Date.now());
    video.write(luma);
    video.write(chroma);
    if (frame % Number(values.gop) === 0) process.send?.({ keyFrameAt: Date.now() });
    frame += 1;
  }
  const nextFrame = (frame * 1000) / RATE;
  const next = hasSound ? Math.min(nextFrame, performance.now() - begin + SOUND_PERIOD_MS) : nextFrame;
  setTimeout(tick, Math.max(0, next - (performance.now() - begin)));
}
tick();
