import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { CameraCommand } from '@perch/protocol';
import { type Clock, type Logger, Scope } from '@perch/runtime';
import { AgentError } from '../errors.ts';
import { replaceFile } from '../replace-file.ts';
import { type Files, Spool, type SpoolStatus } from '../spool/index.ts';
import { Camera } from './camera.ts';
import type { CameraAddress } from './datagram.ts';
import { FileList } from './file-list.ts';
import { Film, type FilmOptions, RecentFilms } from './film.ts';
import { type ListPosition, readListPosition } from './list-position.ts';
import { type InputAddress, InputSocket } from './sockets.ts';

/** What the agent takes from camera programs, and what it tells them. */
export interface CaptureOptions {
  /** Where camera programs connect. */
  readonly inputs?: readonly InputAddress[];
  /** The same, but that it is in use is only said: for one that nobody asked for. */
  readonly inputIfFree?: InputAddress;
  /** Relative names are looked for here. Default: the working directory. */
  readonly inputDirectory?: string;
  /** Only files below it are taken. Default: wherever they are. */
  readonly captureDirectory?: string;
  /** A file, a named pipe, or `-` for standard input: one path a line. */
  readonly fileList?: string;
  /** The list counts only while the camera is armed, as cloudtalker has it. Default: while it was not disarmed. */
  readonly listNeedsArming?: boolean;
  /** Where the camera program listens for commands. */
  readonly camera?: CameraAddress;
  /** Most bytes that wait on this device; over it the oldest is given up, loudly. Default: no limit. */
  readonly mostBytes?: number;
  /** What waits longer is given up, loudly; in ms. Default: no limit. */
  readonly mostAge?: number;
  /** Bytes per second that films may take of the line. Default: no limit; they yield to live video in any case. */
  readonly mostPerSecond?: number;
}

/** What captures need of the agent. */
export interface CaptureParts {
  /** The agent's directory; captures have one of their own in it. */
  readonly data: string;
  readonly options: CaptureOptions;
  readonly stdin?: Readable;
  /** Makes what sends films away. Without it they wait in the spool. */
  readonly upload?: (parts: UploadParts) => Upload;
  /** Default: the real disk. */
  readonly files?: Files;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What sends films away can use. */
export interface UploadParts {
  readonly spool: Spool;
  readonly camera: Camera;
  /** Bytes per second. */
  readonly mostPerSecond?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Sends films away for as long as it lives. */
export interface Upload {
  start(): void;
  dump(): object;
  close(): Promise<void>;
}

/** What a person wants to know about captures. */
export interface CapturesStatus extends SpoolStatus {
  readonly upload: object | null;
  readonly armed: boolean | null;
}

const LIST_POSITION = 'list-position';

/** Takes films from camera programs, keeps them safe, sends them home, and tells the camera program what to do. */
export class Captures implements AsyncDisposable {
  readonly #scope = new Scope();
  readonly #parts: CaptureParts;
  readonly #filming: FilmOptions;
  readonly spool: Spool;
  readonly camera: Camera;
  readonly #upload: Upload | undefined;
  readonly #inputs: InputSocket[] = [];

  private constructor(parts: CaptureParts, spool: Spool, camera: Camera) {
    const { options, clock, logger, upload } = parts;
    this.#parts = parts;
    this.spool = this.#scope.own(spool);
    this.camera = this.#scope.own(camera);
    this.#filming = {
      spool,
      inputDirectory: options.inputDirectory ?? process.cwd(),
      ...(options.captureDirectory !== undefined && { captureDirectory: options.captureDirectory }),
      recent: new RecentFilms(),
      clock,
      logger,
    };
    const { mostPerSecond } = options;
    this.#upload =
      upload &&
      this.#scope.own(
        upload({ spool, camera, clock, logger, ...(mostPerSecond !== undefined && { mostPerSecond }) }),
      );
  }

  /**
   * @throws {SpoolError} where the spool cannot be used.
   * @throws {AgentError} where an input cannot be opened.
   */
  static async start(parts: CaptureParts): Promise<Captures> {
    const { data, options, files, clock, logger } = parts;
    const directory = join(data, 'captures');
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const { mostBytes, mostAge } = options;
    const armedFile = join(directory, 'armed');
    const position =
      options.fileList === undefined ? undefined : await readListPosition(join(directory, LIST_POSITION));
    const spool = await Spool.open({
      directory: join(directory, 'spool'),
      ...(mostBytes !== undefined && { mostBytes }),
      ...(mostAge !== undefined && { mostAge }),
      ...(files && { files }),
      ...(position?.mark !== undefined && { since: position.mark }),
      clock,
      logger,
    });
    const camera = new Camera({
      ...(options.camera && { address: options.camera }),
      hasList: options.fileList !== undefined,
      // Cloudtalker starts disarmed, until its cloud says otherwise (COMPAT 4.3).
      wasArmed: options.listNeedsArming ? undefined : await readArmed(armedFile),
      keep: (isArmed) => replaceFile(armedFile, JSON.stringify(isArmed)),
      clock,
      logger,
    });
    const captures = new Captures(parts, spool, camera);
    try {
      await captures.#openInputs(directory, position);
    } catch (error) {
      await captures.close();
      throw error;
    }
    captures.#upload?.start();
    captures.camera.handOver();
    return captures;
  }

  /** Where camera programs can connect, ports as they were picked. */
  get addresses(): readonly InputAddress[] {
    return this.#inputs.map(({ address }) => address);
  }

  /** Takes files by hand, as one film. Resolves when they are in the spool; `lost` says which are not, and why. */
  async push(
    paths: readonly string[],
  ): Promise<{ readonly capture: string; readonly lost: readonly string[] }> {
    const film = new Film(this.#filming);
    const capture = film.together(paths);
    await film.end();
    return { capture, lost: this.film(capture).lost };
  }

  /** How it stands with one film: segments that are not at home yet, and what was lost of it. */
  film(capture: string) {
    const lost = this.spool.dump().losses.filter((words) => words.startsWith(`${capture} `));
    return { capture, pending: this.spool.pendingOf(capture), lost };
  }

  tell(command: CameraCommand): Promise<void> {
    return this.camera.tell(command);
  }

  dump(): CapturesStatus {
    return {
      ...this.spool.dump(),
      upload: this.#upload?.dump() ?? null,
      armed: this.camera.isArmed ?? null,
    };
  }

  /** Ends inputs first, so that what they told is in the spool, then the upload, then the spool. Idempotent. */
  close(): Promise<void> {
    this.spool.hurry();
    return this.#scope.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #openInputs(directory: string, listPosition: ListPosition | undefined): Promise<void> {
    const { options, stdin } = this.#parts;
    for (const address of options.inputs ?? []) {
      this.#inputs.push(this.#scope.own(await InputSocket.listen(address, this.#filming)));
    }
    if (options.inputIfFree) await this.#openIfFree(options.inputIfFree);
    if (options.fileList === undefined) return;
    this.#scope.own(
      await FileList.open({
        ...this.#filming,
        list: options.fileList,
        stdin: stdin ?? process.stdin,
        positionFile: join(directory, LIST_POSITION),
        ...(listPosition && { position: listPosition }),
        isDisarmed: () =>
          this.camera.isArmed !== true && (options.listNeedsArming || this.camera.isArmed === false),
      }),
    );
  }

  async #openIfFree(address: InputAddress): Promise<void> {
    try {
      this.#inputs.push(this.#scope.own(await InputSocket.listen(address, this.#filming)));
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== 'port-in-use') throw error;
      this.#parts.logger.warn('no films are taken from camera programs', { why: error.message });
    }
  }
}

async function readArmed(path: string): Promise<boolean | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  if (text === 'true') return true;
  return text === 'false' ? false : undefined;
}
