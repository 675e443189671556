import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A repeatable source of numbers in [0, 1) (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const KINDS = 3;

/** Makes segments that play, each with other bytes: a few films by ffmpeg, then a box of its own behind each copy. */
export class SegmentMaker {
  readonly #films: readonly Buffer[];
  #made = 0;

  private constructor(films: readonly Buffer[]) {
    this.#films = films;
  }

  /** @param directory for what ffmpeg writes. */
  static async open(directory: string): Promise<SegmentMaker> {
    const films = Array.from({ length: KINDS }, async (_, kind) => {
      const path = join(directory, `kind-${kind}.mp4`);
      const picture = ['-f', 'lavfi', '-i', `testsrc2=s=160x120:r=12:d=${1 + kind / 2}`];
      const tone = ['-f', 'lavfi', '-i', `sine=${440 + 110 * kind}:d=${1 + kind / 2}`, '-c:a', 'aac'];
      const coded = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '12', '-pix_fmt', 'yuv420p'];
      await run('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...picture, ...tone, ...coded, path]);
      return readFile(path);
    });
    return new SegmentMaker(await Promise.all(films));
  }

  /** A segment that there was not before. */
  make(random: () => number): Buffer {
    const film = this.#films[Math.floor(random() * this.#films.length)] ?? Buffer.alloc(0);
    // ISO/IEC 14496-12 8.1.2: a `free` box says nothing.
    const box = Buffer.alloc(8 + 16 + Math.floor(random() * 60_000));
    box.writeUInt32BE(box.length, 0);
    box.write('free', 4, 'latin1');
    box.writeUInt32BE(++this.#made, 8);
    for (let at = 12; at < box.length; at++) box[at] = Math.floor(random() * 256);
    return Buffer.concat([film, box]);
  }
}

/** What ffmpeg complains about as it decodes all of a film; empty where nothing. */
export async function complaintsOf(path: string): Promise<string> {
  const { stderr } = await run('ffmpeg', ['-v', 'error', '-nostdin', '-i', path, '-f', 'null', '-']);
  return stderr.trim();
}
