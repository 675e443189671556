import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { type AddressInfo, createConnection, type Socket } from 'node:net';
import path from 'node:path';

/** A camera program as devices have them: it names films to an agent, and hears what it is told. */
export class CameraProgram implements AsyncDisposable {
  /** Where it listens for commands. */
  readonly address: { readonly host: string; readonly port: number };
  /** The commands that it was told. */
  readonly told: string[] = [];
  readonly #socket = createSocket('udp4');
  readonly #directory: string;
  #closed: Promise<void> | undefined;

  /** @param directory where it writes its films. */
  static async start(directory: string): Promise<CameraProgram> {
    const program = new CameraProgram(directory);
    program.#socket.bind(program.address.port, program.address.host);
    await once(program.#socket, 'listening');
    Object.assign(program.address, { port: program.#socket.address().port });
    return program;
  }

  private constructor(directory: string) {
    this.#directory = directory;
    this.address = { host: '127.0.0.1', port: 0 };
    this.#socket.on('message', (bytes) =>
      this.told.push((JSON.parse(String(bytes)) as { command: string }).command),
    );
  }

  /** Begins a film. @param agent where the agent takes films. @param at seconds since 1970. */
  async film(agent: Pick<AddressInfo, 'port'>, cause: 'pir' | 'cap', at: number): Promise<RunningFilm> {
    const socket = createConnection({ host: '127.0.0.1', port: agent.port });
    await once(socket, 'connect');
    return new RunningFilm(socket, path.join(this.#directory, `${cause}.${at}`));
  }

  /** Nobody listens any more. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => this.#socket.close(resolve));
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A film that a camera program is making. */
export class RunningFilm {
  readonly #socket: Socket;
  readonly #name: string;
  #segments = 0;

  constructor(socket: Socket, name: string) {
    this.#socket = socket;
    this.#name = name;
  }

  /** Names a segment with the bytes of this file. */
  segment(file: string): this {
    const named = `${this.#name}.${this.#segments++}.mp4`;
    copyFileSync(file, named);
    this.#socket.write(JSON.stringify({ segment: named }));
    return this;
  }

  alarm(): this {
    this.#socket.write(JSON.stringify({ event: 'alarm' }));
    return this;
  }

  end(): void {
    this.#socket.end();
  }
}
