import { createHash } from 'node:crypto';
import { captureLimits } from '@perch/protocol';
import { SpoolError, type SpoolErrorCode } from './errors.ts';
import type { FileFacts, Files, OpenFile } from './files.ts';
import { spoolFailure } from './journal.ts';

const READ_BYTES = 256 * 1024;

/** What a file's bytes are, at one moment. */
export interface Contents {
  readonly size: number;
  readonly sha256: string;
  /** In ms since 1970. */
  readonly modified: number;
  /** It changed while it was read. */
  readonly isGrowing: boolean;
}

/** Reads all of an open file, with its hash; `onPart` gets each part in order, valid until it resolves. */
export async function readContents(
  file: OpenFile,
  onPart: (part: Uint8Array, at: number) => Promise<void> = () => Promise.resolve(),
): Promise<Contents> {
  const before = await file.facts();
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  let size = 0;
  for (;;) {
    const read = await file.read(buffer, size);
    if (read === 0) break;
    const part = buffer.subarray(0, read);
    hash.update(part);
    await onPart(part, size);
    size += read;
  }
  const { modified, size: sizeNow } = await file.facts();
  const isGrowing = before.size !== size || sizeNow !== size || before.modified !== modified;
  return { size, sha256: hash.digest('hex'), modified, isGrowing };
}

/** A file that has a name in the spool's directory now. The directory is not synced yet. */
export interface Taken extends Contents {
  readonly how: 'link' | 'copy';
}

/**
 * Gives the file at `path` a name in the spool: a further one where the disk allows it (the camera program may then
 * delete its own), a copy otherwise. Its bytes are on the disk when this resolves; its name is not yet.
 *
 * @throws {SpoolError} `segment-…` where it is not one that can be taken, `spool-…` where the spool failed.
 */
export async function takeFile(files: Files, path: string, target: string): Promise<Taken> {
  const linked = await tryLink(files, path, target);
  if (!linked) return copy(files, path, target);
  try {
    // What has the name now may be another file than what was looked at, so it is judged by this one.
    const file = await openSegment(files, target, path);
    try {
      check(await file.facts(), path);
      const contents = await read(file, path);
      await file.sync().catch((cause: unknown) => {
        throw spoolFailure(`sync ${path}`, cause);
      });
      return { ...contents, how: 'link' };
    } finally {
      await file.close();
    }
  } catch (error) {
    await remove(files, target);
    throw error;
  }
}

/** Reads an own copy's or link's contents again. */
export async function readAgain(files: Files, target: string, path: string): Promise<Contents> {
  const file = await openSegment(files, target, path);
  try {
    const contents = await read(file, path);
    await file.sync();
    return contents;
  } finally {
    await file.close();
  }
}

/** What a file is called in the spool until it is whole. */
export const PART = '.part';

async function tryLink(files: Files, path: string, target: string): Promise<boolean> {
  try {
    await files.link(path, target);
    return true;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'].includes(code)) throw segmentError(path, cause);
    // Another disk, another owner, too many links, no links at all: a copy does it.
    return false;
  }
}

async function copy(files: Files, path: string, target: string): Promise<Taken> {
  const part = `${target}${PART}`;
  const source = await openSegment(files, path, path);
  try {
    check(await source.facts(), path);
    const into = await files.write(part).catch((cause: unknown) => {
      throw spoolFailure(`write ${part}`, cause);
    });
    let contents: Contents;
    try {
      await into.truncate(0);
      contents = await read(source, path, (bytes, at) =>
        into.write(bytes, at).catch((cause: unknown) => {
          throw spoolFailure(`write ${part}`, cause);
        }),
      );
      await into.sync();
      // From now on it is the copy's own time that must stay the same.
      contents = { ...contents, modified: (await into.facts()).modified };
    } finally {
      await into.close();
    }
    await files.rename(part, target);
    return { ...contents, how: 'copy' };
  } catch (error) {
    await remove(files, part);
    throw error instanceof SpoolError ? error : spoolFailure(`write ${part}`, error);
  } finally {
    await source.close();
  }
}

async function openSegment(files: Files, name: string, path: string): Promise<OpenFile> {
  try {
    return await files.read(name);
  } catch (cause) {
    throw segmentError(path, cause);
  }
}

async function read(
  file: OpenFile,
  path: string,
  onPart?: Parameters<typeof readContents>[1],
): Promise<Contents> {
  try {
    const contents = await readContents(file, onPart);
    if (contents.size === 0) throw new SpoolError('segment-empty', `${path} is empty`);
    return contents;
  } catch (cause) {
    throw cause instanceof SpoolError ? cause : segmentError(path, cause);
  }
}

function check({ isFile, size }: FileFacts, path: string): void {
  if (!isFile) throw new SpoolError('segment-not-a-file', `${path} is no regular file`);
  if (size === 0) throw new SpoolError('segment-empty', `${path} is empty`);
  if (size > captureLimits.segmentBytes)
    throw new SpoolError(
      'segment-too-large',
      `${path} has ${size} bytes; at most ${captureLimits.segmentBytes} travel`,
    );
}

const codes: Readonly<Record<string, readonly [SpoolErrorCode, string]>> = {
  ENOENT: ['segment-missing', 'is not there'],
  ENOTDIR: ['segment-missing', 'is not there'],
  ENAMETOOLONG: ['segment-missing', 'has too long a name'],
  ELOOP: ['segment-not-a-file', 'is a symbolic link; only files themselves are taken'],
  ENXIO: ['segment-not-a-file', 'is no regular file'],
  EISDIR: ['segment-not-a-file', 'is a directory'],
  EACCES: ['segment-unreadable', 'may not be read: let the user of the agent read it'],
  EPERM: ['segment-unreadable', 'may not be read: let the user of the agent read it'],
};

function segmentError(path: string, cause: unknown): SpoolError {
  const known = codes[(cause as NodeJS.ErrnoException).code ?? ''];
  const [code, words] =
    known ?? (['segment-unreadable', `cannot be read (${(cause as Error).message})`] as const);
  return new SpoolError(code, `${path} ${words}`, { cause });
}

async function remove(files: Files, path: string): Promise<void> {
  await files.remove(path).catch(() => {
    // It was not made, or it is tidied up at the next start.
  });
}
