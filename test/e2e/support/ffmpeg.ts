import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/** A running ffmpeg; ended when disposed. */
export interface Ffmpeg extends AsyncDisposable {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
}

/** Runs ffmpeg with its transport stream on standard output; `onBytes` gets each read. */
export function startFfmpeg(args: readonly string[], onBytes: (bytes: Uint8Array) => void): Ffmpeg {
  const child = spawn('ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'error', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdout.on('data', onBytes);
  child.stdin.on('error', () => undefined); // the pipe breaks when ffmpeg is ended first
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk).slice(-4_000);
  });
  let ending = false;
  child.on('exit', (code) => {
    if (!ending && code !== 0) console.error(`ffmpeg ended with ${code}: ${words}`);
  });
  return {
    child,
    async [Symbol.asyncDispose]() {
      ending = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** A moving test picture and a tone, in real time. */
export const testInput = [
  ...['-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x480:rate=30'],
  ...['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'],
];

/** ffmpeg's flags for little delay in a transport stream. */
export const lowDelayMux = [
  ...['-f', 'mpegts', '-flush_packets', '1', '-muxdelay', '0', '-muxpreload', '0'],
  ...['-pes_payload_size', '0', '-omit_video_pes_length', '0', 'pipe:1'],
];

export const h264 = [
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '30'],
];
