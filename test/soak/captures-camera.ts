import { rm, writeFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { hashOf, type SegmentMaker } from './captures-film.ts';
import type { House } from './captures-house.ts';

const FIRST_SECOND = 1_795_000_000;

/**
 * A camera program: films, names its files over the socket, and deletes each as soon as the agent has taken it. That
 * moment is when the agent's `/api/captures` counts as many segments `taken` as were named to it: from then on a segment
 * is promised, and must be at home in the end. What was named to an agent that ended before it said so is not promised; it may be
 * there all the same, once.
 */
export class CameraProgram {
  /** Hashes of all that was ever named, and of what was promised. */
  readonly named = new Set<string>();
  readonly promised = new Set<string>();
  readonly #house: House;
  readonly #maker: SegmentMaker;
  readonly #random: () => number;
  #second = FIRST_SECOND;
  #sockets: Socket[] = [];
  /** Of this agent's life: how many were named, and which of them were not promised yet. */
  #count = 0;
  #open: { path: string; hash: string }[] = [];
  #life = 0;

  constructor(house: House, maker: SegmentMaker, random: () => number) {
    this.#house = house;
    this.#maker = maker;
    this.#random = random;
  }

  /** Films once: one connection, some segments. */
  async film(): Promise<void> {
    const random = this.#random;
    const life = this.#life;
    const second = ++this.#second;
    const socket = createConnection({ path: this.#house.socket });
    socket.on('error', () => undefined);
    this.#sockets.push(socket);
    for (let n = 0, all = 1 + Math.floor(random() * 4); n < all; n++) {
      const bytes = this.#maker.make(random);
      const name = `pir.${second}.${n}.mp4`;
      const path = join(this.#house.camera, name);
      await writeFile(path, bytes);
      if (life !== this.#life) return;
      const hash = hashOf(bytes);
      this.named.add(hash);
      this.#open.push({ path, hash });
      this.#count++;
      socket.write(JSON.stringify({ segment: name }));
    }
    if (random() < 0.2) socket.write('{"event":"alarm"}');
    if (random() < 0.7) socket.end();
  }

  /** Asks the agent what it has taken, once. */
  async look(): Promise<void> {
    const life = this.#life;
    const status = await this.#house.status();
    if (!status || life !== this.#life) return;
    if (status.taken !== this.#count) return;
    for (const { path, hash } of this.#open.splice(0)) {
      this.promised.add(hash);
      await rm(path);
    }
  }

  /** The agent is gone: what it had not said is not promised, and the camera program does not keep it. */
  async agentIsGone(): Promise<void> {
    this.#life++;
    this.#count = 0;
    for (const socket of this.#sockets.splice(0)) socket.destroy();
    for (const { path } of this.#open.splice(0)) await rm(path, { force: true });
  }
}
