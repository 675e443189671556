import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PICTURES_PER_SECOND = 20;

/** A network camera: JPEG pictures without end over HTTP, across which a square moves, or in which there is nothing. */
export class MjpegCamera implements AsyncDisposable {
  /** Whether something moves from now on. */
  isMoving = false;
  readonly #pictures: readonly Buffer[];
  readonly #server: Server;
  readonly #viewers = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | undefined;
  #number = 0;
  #shown = 0;
  #onShown: () => void = () => undefined;

  /** @param directory where its pictures are made. They stay there. */
  static async start(directory: string): Promise<MjpegCamera> {
    const place = join(directory, 'pictures');
    await mkdir(place);
    // No brighter and no slower: Debian's motion takes half of a first picture for usual, and would see that when the
    // square is gone.
    const source =
      'color=0x606060:size=320x240[ground];color=0x989898:size=80x80[square];[ground][square]overlay=x=n*80-80:y=80';
    const filter = ['-f', 'lavfi', '-i', source, '-frames:v', '5', '-q:v', '3'];
    await promisify(execFile)('ffmpeg', ['-v', 'error', ...filter, join(place, '%d.jpg')]);
    const files = (await readdir(place)).sort();
    const camera = new MjpegCamera(await Promise.all(files.map((file) => readFile(join(place, file)))));
    camera.#server.listen(0, '127.0.0.1');
    await once(camera.#server, 'listening');
    camera.#timer = setInterval(() => camera.#show(), 1_000 / PICTURES_PER_SECOND);
    return camera;
  }

  private constructor(pictures: readonly Buffer[]) {
    this.#pictures = pictures;
    this.#server = createServer((_, response) => {
      response.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace;boundary=picture' });
      this.#viewers.add(response);
      response.once('close', () => this.#viewers.delete(response));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Resolves when viewers got so many more pictures. */
  shown(count: number): Promise<void> {
    const wanted = this.#shown + count;
    return new Promise((resolve) => {
      this.#onShown = () => this.#shown >= wanted && resolve();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #show(): void {
    // The first is without the square.
    this.#number = this.isMoving ? (this.#number % (this.#pictures.length - 1)) + 1 : 0;
    const picture = this.#pictures[this.#number] as Buffer;
    const head = `--picture\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`;
    for (const viewer of this.#viewers)
      viewer.write(Buffer.concat([Buffer.from(head), picture, Buffer.from('\r\n')]));
    if (this.#viewers.size > 0) this.#shown++;
    this.#onShown();
  }
}
