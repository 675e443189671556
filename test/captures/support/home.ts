import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CaptureName, PERCH_CAPTURES_1 } from '@perch/protocol';
import { type Clock, millis, silentLogger, systemClock } from '@perch/runtime';
import { WebSocket } from 'ws';
import { Spool } from '../../../packages/agent/src/spool/index.ts';
import { Uploader } from '../../../packages/agent/src/upload/index.ts';
import { TestDevice } from '../../../packages/relay/src/devices/testing/test-device.ts';
import { openRelay } from '../../support/relay.ts';

/** The machine's clock, whose pauses between tries are short. */
const hurried: Clock = {
  ...systemClock,
  after: (delay, fire) => systemClock.after(millis(delay > 500 && delay < 2_000 ? 1 : delay), fire),
};

/** A device with a spool and the relay where it is at home, with an owner who is signed in. */
export class Home implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'perch-captures-'));
  readonly relay: Awaited<ReturnType<typeof openRelay>>;
  readonly device: TestDevice;
  readonly spool: Spool;
  readonly uploader: Uploader;
  readonly cookie: string;
  readonly #line: Cutter;

  private constructor(
    parts: Pick<Home, 'relay' | 'device' | 'spool' | 'cookie'>,
    line: Cutter,
    directory: string,
  ) {
    this.relay = parts.relay;
    this.device = parts.device;
    this.spool = parts.spool;
    this.cookie = parts.cookie;
    this.directory = directory;
    this.#line = line;
    this.uploader = new Uploader({
      spool: parts.spool,
      dial: async () =>
        new WebSocket(`ws://127.0.0.1:${line.port}/agent/captures`, [PERCH_CAPTURES_1], {
          perMessageDeflate: false,
          headers: await parts.device.authorization(parts.relay.url),
        }),
      clock: hurried,
      logger: silentLogger,
      random: () => 0,
    });
  }

  /**
   * @param cutAfter after so many bytes from the device a connection is cut; asked anew for each.
   * @param options of the relay.
   */
  static async open(
    cutAfter = () => Number.POSITIVE_INFINITY,
    options: Parameters<typeof openRelay>[0] = {},
  ): Promise<Home> {
    const directory = mkdtempSync(join(tmpdir(), 'perch-captures-'));
    const relay = await openRelay({ ...options, data: join(directory, 'relay') });
    const device = await TestDevice.enrol(relay.url, await relay.createEnrolmentCode('yard'));
    const spool = await Spool.open({
      directory: join(directory, 'spool'),
      clock: systemClock,
      logger: silentLogger,
    });
    const answer = await fetch(`${relay.url}/api/v1/sign-in`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ secret: new URL(await relay.signInLink()).hash.slice(1) }),
    });
    const cookie = (answer.headers.getSetCookie()[0] ?? '').split(';', 1)[0] ?? '';
    const line = await Cutter.open(relay.port, cutAfter);
    return new Home({ relay, device, spool, cookie }, line, directory);
  }

  /** Asks as the owner. */
  async ask(
    path: string,
    options: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
  ) {
    const { method = 'GET', headers = {}, body } = options;
    return fetch(this.relay.url + path, {
      method,
      headers: {
        ...{ Cookie: this.cookie, Origin: this.relay.url },
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  async json<T>(path: string, options?: Parameters<Home['ask']>[1]): Promise<T> {
    return (await (await this.ask(path, options)).json()) as T;
  }

  /** Takes files into the spool as one film. @param isOver and says that it is over. */
  async film(capture: CaptureName, paths: readonly string[], isOver = true): Promise<void> {
    await this.spool.begin(capture);
    for (const [segment, path] of paths.entries()) {
      await this.spool.take({ capture, segment, extension: path.split('.').at(-1) ?? 'mp4', path });
    }
    if (isOver) await this.spool.note({ kind: 'end', capture, segments: paths.length });
  }

  /** Resolves when the spool holds nothing any more: all that it had was promised. */
  async drained(): Promise<void> {
    this.uploader.start();
    const end = performance.now() + 60_000;
    for (;;) {
      const { segments, events } = this.spool.dump();
      if (segments === 0 && events === 0) return;
      if (performance.now() > end)
        throw new Error(`still in the spool: ${segments} segments, ${events} events`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Bytes that went from the device to the relay on all connections, and how many of those there were. */
  get sent(): { readonly bytes: number; readonly connections: number } {
    return this.#line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.uploader.close();
    await this.spool.close();
    await this.#line.close();
    await this.relay.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A line between device and relay that breaks after so many bytes. */
class Cutter {
  bytes = 0;
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async open(port: number, cutAfter: () => number): Promise<Cutter> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Cutter(server, port, cutAfter);
  }

  private constructor(server: Server, port: number, cutAfter: () => number) {
    this.#server = server;
    server.on('connection', (near) => {
      this.connections++;
      let left = cutAfter();
      const far = connect(port, '127.0.0.1');
      const cut = () => {
        near.destroy();
        far.destroy();
      };
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', cut);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          cut();
        });
      }
      far.pipe(near);
      near.on('data', (data) => {
        const passed = data.subarray(0, Math.max(0, left));
        left -= data.byteLength;
        this.bytes += data.byteLength;
        if (left > 0) {
          if (!far.write(passed)) {
            near.pause();
            far.once('drain', () => near.resume());
          }
        } else far.end(passed, cut);
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Makes small films with ffmpeg. */
export class FilmMaker implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'perch-films-'));

  /** @param args of ffmpeg, between its inputs and the file. @returns the file's path. */
  make(name: string, args: readonly string[]): string {
    const path = join(this.directory, name);
    execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args, path]);
    return path;
  }

  /** Two seconds of a moving picture, and a tone. */
  plain(name: string, { size = '320x240', rate = 25, sound = 44_100, encoder = ['-g', '25'] } = {}): string {
    const picture = ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=${rate}:d=2`];
    const tone = sound === 0 ? [] : ['-f', 'lavfi', '-i', `sine=440:d=2:sample_rate=${sound}`, '-c:a', 'aac'];
    const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-pix_fmt', 'yuv420p', ...encoder];
    return this.make(name, [...picture, ...tone, ...x264]);
  }

  read(path: string): Promise<Buffer> {
    return readFile(path);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Decodes all of a film. @returns how many pictures it shows, and what ffmpeg complains about. */
export async function decode(
  path: string,
  before: readonly string[] = [],
): Promise<{ pictures: number; complaints: string }> {
  const args = ['-v', 'warning', '-stats', '-nostdin', ...before, '-i', path];
  // The relay runs in this process: it must be able to answer meanwhile.
  const { stderr } = await promisify(execFile)('ffmpeg', [
    ...args,
    '-vsync',
    'passthrough',
    // Pictures that come at odd times do so in the clock of the film.
    '-enc_time_base',
    '-1',
    '-f',
    'null',
    '-',
  ]);
  const complaints = stderr
    .split(/[\r\n]/)
    .filter((line) => line !== '' && !line.startsWith('frame=') && !line.includes('-vsync'))
    .join('\n');
  return { pictures: Number([...stderr.matchAll(/frame= *(\d+)/g)].at(-1)?.[1] ?? 0), complaints };
}
